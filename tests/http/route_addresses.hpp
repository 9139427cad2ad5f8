// Addresses and kinds of the rows of the table of routes, for tests of all of them.
#pragma once

#include "http/route.hpp"

#include <string>
#include <string_view>

namespace varro::test {

// The path with something in place of its segments.
inline std::string path_of(const route& row, int64_t chat) {
  std::string result;
  std::string_view path = row.path;
  while (!path.empty()) {
    if (path.front() != '{') {
      result += path.front();
      path.remove_prefix(1);
      continue;
    }
    const auto segment = path.substr(1, path.find('}') - 1);
    const auto words = segment.find(':');
    result += segment == "chat"               ? std::to_string(chat)
      : segment == "name"                     ? "m6-0" // of a chart
      : segment == "turn" || segment == "run" ? "1"
      : words != segment.npos                 ? std::string{segment.substr(words + 1, segment.find('|') - words - 1)}
                                              : "m6-0.json";
    path.remove_prefix(segment.size() + 2);
  }
  return result;
}

inline bool names_a_chat(const route& row) {
  return row.path.find("{chat}") != row.path.npos;
}

// Leads who is not logged in to the login.
inline bool is_page(const route& row) {
  const auto* found = std::get_if<user_route>(&row.action);
  return found != nullptr && found->otherwise == when_anonymous::login_page;
}

// Below /v1, where errors are those of OpenAI's SDKs.
inline bool is_for_responses(const route& row) {
  return row.path.starts_with("/v1/");
}

// Below /api or /v1.
inline bool is_for_programs(const route& row) {
  return std::holds_alternative<api_route>(row.action) || row.path.starts_with("/api/");
}

// Changes something for somebody who is known.
inline bool is_change(const route& row) {
  const auto* found = std::get_if<api_route>(&row.action);
  return std::holds_alternative<change_route>(row.action) || (found != nullptr && found->changes);
}

// Not there for who is no admin.
inline bool is_for_admins(const route& row) {
  const auto* shown = std::get_if<user_route>(&row.action);
  const auto* changed = std::get_if<change_route>(&row.action);
  const auto* programs = std::get_if<api_route>(&row.action);
  return (shown != nullptr && shown->for_admins) || (changed != nullptr && changed->for_admins)
    || (programs != nullptr && programs->for_admins);
}

} // namespace varro::test
