// The table of rights: every route × everybody who may ask. What is expected follows from the row alone, so that a new
// route is held to it from its first day.
#include "accounts/tokens.hpp"
#include "tests/http/account_world.hpp"
#include "tests/http/route_addresses.hpp"
#include "tests/support/raw_database.hpp"

#include <array>
#include <functional>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us hour = 3'600'000'000;

// What became of a request, as far as rights decide it.
enum class outcome { admitted, login, forbidden, challenged, not_found, invalid_token, insufficient };

std::string_view name_of(outcome one) {
  constexpr std::array names{"admitted",  "login",         "forbidden",   "challenged",
                             "not_found", "invalid_token", "insufficient"};
  return names.at(static_cast<size_t>(one));
}

struct asker {
  enum class way { nobody, session, token, bad_token };
  std::string name;
  way by = way::nobody;
  bool owner = false; // of the chat that is asked for
  bool admin = false;
  token_scopes scopes = {};                              // of way::token
  std::function<std::vector<std::string>()> fields = {}; // made anew for each request
};

// Chat 42 is ada's.
struct table_world : account_world {
  explicit table_world(bool admins_read_chats = true)
    : account_world([=](config& settings) {
        settings.auth.attempts_max = 10'000;
        settings.auth.admins_read_chats = admins_read_chats;
      }) {
    script->chats = {{ada, 42}};
    REQUIRE(db->add_user("disabled", "hash"));
    REQUIRE(db->add_user("demoted", "hash", user_role::admin));
    disabled = db->find_user(std::string_view{"disabled"})->id;
    demoted = db->find_user(std::string_view{"demoted"})->id;
    former_token = bearer(token(demoted, {true, true, true}));
    disabled_token = bearer(token(disabled, {true, true, false}));
    disabled_session = session(disabled);
    raw_database raw{place / "varro.db"}; // without what else goes with it
    raw.execute("UPDATE users SET disabled = 1 WHERE name = 'disabled';"
                "UPDATE users SET role = 'user' WHERE name = 'demoted';"
                "INSERT INTO chats (id, user_id, title, model, last_seq, created_at, updated_at)"
                " SELECT 42, id, 'Sales', 'x:y', 0, 1, 1"
                " FROM users WHERE name = 'ada'");
  }

  static std::string bearer(const std::string& text) {
    return "Authorization: Bearer " + text;
  }
  std::string token(int64_t user, token_scopes scopes, unix_us lasts = hour) {
    auto made = make_api_token();
    const auto now = now_us();
    token_record record{made.hash, made.id, user, "a script", scopes, now - hour, now + lasts, 0};
    REQUIRE(db->apply(token_write{token_made{record, 10'000}}) == caf::none);
    return made.token;
  }
  std::string revoked(int64_t user) {
    auto text = token(user, {true, true, false});
    REQUIRE(db->apply(token_write{token_revoked{*id_of_token(text), user}}) == caf::none);
    return text;
  }
  // The fields of a browser session that began an hour ago.
  std::vector<std::string> session(int64_t user, unix_us lasts = hour) {
    auto made = make_session_token();
    const auto now = now_us();
    auto csrf = make_csrf_token();
    // What has expired goes with what comes later: as if it came before.
    REQUIRE(db->put_login({made.hash, user, csrf, now - 2 * hour, now + lasts}) == caf::none);
    return {"Cookie: varro_session=" + made.token, "X-CSRF-Token: " + csrf};
  }
  std::vector<std::string> logged_out(int64_t user) {
    auto fields = session(user);
    auto text = fields.front().substr(fields.front().find('=') + 1);
    REQUIRE(db->drop_login(hash_session_token(text)) == caf::none);
    return fields;
  }

  std::vector<asker> sessions();
  std::vector<asker> tokens();
  outcome ask_for(const route& row, const std::vector<std::string>& fields);

  int64_t ada = add("ada");
  int64_t bob = add("bob");
  int64_t root = add("root", user_role::admin);
  int64_t disabled = 0;
  int64_t demoted = 0;
  std::string former_token, disabled_token;
  std::vector<std::string> disabled_session;
};

std::vector<asker> table_world::sessions() {
  using way = asker::way;
  return {
    {"nobody", way::nobody, false, false, {}, [] { return std::vector<std::string>{}; }},
    {"a session that nobody made",
     way::nobody,
     true,
     false,
     {},
     [] { return std::vector<std::string>{"Cookie: varro_session=" + make_session_token().token}; }},
    {"logged out", way::nobody, true, false, {}, [this] { return logged_out(ada); }},
    {"an expired session", way::nobody, true, false, {}, [this] { return session(ada, -hour); }},
    {"the session of a disabled user", way::nobody, false, false, {}, [this] { return disabled_session; }},
    {"the owner", way::session, true, false, {}, [this] { return session(ada); }},
    {"another user", way::session, false, false, {}, [this] { return session(bob); }},
    {"an admin", way::session, false, true, {}, [this] { return session(root); }},
  };
}

std::vector<asker> table_world::tokens() {
  using way = asker::way;
  const token_scopes read{true, false, false}, chat{true, true, false}, admin{false, false, true},
    all{true, true, true};
  auto of = [this](int64_t user, token_scopes scopes) {
    return [this, user, scopes] { return std::vector<std::string>{bearer(token(user, scopes))}; };
  };
  auto one = [](std::string field) { return [field = std::move(field)] { return std::vector<std::string>{field}; }; };
  auto beside_a_session = [this](std::string field) {
    return [this, field = std::move(field)] {
      auto fields = session(ada);
      fields.push_back(field);
      return fields;
    };
  };
  return {
    {"a token of the owner to read", way::token, true, false, read, of(ada, read)},
    {"a token of the owner to chat", way::token, true, false, chat, of(ada, chat)},
    {"a token of another user to chat", way::token, false, false, chat, of(bob, chat)},
    {"a token of an admin to look after the server", way::token, false, true, admin, of(root, admin)},
    {"a token of an admin for everything", way::token, false, true, all, of(root, all)},
    {"a token for everything of who is no admin any more", way::token, false, false, all, one(former_token)},
    {"an expired token",
     way::bad_token,
     true,
     false,
     {},
     [this] { return std::vector<std::string>{bearer(token(ada, {true, true, false}, -1))}; }},
    {"a revoked token",
     way::bad_token,
     true,
     false,
     {},
     [this] { return std::vector<std::string>{bearer(revoked(ada))}; }},
    {"a token of a disabled user", way::bad_token, false, false, {}, one(disabled_token)},
    {"a token that nobody made", way::bad_token, false, false, {}, one(bearer(make_api_token().token))},
    {"no token behind the word", way::bad_token, false, false, {}, one("Authorization: Bearer")},
    {"a token that nobody made, with the owner's cookie",
     way::bad_token,
     true,
     false,
     {},
     beside_a_session(bearer(make_api_token().token))},
    {"a token to read, with the owner's cookie", way::token, true, false, read,
     beside_a_session(bearer(token(ada, read)))},
    {"the token of an admin, with the owner's cookie", way::token, false, true, admin,
     beside_a_session(bearer(token(root, admin)))},
  };
}

bool covers(const asker& who, route_scope needed) {
  switch (needed) {
  case route_scope::read:
    return who.scopes.read;
  case route_scope::chat:
    return who.scopes.chat;
  case route_scope::admin:
    return who.scopes.admin && who.admin;
  default:
    return false;
  }
}

outcome expected(const route& row, const asker& who) {
  if (std::holds_alternative<open_route>(row.action))
    return outcome::admitted;
  switch (who.by) {
  case asker::way::nobody:
    return is_page(row) ? outcome::login : is_for_programs(row) ? outcome::challenged : outcome::forbidden;
  case asker::way::bad_token:
    return outcome::invalid_token;
  case asker::way::token:
    if (!covers(who, row.scope.value))
      return outcome::insufficient;
    break;
  case asker::way::session:
    if (is_for_admins(row) && !who.admin)
      return outcome::not_found;
    break;
  }
  return names_a_chat(row) && !is_for_admins(row) && !who.owner ? outcome::not_found : outcome::admitted;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

outcome table_world::ask_for(const route& row, const std::vector<std::string>& fields) {
  const std::string body = row.method == "GET" ? ""
    : is_for_programs(row)
    ? R"({"message": "x", "turn": 1, "run": 1, "title": "x", "label": "x", "expires": "1d", "scopes": ["read"]})"
    : "message=x&turn=1&run=1&title=x&current=correct+horse&password=correct+horse&again=correct+horse"
      "&session=x&id=x&label=x&expires=1d&scope=read";
  auto all = fields;
  all.emplace_back(is_for_programs(row) ? "Content-Type: application/json"
                                        : "Content-Type: application/x-www-form-urlencoded");
  const auto answer = ask(port, row.method, path_of(row, 42), all, body);
  const auto challenge = answer.field("WWW-Authenticate");
  CHECK(answer.status >= 200);
  CHECK((answer.status < 500 || row.path == "/readyz"));
  if (challenge == "Bearer realm=\"varro\"") {
    CHECK(answer.status == 401);
    return outcome::challenged;
  }
  if (!challenge.empty()) {
    CHECK(challenge.starts_with("Bearer realm=\"varro\", error=\""));
    CHECK(answer.status == (contains(challenge, "invalid_token") ? 401 : 403));
    return contains(challenge, "invalid_token") ? outcome::invalid_token : outcome::insufficient;
  }
  if (is_for_programs(row) && answer.status >= 400)
    CHECK(answer.field("Content-Type") == (is_for_responses(row) ? "application/json" : "application/problem+json"));
  if (is_page(row) && answer.status == 303 && answer.field("Location").starts_with("/login"))
    return outcome::login;
  if (std::holds_alternative<open_route>(row.action))
    return outcome::admitted;
  if (answer.status == 404 && (contains(answer.body, "no such chat") || contains(answer.body, "no such page")))
    return outcome::not_found;
  return answer.status == 403 ? outcome::forbidden : outcome::admitted;
}

void check_all(table_world& world, const std::vector<asker>& askers) {
  for (const auto& row : all_routes())
    for (const auto& who : askers) {
      CAPTURE(row.method);
      CAPTURE(row.path);
      CAPTURE(who.name);
      CHECK(name_of(world.ask_for(row, who.fields())) == name_of(expected(row, who)));
    }
}

} // namespace

TEST_CASE("every route × browser sessions: who may use it is what its row says") {
  table_world world;
  check_all(world, world.sessions());
}

TEST_CASE("every route × tokens: a token is for what its scopes say, and never falls back to a cookie") {
  table_world world;
  check_all(world, world.tokens());
}

TEST_CASE("the scope of a row fits its kind and its address") {
  for (const auto& row : all_routes()) {
    CAPTURE(row.method);
    CAPTURE(row.path);
    const auto scope = row.scope.value;
    CHECK((scope == route_scope::open) == std::holds_alternative<open_route>(row.action));
    if (scope == route_scope::read)
      CHECK_FALSE(is_change(row));
    if (scope == route_scope::chat)
      CHECK(is_change(row));
    CHECK(is_change(row) == (row.method != "GET" && scope != route_scope::open));
    if (names_a_chat(row) && !is_for_admins(row))
      CHECK((scope == route_scope::read || scope == route_scope::chat));
    CHECK(is_for_admins(row) == (row.path.starts_with("/admin") || row.path.starts_with("/api/v1/admin")));
    CHECK(is_for_programs(row) == (row.path.starts_with("/api/") || is_for_responses(row)));
    if (is_for_admins(row)) // what makes accounts and ways in is for browser sessions
      CHECK((scope == route_scope::admin || scope == route_scope::browser));
    else
      CHECK(scope != route_scope::admin);
    if (row.path.starts_with("/account") || row.path == "/logout")
      CHECK(scope == route_scope::browser);
  }
}

TEST_CASE("chats of others are there for admins only where the configuration says so, and for no token ever") {
  table_world closed{false}, open{true};
  int pages = 0;
  for (const auto& row : all_routes()) {
    if (!row.path.starts_with("/admin/chat"))
      continue;
    ++pages;
    CAPTURE(row.path);
    CHECK(row.scope.value == route_scope::browser);
    CHECK(closed.ask_for(row, closed.session(closed.root)) == outcome::not_found);
    CHECK(open.ask_for(row, open.session(open.root)) == outcome::admitted);
  }
  CHECK(pages == 4);
}

TEST_CASE("each change needs the token of its own session's forms; with a token of a program there is no form") {
  table_world world;
  for (const auto& row : all_routes()) {
    if (!is_change(row))
      continue;
    CAPTURE(row.method);
    CAPTURE(row.path);
    auto own = world.session(world.ada), other = world.session(world.ada), others = world.session(world.bob);
    CHECK(world.ask_for(row, {own[0]}) == outcome::forbidden);
    CHECK(world.ask_for(row, {own[0], "X-CSRF-Token: "}) == outcome::forbidden);
    CHECK(world.ask_for(row, {own[0], other[1]}) == outcome::forbidden);
    CHECK(world.ask_for(row, {own[0], others[1]}) == outcome::forbidden);
    CHECK(world.ask_for(row, {others[0], own[1]}) == outcome::forbidden);
  }
  CHECK(world.script->sent.empty());
  const auto chat = world.bearer(world.token(world.ada, {true, true, false}));
  CHECK(world.post("/chat/send", "message=hi&chat_id=42", {chat}).status == 200);
  CHECK(world.script->sent.size() == 1);
}

TEST_CASE("a login leads to each page of ours and to nothing else") {
  for (const auto& row : all_routes()) {
    const auto address = path_of(row, 42);
    CAPTURE(address);
    const auto* shown = find_route("GET", address);
    CHECK(page_after_login(address) == (shown != nullptr && is_page(*shown) ? address : "/"));
  }
  for (std::string_view elsewhere : {"",
                                     "//evil.example",
                                     "///evil.example",
                                     "https://evil.example/",
                                     "http:/chat/42",
                                     "/\\evil.example",
                                     "\\\\evil.example",
                                     "/chat/42@evil.example",
                                     "/chat/42\r\nSet-Cookie: a=b",
                                     "/chat/42\tx",
                                     " /chat/42",
                                     "/chat/42 ",
                                     "/chat/../account",
                                     "/chat/42/..",
                                     "/./account",
                                     "/account?next=//evil.example",
                                     "/account#x",
                                     "/account/",
                                     "//account",
                                     "/ACCOUNT",
                                     "account",
                                     "javascript:alert(1)",
                                     "data:text/html,x",
                                     "/chat/99999999999999999999x",
                                     "/logout",
                                     "/login",
                                     "/chats",
                                     "/%2e%2e/account",
                                     "/%61ccount"})
    CHECK_MESSAGE(page_after_login(elsewhere) == "/", elsewhere);
}
