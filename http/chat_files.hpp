// The files of a chat's workspace, for the routes that show and take them. Any worker.
#pragma once

#include "http/application.hpp"
#include "workspace/listed_file.hpp"

#include <vector>

namespace varro {

// In the order of their names. errc::not_found where the chat is not the visitor's.
caf::expected<std::vector<listed_file>> files_of(application& app, const visitor& who, int64_t chat);

// Writes files into the workspace of the visitor's chat. errc::invalid_input where there is none.
caf::expected<stored_uploads> put_files(application& app, const visitor& who, int64_t chat,
                                        const std::vector<form_file>& files);

} // namespace varro
