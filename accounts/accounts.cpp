#include "accounts/accounts.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <list>
#include <mutex>
#include <unordered_map>

namespace varro {

namespace {

constexpr size_t token_bytes = 32;
constexpr size_t user_name_bytes_max = 64;

// Names and addresses that a throttle remembers, each.
constexpr size_t throttle_entries_max = 10'000;

// libsodium chooses its implementations once; a machine without randomness must not hand out tokens.
void require_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready)
    CAF_CRITICAL("libsodium found no source of randomness");
}

std::string hex(const unsigned char* bytes, size_t size) {
  std::string text(size * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes, size);
  text.pop_back();
  return text;
}

std::string random_hex() {
  require_sodium();
  std::array<unsigned char, token_bytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return hex(bytes.data(), bytes.size());
}

// The hash of 32 random bytes that nobody kept, made with the same limits as every other.
constexpr const char* nobodys_hash
  = "$argon2id$v=19$m=65536,t=2,p=1$Y5kXroU70q52w1ecw+mFaQ$BCU+WxuJnKgQFMSufyo+QuwDiz8QBezjLdDp525NVoU";

bool is_argon2id(std::string_view hash) {
  return hash.substr(0, 10) == "$argon2id$" && hash.size() < crypto_pwhash_STRBYTES;
}

std::string argon2id(std::string_view password) {
  require_sodium();
  std::array<char, crypto_pwhash_STRBYTES> out{};
  auto code = crypto_pwhash_str_alg(out.data(), password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                    crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);
  return code == 0 ? std::string{out.data()} : std::string{};
}

bool verify_argon2id(std::string_view hash, std::string_view password) {
  require_sodium();
  std::string terminated{hash};
  return crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) == 0;
}

} // namespace

caf::expected<std::string> normalised_user_name(std::string_view name) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '@';
  };
  std::string out;
  for (char c : name.substr(0, user_name_bytes_max + 1))
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  // One that begins with '-' would be an option of `varro user`.
  if (out.empty() || out.front() == '-' || out.size() > user_name_bytes_max
      || !std::all_of(out.begin(), out.end(), allowed))
    return fail(errc::invalid_input,
                "a user name has 1 to " + std::to_string(user_name_bytes_max)
                  + " characters out of letters, digits and . _ - @, and does not begin with -");
  return out;
}

caf::expected<std::string> hash_password(std::string_view password, const auth_config& limits) {
  if (password.size() < limits.password_bytes_min)
    return fail(errc::invalid_input,
                "the password is too short: at least " + std::to_string(limits.password_bytes_min) + " bytes");
  if (password.size() > limits.password_bytes_max)
    return fail(errc::too_large,
                "the password is too long: at most " + std::to_string(limits.password_bytes_max) + " bytes");
  auto hash = argon2id(password);
  if (hash.empty())
    return fail(errc::limit_reached, "there is not enough memory to hash a password (64 MiB)");
  return hash;
}

bool verify_password(std::string_view hash, std::string_view password) {
  // The local user and a damaged row have no hash to compare with; the answer must not be faster for them.
  if (!is_argon2id(hash)) {
    verify_nothing(password);
    return false;
  }
  return verify_argon2id(hash, password);
}

void verify_nothing(std::string_view password) {
  verify_argon2id(nobodys_hash, password);
}

session_token make_session_token() {
  session_token made;
  made.token = random_hex();
  made.hash = hash_session_token(made.token);
  return made;
}

std::string hash_session_token(std::string_view token) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(token.data()), token.size());
  return hex(digest.data(), digest.size());
}

std::string make_csrf_token() {
  return random_hex();
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

// --- login_throttle --------------------------------------------------------------------------------------------------

namespace {

// Failures of the last window, by key; the key that failed longest ago is forgotten when there are too many.
class failure_window {
public:
  failure_window(int attempts_max, unix_us window_us)
    : attempts_max_(static_cast<size_t>(std::max(attempts_max, 1))), window_us_(window_us) {}

  bool allowed(const std::string& key, unix_us now) const {
    auto found = by_key_.find(key);
    if (found == by_key_.end())
      return true;
    auto& times = found->second->times;
    auto recent = [&](unix_us time) { return time > now - window_us_; };
    return static_cast<size_t>(std::count_if(times.begin(), times.end(), recent)) < attempts_max_;
  }

  void add(const std::string& key, unix_us now) {
    auto found = by_key_.find(key);
    if (found == by_key_.end()) {
      forget_until(now - window_us_);
      if (by_key_.size() >= throttle_entries_max)
        forget_oldest();
      by_newest_.push_front({key, {}});
      found = by_key_.emplace(key, by_newest_.begin()).first;
    } else {
      by_newest_.splice(by_newest_.begin(), by_newest_, found->second);
    }
    auto& times = found->second->times;
    times.push_back(now);
    if (times.size() > attempts_max_)
      times.erase(times.begin());
  }

  void forget(const std::string& key) {
    auto found = by_key_.find(key);
    if (found == by_key_.end())
      return;
    by_newest_.erase(found->second);
    by_key_.erase(found);
  }

private:
  struct entry {
    std::string key;
    std::vector<unix_us> times; // oldest first, at most attempts_max_
  };

  void forget_oldest() {
    by_key_.erase(by_newest_.back().key);
    by_newest_.pop_back();
  }

  void forget_until(unix_us time) {
    while (!by_newest_.empty() && by_newest_.back().times.back() <= time)
      forget_oldest();
  }

  size_t attempts_max_;
  unix_us window_us_;
  std::list<entry> by_newest_; // newest failure first
  std::unordered_map<std::string, std::list<entry>::iterator> by_key_;
};

// What is typed as a name may be of any length and any case: its digest is the key.
std::string name_key(std::string_view name) {
  std::string lower;
  for (char c : name)
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return hash_session_token(lower);
}

} // namespace

std::string address_key(std::string_view address) {
  std::string text{address.substr(0, INET6_ADDRSTRLEN)};
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, text.c_str(), &parsed) != 1 || IN6_IS_ADDR_V4MAPPED(&parsed))
    return text;
  return "/64 " + hex(parsed.s6_addr, 8);
}

struct login_throttle::impl {
  explicit impl(const auth_config& limits)
    : names(limits.attempts_max, std::chrono::microseconds{limits.attempts_window}.count()),
      addresses(limits.attempts_max, std::chrono::microseconds{limits.attempts_window}.count()) {}

  std::mutex mutex;
  failure_window names;     // guarded by mutex
  failure_window addresses; // guarded by mutex
};

login_throttle::login_throttle(const auth_config& limits) : impl_(std::make_unique<impl>(limits)) {}

login_throttle::~login_throttle() = default;

bool login_throttle::allowed(std::string_view name, std::string_view address, unix_us now) {
  auto by_name = name_key(name);
  auto by_address = address_key(address);
  std::lock_guard guard{impl_->mutex};
  return impl_->names.allowed(by_name, now) && impl_->addresses.allowed(by_address, now);
}

void login_throttle::failed(std::string_view name, std::string_view address, unix_us now) {
  auto by_name = name_key(name);
  auto by_address = address_key(address);
  std::lock_guard guard{impl_->mutex};
  impl_->names.add(by_name, now);
  impl_->addresses.add(by_address, now);
}

void login_throttle::succeeded(std::string_view name) {
  auto by_name = name_key(name);
  std::lock_guard guard{impl_->mutex};
  impl_->names.forget(by_name);
}

// --- address_throttle ------------------------------------------------------------------------------------------------

struct address_throttle::impl {
  impl(int at_most, std::chrono::seconds window) : addresses(at_most, std::chrono::microseconds{window}.count()) {}

  std::mutex mutex;
  failure_window addresses; // guarded by mutex
};

address_throttle::address_throttle(int at_most, std::chrono::seconds window)
  : impl_(std::make_unique<impl>(at_most, window)) {}

address_throttle::~address_throttle() = default;

bool address_throttle::allowed(std::string_view address, unix_us now) {
  auto key = address_key(address);
  std::lock_guard guard{impl_->mutex};
  return impl_->addresses.allowed(key, now);
}

void address_throttle::count(std::string_view address, unix_us now) {
  auto key = address_key(address);
  std::lock_guard guard{impl_->mutex};
  impl_->addresses.add(key, now);
}

} // namespace varro
