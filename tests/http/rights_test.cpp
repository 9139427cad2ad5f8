// Who may use which route, for every row of the table: a new route is held to it from its first day.
#include "tests/http/route_addresses.hpp"
#include "tests/http/routes_world.hpp"

#include <algorithm>
#include <regex>

using namespace varro;
using namespace varro::test;

namespace {

// Chat 42 is ada's, who is logged in; chat 43 is bob's.
struct rights_world : routes_world {
  rights_world() : routes_world(auth_mode::accounts) {
    auto token = make_session_token();
    csrf = make_csrf_token();
    script->users = {{ada, "ada", "", false, 0}, {bob, "bob", "", false, 0}};
    script->logins.push_back({token.hash, ada, csrf, now_us(), now_us() + 3'600'000'000});
    session_field = "Cookie: varro_session=" + token.token;
  }
  int status(const route& row, std::string_view path, std::vector<std::string> fields = {}) {
    const std::string body = row.method == "GET" ? ""
      : is_for_programs(row)                     ? R"({"message": "x", "turn": 1, "run": 1, "title": "x"})"
                                                 : "message=x&turn=1&run=1&title=x";
    fields.push_back(is_for_programs(row) ? "Content-Type: application/json"
                                          : "Content-Type: application/x-www-form-urlencoded");
    return ask(port, row.method, path, fields, body).status;
  }

  std::string csrf;
  std::string session_field;
};

// Sent by who is not logged in: such a form has a token of its own (anonymous_forms.hpp; login_test, account_test).
bool is_form_of_anybody(const route& row) {
  return row.path == "/login" || row.path == "/join" || row.path == "/join/{token}" || row.path == "/reset/{token}"
    || row.path == "/logout/backchannel"; // whose token is signed by the provider
}

} // namespace

TEST_CASE("nobody may use what needs a user: pages lead to the login, programs are asked for a token, else it is 403") {
  rights_world world;
  for (const auto& row : all_routes()) {
    CAPTURE(row.method);
    CAPTURE(row.path);
    const auto status = world.status(row, path_of(row, 42));
    if (std::holds_alternative<open_route>(row.action))
      CHECK(status != 403);
    else if (const auto* page = std::get_if<user_route>(&row.action);
             page != nullptr && page->otherwise == when_anonymous::login_page)
      CHECK(status == 303);
    else
      CHECK(status == (is_for_programs(row) ? 401 : 403));
  }
  CHECK(world.script->sent.empty());
}

TEST_CASE("a chat of somebody else does not exist, whatever is asked of it") {
  rights_world world;
  for (const auto& row : all_routes()) {
    if (!names_a_chat(row))
      continue;
    CAPTURE(row.method);
    CAPTURE(row.path);
    CHECK(world.status(row, path_of(row, 43), {world.session_field, "X-CSRF-Token: " + world.csrf}) == 404);
  }
}

TEST_CASE("what is for admins is not there for others, whatever token they have") {
  rights_world world;
  int for_admins = 0;
  for (const auto& row : all_routes()) {
    CAPTURE(row.path);
    CHECK(is_for_admins(row) == (row.path.starts_with("/admin") || row.path.starts_with("/api/v1/admin")));
    if (!is_for_admins(row))
      continue;
    ++for_admins;
    CHECK(world.status(row, path_of(row, 42), {world.session_field, "X-CSRF-Token: " + world.csrf}) == 404);
  }
  CHECK(for_admins > 5);
}

TEST_CASE("what changes something needs the session's token; what only reads does not") {
  rights_world world;
  for (const auto& row : all_routes()) {
    CAPTURE(row.method);
    CAPTURE(row.path);
    const bool changes = is_change(row);
    CHECK(changes == (row.method != "GET" && !is_form_of_anybody(row)));
    if (!changes)
      continue;
    CHECK(world.status(row, path_of(row, 42), {world.session_field}) == 403);
    CHECK(world.status(row, path_of(row, 42), {world.session_field, "X-CSRF-Token: " + std::string(64, '0')}) == 403);
  }
  CHECK(world.script->sent.empty());
}

TEST_CASE("each route has an address of its own, and says what it is for") {
  std::vector<std::string> seen;
  for (const auto& row : all_routes()) {
    CAPTURE(row.path);
    CHECK(row.path.starts_with("/"));
    CHECK(row.does.ends_with("."));
    auto address = std::string{row.method} + " " + std::string{row.path};
    CHECK(std::find(seen.begin(), seen.end(), address) == seen.end());
    seen.push_back(std::move(address));
  }
}

TEST_CASE("a path's segments are named and have their forms") {
  auto chat = pattern_of("/chat/{chat}/export.{format:ipynb|md}");
  CHECK(chat.expression == "/chat/([0-9]+)/export\\.(ipynb|md)");
  REQUIRE(chat.segments.size() == 2);
  CHECK(chat.segments[0].name == "chat");
  CHECK(chat.segments[1].name == "format");
  CHECK(pattern_of("/files/{path*}").expression == "/files/(.+)");
  CHECK(pattern_of("/a/{name}").expression == "/a/([^/]+)");
  CHECK(pattern_of("/").expression == "/");
}

TEST_CASE("a route is found by method and path as the router finds it") {
  auto path_of = [](std::string_view method, std::string_view path) {
    const auto* found = find_route(method, path);
    return found == nullptr ? "" : std::string{found->path};
  };
  CHECK(path_of("GET", "/") == "/");
  CHECK(path_of("HEAD", "/chat/42") == "/chat/{chat}");
  CHECK(path_of("GET", "/chat/42/export.ipynb") == "/chat/{chat}/export.{format:ipynb|md|json}");
  CHECK(path_of("GET", "/chat/42/files/a/b c.csv") == "/chat/{chat}/files/{path*}");
  CHECK(path_of("POST", "/chat/42/files") == "/chat/{chat}/files");
  CHECK(path_of("GET", "/chat/stream/7") == "/chat/stream/{chat}");
  for (auto path : {"", "//", "/chat/", "/chat/x", "/chat/42x", "/chat/42/", "/chat/42/export.", "/chat/42/export.mdx",
                    "/chat/42/export.pdf", "/chat/42/files/", "/chat/42/charts/a/b", "/assets/"})
    CHECK_MESSAGE(path_of("GET", path).empty(), path);
  CHECK(path_of("DELETE", "/chats").empty());
  // Each row is found by an address of its own, unless a row before it has that address.
  for (const auto& row : all_routes()) {
    auto address = std::regex_replace(std::string{row.path}, std::regex{"\\{chat\\}"}, "42");
    address = std::regex_replace(address, std::regex{"\\{[a-z]+:([a-z]+)[^}]*\\}"}, "$1");
    address = std::regex_replace(address, std::regex{"\\{[a-z]+\\*?\\}"}, "x");
    CHECK_MESSAGE(path_of(row.method, address) == row.path, address);
  }
}
