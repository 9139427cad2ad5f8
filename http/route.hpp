// One row of the table of routes, as a value: an address, who may ask for it, and what answers.
#pragma once

#include "http/form.hpp"
#include "http/reply.hpp"

#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace varro {

class application;
struct api_operation;
struct visitor;

// What a route without a user gets: anyone may ask.
struct open_route {
  reply (*answer)(application&, const route_call&);
};

// 403 where nobody is logged in, or for a page 303 to the login.
// challenge: 401, with the way to say who one is.
enum class when_anonymous { forbid, login_page, challenge };
struct user_route {
  reply (*answer)(application&, const route_call&, const visitor&);
  when_anonymous otherwise = when_anonymous::forbid;
  bool for_admins = false; // 404 for others, who do not learn what is there
};

// What changes something: besides, 403 without the CSRF token, and 400 for a body that is no form.
struct change_route {
  reply (*answer)(application&, const route_call&, const visitor&, const form&);
  bool for_admins = false; // as above
};

// What programs ask for, below /api. 401 where nobody is logged in, with the way to say who one is. From a browser
// session, 403 for a change without the CSRF token in X-CSRF-Token. The body is the route's to read.
struct api_route {
  reply (*answer)(application&, const route_call&, const visitor&);
  bool changes = false;
  bool for_admins = false; // as above
};

using route_action = std::variant<open_route, user_route, change_route, api_route>;

// What answering takes, by which workers are shared out (work_class.hpp).
enum class route_work {
  usual,
  light,         // from memory, or what tells others how the server is: never made to wait for anybody's requests
  costly,        // grows with what a chat holds
  costly_search, // only with a text to look for, ?q=
};

// What a token of a program (bearer.hpp) must be for, where one asks instead of a browser session.
enum class route_scope {
  open,    // of open_route: nobody looks at a token
  read,    // shows the user's chats
  chat,    // changes them
  admin,   // looks after the server
  browser, // one's account and how one logs in: no token will do, so that none makes another or outlives its end
};

// The scope of a row, which has to be said: what a route that somebody forgot to think about would be is not compiled.
struct decided_scope {
  decided_scope() = delete;
  constexpr decided_scope(route_scope scope) : value(scope) {}
  route_scope value;
};

struct route {
  std::string_view method; // "GET" answers HEAD, too
  // Of named segments: {chat} is a number, {name:a|b} one of these words, {name} a segment, {name*} the rest of the
  // path with its slashes.
  std::string_view path;
  std::string_view does; // one sentence about what it is for
  route_action action;
  decided_scope scope;
  route_work work = route_work::usual;
  const api_operation* described = nullptr; // of every route for programs (api/operation.hpp)
};

// All routes of the server. The router, the tests' table of rights and what describes the interface come from it.
std::span<const route> all_routes() noexcept;

// The one that a request will get: HEAD is GET. The path is percent-decoded; null where there is none.
const route* find_route(std::string_view method, std::string_view path) noexcept;

// Where a login leads that was asked for on the way to `address`: that address, where it is one of our own pages, else
// the page of a new chat. Whatever a link of somebody else says, it leads nowhere else.
std::string page_after_login(std::string_view address);

// What of a path stands in braces: its name, and the regular expression that it matches.
struct path_segment {
  std::string name;
  std::string pattern;
};
struct path_pattern {
  std::string expression; // for the whole path, percent-decoded, with a group for each segment
  std::vector<path_segment> segments;
};
path_pattern pattern_of(std::string_view path);
// Whether that pattern matches a percent-decoded path; without regular expressions, for the thread that all requests
// pass.
bool matches(std::string_view pattern, std::string_view path) noexcept;

} // namespace varro
