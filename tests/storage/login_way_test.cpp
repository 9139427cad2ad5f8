// Who can log in by which auth.mode.
#include "storage/login_way.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

user_record user_with(std::string password_hash, std::string issuer) {
  user_record user{1, "ada", std::move(password_hash), false, 0};
  user.issuer = std::move(issuer);
  return user;
}

login_way way_with(auth_mode mode) {
  config settings;
  settings.auth.mode = mode;
  settings.oidc.issuer = "https://login.example.org";
  return login_way_of(settings);
}

} // namespace

TEST_CASE("each mode lets in those of its own way, and nobody else") {
  const auto account = user_with("hash", ""), proxied = user_with("", proxy_issuer);
  const auto provided = user_with("", "https://login.example.org");
  const auto accounts = way_with(auth_mode::accounts), proxy = way_with(auth_mode::proxy);
  const auto oidc = way_with(auth_mode::oidc);
  CHECK(can_log_in(account, accounts));
  CHECK_FALSE(can_log_in(proxied, accounts));
  CHECK_FALSE(can_log_in(provided, accounts));
  CHECK_FALSE(can_log_in(account, proxy));
  CHECK(can_log_in(proxied, proxy));
  CHECK_FALSE(can_log_in(provided, proxy));
  CHECK_FALSE(can_log_in(account, oidc));
  CHECK_FALSE(can_log_in(proxied, oidc));
  CHECK(can_log_in(provided, oidc));
}

TEST_CASE("a provider of before lets nobody in, and a password lets in whoever has one") {
  const auto oidc = way_with(auth_mode::oidc), accounts = way_with(auth_mode::accounts);
  CHECK_FALSE(can_log_in(user_with("", "https://login.example.org/"), oidc));
  CHECK_FALSE(can_log_in(user_with("", "https://former.example.org"), oidc));
  CHECK(can_log_in(user_with("hash", "https://former.example.org"), accounts));
  CHECK(can_log_in(user_with("hash", "https://login.example.org"), oidc));
}

TEST_CASE("where the mode is not known every way counts, but not none, and nobody who is disabled") {
  const auto any = way_with(auth_mode::local);
  CHECK(can_log_in(user_with("hash", ""), any));
  CHECK(can_log_in(user_with("", proxy_issuer), any));
  CHECK_FALSE(can_log_in(user_with("", ""), any)); // the local user
  for (auto mode : {auth_mode::local, auth_mode::accounts, auth_mode::proxy, auth_mode::oidc}) {
    auto disabled = user_with("hash", mode == auth_mode::proxy ? proxy_issuer : "https://login.example.org");
    CHECK(can_log_in(disabled, way_with(mode)));
    disabled.disabled = true;
    CHECK_FALSE(can_log_in(disabled, way_with(mode)));
  }
}

TEST_CASE("without an issuer nobody is let in by one") {
  config settings;
  settings.auth.mode = auth_mode::oidc;
  CHECK_FALSE(can_log_in(user_with("hash", ""), login_way_of(settings)));
}
