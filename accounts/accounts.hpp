// Passwords, session tokens and the throttle of login attempts. No HTTP and no database in here.
//
// Argon2id by libsodium's crypto_pwhash_str with the interactive limits; tokens are 32 random bytes. Functions: any
// thread. hash_password and verify_password take tens of milliseconds and 64 MiB: never on an actor's thread.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"
#include "storage/records.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace varro {

// A name of 1 to 64 characters out of letters, digits, '.', '_', '-', '@'; compared without case.
caf::expected<std::string> normalised_user_name(std::string_view name);

caf::expected<std::string> hash_password(std::string_view password, const auth_config& limits);
bool verify_password(std::string_view hash, std::string_view password);
// Takes as long as verify_password with a wrong password: for names that do not exist.
void verify_nothing(std::string_view password);

struct session_token {
  std::string token; // for the cookie: 64 hex digits
  std::string hash;  // for the database: SHA-256 of the token, hex
};
session_token make_session_token();
std::string hash_session_token(std::string_view token);
std::string make_csrf_token();
bool equal_in_constant_time(std::string_view a, std::string_view b);

// What counts as one address: an IPv6 subscriber has a whole /64.
std::string address_key(std::string_view address);

// Counts failed attempts per name and per address in a sliding window. Thread-safe, bounded memory.
class login_throttle {
public:
  explicit login_throttle(const auth_config& limits);
  ~login_throttle();
  // False while the name or the address has used up its attempts.
  bool allowed(std::string_view name, std::string_view address, unix_us now);
  void failed(std::string_view name, std::string_view address, unix_us now);
  void succeeded(std::string_view name); // forgets the name's failures; the address keeps its own

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// Counts what is done from an address in a sliding window. Thread-safe, bounded memory.
class address_throttle {
public:
  address_throttle(int at_most, std::chrono::seconds window);
  ~address_throttle();
  // False while the address has used up what it may do.
  bool allowed(std::string_view address, unix_us now);
  void count(std::string_view address, unix_us now);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace varro
