// What the routes of /api share: bodies that are read, answers that are written. Any worker.
#pragma once

#include "base/json.hpp"
#include "http/requests.hpp"
#include "http/turns.hpp"

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace varro {

// Entries of one page of a list, unless ?limit= says less or more.
inline constexpr int64_t api_page_usual = 50;
inline constexpr int64_t api_page_max = 200;

reply json_reply(int status, const json& value);
reply refused_reply(const application& app, const route_call& call, const refused_request& refused);

// The answer with an ETag of its body, or 304 where If-None-Match has that one (RFC 9110, section 13.1.2). For what is
// asked for often and seldom changes.
reply with_etag(const received_request& request, reply from);

// "application/json" of "Application/JSON; charset=utf-8"
std::string media_type_of_body(const received_request& request);

// Bytes of a body in JSON: a message as large as it may be with all its characters escaped, and what else there is.
// What is read of a body takes some times its bytes of memory.
size_t json_body_bytes_max(const config& settings);

// The body as an object; no body is an empty one. 415: it is of another type; 413: it is larger than that; 400: no
// object, or more than a request may hold (requests.hpp).
std::variant<json, refused_request> json_body(const application& app, const received_request& request);

// The same as a request; 422 where a field has another type.
template <class Request>
std::variant<Request, refused_request> read_json(const application& app, const received_request& request) {
  auto object = json_body(app, request);
  if (auto* refused = std::get_if<refused_request>(&object))
    return std::move(*refused);
  auto read = Request::from_json(std::get<json>(object));
  if (!read)
    return refused_request{422, text_of(read.error())};
  return std::move(*read);
}

// ?limit=, from 1 to api_page_max. nullopt: it is something else.
std::optional<int64_t> page_limit(const received_request& request);

// A place in a list as a client carries it: opaque, so that lists can come to be ordered otherwise.
std::string to_cursor(std::string_view place);
// Of ?cursor=; empty: there is none. nullopt: nobody gave that one out.
std::optional<std::string> cursor_of(const received_request& request);

// Which page of a list is asked for, by ?limit= and ?cursor=; 422 where one of them is wrong.
struct asked_page {
  int64_t limit = api_page_usual;
  std::string after; // the place that the cursor holds; empty: the list's beginning
};
or_refused<asked_page> page_of(const received_request& request);

inline constexpr auto no_such_place = "There is no such place in this list. Begin without ?cursor=.";
inline constexpr auto limit_words = "?limit= is a number from 1 to 200.";

// With what is left of the visitor's limits that sends count for (known_limits.hpp).
reply with_limits(const application& app, const visitor& who, reply from);

// The models that the visitor may choose, each as `show` writes it.
caf::expected<json> offered_models(const application& app, const visitor& who,
                                   const std::function<json(const model_config&, const model_choices&)>& show);

// What one of the filters of a list is; empty: it is not asked for.
std::string filter_of(const received_request& request, std::string_view name);
// Which of these filters cannot be one; empty: none. One that was left out silently would show more than was asked for.
std::string wrong_filter(const received_request& request, std::initializer_list<std::string_view> names);

// A chat as lists and chats themselves show it.
json json_of(const chat_record& chat);

} // namespace varro
