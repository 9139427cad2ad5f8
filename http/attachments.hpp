// What a chat's messages carry (pictures, documents, displays of cells), as replies. Any worker.
//
// `owner` is the user whose chat it is, who need not be the one that asks: REQUIRES that this one may see it.
#pragma once

#include "http/application.hpp"
#include "render/blocks.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace varro {

inline constexpr auto no_file = "There is no such file in this chat.";

// Its type, and whether a browser shows it or saves it under this name.
void describe(reply& result, std::string_view file_name, std::string_view media_type);

// Errors: errc::not_found, or the session's.
caf::expected<binary_content> find_attachment(const application& app, int64_t owner, int64_t chat,
                                              const attachment_name& which);

// The attachment of exactly this name, "m17-0.png", or errc::not_found.
caf::expected<reply> attachment_reply(const application& app, int64_t owner, int64_t chat, std::string_view name);

// The document that draws a chart, by its name "m17-0".
caf::expected<reply> chart_reply(const application& app, const received_request& request, int64_t owner, int64_t chat,
                                 std::string_view name);

} // namespace varro
