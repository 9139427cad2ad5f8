// The files of a chat: listed and taken. A file itself is what the page's route answers with, too.
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/chat_files.hpp"
#include "render/blocks.hpp"
#include "render/workspace_links.hpp"

#include <algorithm>
#include <iterator>

namespace varro::api {

namespace {

constexpr int64_t second_us = 1'000'000;

std::string address_of(int64_t chat, std::string_view name) {
  // A slash of a folder stays one. A name that an attachment may have says that it means the workspace.
  auto address = "/api/v1/chats/" + std::to_string(chat) + "/files/" + percent_encode(name, "/");
  return parse_attachment_name(name) ? address + "?" + std::string{workspace_query} : address;
}

// No address has control characters: such a file is listed and can be had by a cell alone.
bool has_address(std::string_view name) {
  return is_utf8(name) && !has_control_characters(name);
}

// Those of a form, or the one that the body is.
or_refused<std::vector<form_file>> files_in(const received_request& request, form& fields) {
  if (media_type_of_body(request) == "multipart/form-data") {
    auto parsed = parse_form(request);
    if (!parsed)
      return refused_request{400, text_of(parsed.error())};
    fields = std::move(*parsed);
    return fields.files;
  }
  auto name = query_value(request, "name").value_or("");
  if (name.empty())
    return refused_request{422, "Say the file's name, as ?name=, or send a form with files (multipart/form-data)."};
  return std::vector<form_file>{{"file", std::move(name), request.body}};
}

} // namespace

reply list_files(application& app, const route_call& call, const visitor& who) {
  const auto asked = page_of(call.request);
  if (const auto* refused = std::get_if<refused_request>(&asked))
    return refused_reply(app, call, *refused);
  const auto& [limit, after] = std::get<asked_page>(asked);
  const auto chat = captured_id(call);
  if (!chat)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto files = files_of(app, who, *chat);
  if (!files)
    return app.error_reply(call.request, files.error());
  std::sort(files->begin(), files->end());
  auto next = std::upper_bound(files->begin(), files->end(), after,
                               [](const std::string& name, const listed_file& file) { return name < file.name; });
  auto list = json::array();
  for (; next != files->end() && list.size() < static_cast<size_t>(limit); ++next) {
    json file{{"name", next->name}, {"bytes", next->bytes}, {"modified_at", next->modified_at * second_us}};
    if (has_address(next->name))
      file["url"] = address_of(*chat, next->name);
    list.push_back(std::move(file));
  }
  json value{{"files", std::move(list)}};
  if (next != files->end())
    value["next"] = to_cursor(std::prev(next)->name);
  return json_reply(200, value);
}

reply upload_files(application& app, const route_call& call, const visitor& who) {
  const auto chat = captured_id(call);
  if (!chat)
    return app.error_reply(call.request, 404, "There is no such chat.");
  // Before anything is said of the body: whoever does not own the chat learns nothing.
  if (auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, *chat); !session)
    return app.error_reply(call.request, session.error());
  form fields;
  auto files = files_in(call.request, fields);
  if (const auto* refused = std::get_if<refused_request>(&files))
    return refused_reply(app, call, *refused);
  auto stored = put_files(app, who, *chat, std::get<std::vector<form_file>>(files));
  if (!stored)
    return app.error_reply(call.request, stored.error());
  auto list = json::array();
  for (const auto& name : stored->names)
    list.push_back({{"name", name}, {"url", address_of(*chat, name)}});
  auto result = json_reply(201, {{"files", std::move(list)}});
  result.headers.emplace_back("Location", address_of(*chat, stored->names.front()));
  return result;
}

} // namespace varro::api
