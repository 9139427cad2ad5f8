#include "accounts/token_command.hpp"

#include "accounts/tokens.hpp"
#include "storage/open.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

struct token_commands {
  scratch_dir scratch;
  config settings;
  std::unique_ptr<chat_database> db;
  std::ostringstream out;
  std::ostringstream err;

  token_commands() {
    settings.data_dir = scratch.path();
    db = std::move(*open_database(scratch.path()));
    REQUIRE(db->add_user("ada", "hash", user_role::admin));
    REQUIRE(db->add_user("bob", "hash"));
  }
  // The token; empty where there is none.
  std::string create(const token_order& order) {
    out.str("");
    err.str("");
    auto code = token_create(settings, order, out, err);
    CHECK((code == 0) == !out.str().empty());
    auto text = out.str();
    return text.substr(0, text.find('\n'));
  }
  bool works(const std::string& token) {
    return bool{db->find_token(hash_of_token(token), now_us())};
  }
  std::string list(const std::string& user = "") {
    out.str("");
    CHECK(token_list(settings, user, out, err) == 0);
    return out.str();
  }
};

} // namespace

TEST_CASE_FIXTURE(token_commands, "a token is printed alone, and works while a server has the database open") {
  auto token = create({"nightly export", "Ada", "read,chat", "2d"});
  REQUIRE(id_of_token(token));
  CHECK(out.str() == token + "\n");
  CHECK(err.str().find(*id_of_token(token) + " of ada, for read,chat, until 20") != std::string::npos);
  CHECK(err.str().find(token) == std::string::npos);
  auto found = db->find_token(hash_of_token(token), now_us());
  REQUIRE(found);
  CHECK(found->token.label == "nightly export");
  CHECK(found->token.scopes == token_scopes{true, true, false});
  CHECK(found->token.expires_at - found->token.created_at == int64_t{2} * 86'400'000'000);
}

TEST_CASE_FIXTURE(token_commands, "without a word about it a token reads, for 90 days or as long as one may last") {
  auto lasts = [&] {
    auto found = db->find_token(hash_of_token(create({"x", "bob"})), now_us());
    REQUIRE(found);
    CHECK(found->token.scopes == token_scopes{true, false, false});
    return std::chrono::microseconds{found->token.expires_at - found->token.created_at};
  };
  CHECK(lasts() == token_default);
  settings.auth.token_max = std::chrono::hours{24};
  CHECK(lasts() == std::chrono::hours{24});
}

TEST_CASE_FIXTURE(token_commands, "what cannot be a token is one sentence and exit code 1") {
  settings.auth.tokens_max = 1;
  auto refused = [&](const token_order& order, std::string_view why) {
    CHECK(create(order).empty());
    CHECK_MESSAGE(err.str().find(why) != std::string::npos, err.str());
  };
  refused({"x", "nobody"}, "no user");
  refused({"x", "a b"}, "letters");
  refused({"", "ada"}, "name");
  refused({"x", "ada", "write"}, "scopes");
  refused({"x", "bob", "admin"}, "admin");
  refused({"x", "ada", "read", "forever"}, "90d");
  refused({"x", "ada", "read", "9000d"}, "auth.token_max_hours");
  CHECK_FALSE(create({"x", "ada"}).empty());
  refused({"x", "ada"}, "auth.tokens_max");
  REQUIRE(db->set_disabled("bob", true) == caf::none);
  refused({"x", "bob"}, "disabled");
}

TEST_CASE_FIXTURE(token_commands, "nobody gets a token that the configured mode would never answer") {
  settings.auth.mode = auth_mode::oidc;
  settings.oidc.issuer = "https://login.example.org";
  CHECK(create({"x", "ada"}).empty());
  CHECK_MESSAGE(err.str().find("auth.mode") != std::string::npos, err.str());
  settings.auth.mode = auth_mode::accounts;
  CHECK(id_of_token(create({"x", "ada"})));
}

TEST_CASE_FIXTURE(token_commands, "tokens are listed without their secrets, and revoked by id or as they are") {
  auto first = create({"first", "ada", "admin"});
  auto second = create({"second", "bob", "chat"});
  auto all = list();
  CHECK(all.find(*id_of_token(first) + "\tada\tadmin\t20") == 0);
  CHECK(all.find("\n" + *id_of_token(second) + "\tbob\tread,chat\t20") != std::string::npos);
  CHECK(all.find("\tnever\tfirst\n") != std::string::npos);
  CHECK(all.find(first.substr(19)) == std::string::npos);
  CHECK(all.find(hash_of_token(first)) == std::string::npos);
  CHECK(list("Bob").find(*id_of_token(second)) == 0);
  CHECK(token_list(settings, "nobody", out, err) == 1);
  CHECK(token_revoke(settings, *id_of_token(first), out, err) == 0);
  CHECK_FALSE(works(first));
  CHECK(works(second));
  out.str("");
  CHECK(token_revoke(settings, second, out, err) == 0);
  CHECK(out.str() == "revoked " + *id_of_token(second) + "\n"); // not the token
  CHECK_FALSE(works(second));
  CHECK(token_revoke(settings, "0123456789ab", out, err) == 1);
  CHECK(list().empty());
}

TEST_CASE("a mistyped directory is an error and gets no database") {
  scratch_dir scratch;
  config settings;
  settings.data_dir = scratch / "wrong";
  std::ostringstream out, err;
  CHECK(token_list(settings, "", out, err) == 1);
  CHECK(token_create(settings, {"x", "ada"}, out, err) == 1);
  CHECK(token_revoke(settings, "x", out, err) == 1);
  CHECK_FALSE(std::filesystem::exists(settings.data_dir));
}
