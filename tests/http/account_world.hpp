// A whole http_server above a database, and browsers that visit it.
#pragma once

#include "actors/store.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/http/routes_world.hpp"

#include <map>

namespace varro::test {

struct database_place {
  scratch_dir place;
  std::unique_ptr<sqlite_database> db = open(sqlite_database::mode::read_write);

  std::unique_ptr<sqlite_database> open(sqlite_database::mode mode) {
    auto opened = sqlite_database::open(place.path(), mode);
    REQUIRE(opened);
    return std::move(*opened);
  }
};

struct account_world : database_place, routes_world {
  explicit account_world(std::function<void(config&)> change = {},
                         const std::function<void(http_services&)>& complete = {})
    : routes_world(
        auth_mode::accounts, std::move(change),
        [this](caf::actor_system& with) {
          return storage{spawn_store(with, open(sqlite_database::mode::read_write)),
                         spawn_store_reader(with, open(sqlite_database::mode::read_only))};
        },
        complete) {}
  ~account_world() {
    caf::scoped_actor self{system};
    self->send_exit(services->reader, caf::exit_reason::user_shutdown);
    self->send_exit(services->store, caf::exit_reason::user_shutdown);
    self->wait_for(services->reader, services->store);
  }
  int64_t add(std::string_view name, std::string_view role = user_role::user) {
    auto user = db->add_user(name, *hash_password("correct horse", settings.auth), role);
    REQUIRE(user);
    return user->id;
  }
  // A link's path.
  std::string link(std::string purpose, std::string role = user_role::user, int64_t user = 0) {
    auto token = make_session_token();
    REQUIRE(db->put_link({token.hash, purpose, role, user, now_us(), now_us() + 3'600'000'000}) == caf::none);
    return (purpose == link_purpose::reset ? "/reset/" : "/join/") + token.token;
  }
};

// Keeps cookies, and sends the token of the page that it saw last.
struct browser {
  account_world& world;
  std::string agent = "A browser";
  std::map<std::string, std::string> jar = {};
  std::string csrf = {};

  std::vector<std::string> fields() const {
    std::string cookies;
    for (const auto& [name, value] : jar)
      cookies += (cookies.empty() ? "Cookie: " : "; ") + name + "=" + value;
    std::vector<std::string> all{"User-Agent: " + agent, "Origin: http://127.0.0.1"};
    if (!cookies.empty())
      all.push_back(std::move(cookies));
    return all;
  }
  http_answer keep(http_answer answer) {
    for (size_t at = 0; (at = answer.head.find("Set-Cookie: ", at)) != std::string::npos; ++at) {
      auto pair = answer.head.substr(at + 12, answer.head.find(';', at) - at - 12);
      jar[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
    }
    constexpr std::string_view mark = "name=\"csrf\" value=\"";
    if (auto at = answer.body.find(mark); at != std::string::npos)
      csrf = answer.body.substr(at + mark.size(), 64);
    return answer;
  }
  http_answer get(std::string_view target) {
    return keep(world.get(target, fields()));
  }
  http_answer post(std::string_view target, const std::string& form = "") {
    return keep(world.post(target, form + (form.empty() ? "" : "&") + "csrf=" + csrf, fields()));
  }
  int log_in(const std::string& name, const std::string& password = "correct+horse") {
    get("/login");
    return post("/login", "username=" + name + "&password=" + password).status;
  }
  int join(const std::string& target, const std::string& name, const std::string& password = "correct+horse") {
    get(target);
    return post(target, "username=" + name + "&password=" + password + "&again=" + password).status;
  }
  bool is_in() {
    return get("/account").status == 200;
  }
};

} // namespace varro::test
