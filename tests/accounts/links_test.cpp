#include "accounts/links.hpp"

#include "accounts/accounts.hpp"
#include "accounts/user_command.hpp"
#include "storage/open.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

struct links_world {
  links_world() {
    settings.data_dir = scratch.path();
    settings.server.host = "127.0.0.1";
    settings.server.port = 8123;
    settings.auth.sign_up = "invitation";
    db = std::move(*open_database(scratch.path()));
  }
  // The link that a token of a printed address leads to.
  caf::expected<link_found> link_of(const std::string& address) {
    auto token = address.substr(address.rfind('/') + 1);
    if (token.ends_with('\n'))
      token.pop_back();
    CHECK(token.size() == 64);
    return db->find_link(hash_session_token(token), now_us());
  }

  scratch_dir scratch;
  config settings;
  std::unique_ptr<chat_database> db;
  std::ostringstream out;
  std::ostringstream err;
};

} // namespace

TEST_CASE("an address is the public one, or that of the socket") {
  server_config settings;
  CHECK(server_address(settings, 8000) == "http://127.0.0.1:8000");
  settings.host = "::1";
  CHECK(server_address(settings, 8000) == "http://[::1]:8000");
  CHECK(server_address(settings, 0).empty());
  settings.public_url = "https://varro.example.org/";
  CHECK(server_address(settings, 8000) == "https://varro.example.org");
  CHECK(server_address(settings, 0) == "https://varro.example.org");
}

TEST_CASE_FIXTURE(links_world, "an invitation is printed, and only its hash is stored") {
  REQUIRE(user_invite(settings, user_role::admin, out, err) == 0);
  CHECK(out.str().starts_with("http://127.0.0.1:8123/join/"));
  CHECK(err.str().find("within 72 hours") != std::string::npos);
  auto found = link_of(out.str());
  REQUIRE(found);
  CHECK(found->link.purpose == link_purpose::invitation);
  CHECK(found->link.role == user_role::admin);
  CHECK(found->link.expires_at - found->link.created_at == 72 * 3'600'000'000);
}

TEST_CASE_FIXTURE(links_world, "where nobody may join there is no invitation") {
  settings.auth.sign_up = "closed";
  CHECK(user_invite(settings, user_role::user, out, err) == 1);
  CHECK(out.str().empty());
  CHECK(err.str().find("auth.sign_up") != std::string::npos);
}

TEST_CASE_FIXTURE(links_world, "a reset link is for a user who is there and enabled") {
  REQUIRE(db->add_user("ada", "hash"));
  CHECK(user_reset_link(settings, "nobody", out, err) == 1);
  REQUIRE(user_reset_link(settings, "Ada", out, err) == 0);
  auto found = link_of(out.str());
  REQUIRE(found);
  CHECK(found->user_name == "ada");
  CHECK(found->link.purpose == link_purpose::reset);
  REQUIRE(db->set_disabled("ada", true) == caf::none);
  CHECK_FALSE(link_of(out.str()));
  CHECK(user_reset_link(settings, "ada", out, err) == 1);
  CHECK(err.str().find("user enable ada") != std::string::npos);
}

TEST_CASE("an address that did enough waits until the window is over; others do not") {
  address_throttle throttle{2, std::chrono::seconds{10}};
  const unix_us second = 1'000'000;
  throttle.count("192.0.2.1", 100 * second);
  CHECK(throttle.allowed("192.0.2.1", 100 * second));
  throttle.count("192.0.2.1", 101 * second);
  CHECK_FALSE(throttle.allowed("192.0.2.1", 101 * second));
  CHECK(throttle.allowed("192.0.2.2", 101 * second));
  CHECK_FALSE(throttle.allowed("192.0.2.1", 110 * second - 1));
  CHECK(throttle.allowed("192.0.2.1", 110 * second));
}
