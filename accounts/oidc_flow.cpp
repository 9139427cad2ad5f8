#include "accounts/oidc_flow.hpp"

#include "accounts/accounts.hpp"
#include "base/base64.hpp"
#include "base/json.hpp"

#include <sodium.h>

#include <array>

namespace varro {

namespace {

constexpr auto purpose = "a login under way";
constexpr auto not_begun_here = "This login was not begun in this browser, or was finished already.";

int64_t microseconds(std::chrono::seconds span) {
  return std::chrono::microseconds{span}.count();
}

unix_us end_of(const oidc_flow& flow) {
  return flow.begun_at + microseconds(oidc_flow_max);
}

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

} // namespace

std::string code_challenge(std::string_view verifier) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(verifier.data()), verifier.size());
  auto text = base64url_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
  while (text.ends_with('='))
    text.pop_back();
  return text;
}

bool seen_marks::add(const std::string& id, unix_us until, unix_us now) {
  std::lock_guard lock{mutex_};
  while (!by_arrival_.empty() && (by_arrival_.front().first <= now || by_arrival_.size() >= at_most_)) {
    ids_.erase(by_arrival_.front().second);
    by_arrival_.pop_front();
  }
  if (!ids_.insert(id).second)
    return false;
  by_arrival_.emplace_back(until, id);
  return true;
}

oidc_flows::oidc_flows() : key_(sealing_key::random()) {}

oidc_flows::begun oidc_flows::begin(std::string page, unix_us now) const {
  oidc_flow flow{make_csrf_token(), make_csrf_token(), make_csrf_token(), std::move(page), now};
  const json kept{{"state", flow.state},
                  {"nonce", flow.nonce},
                  {"verifier", flow.verifier},
                  {"page", flow.page},
                  {"begun_at", flow.begun_at}};
  auto cookie = key_.seal(dump_json(kept), purpose);
  return {std::move(flow), std::move(cookie)};
}

caf::expected<oidc_flow> oidc_flows::find(std::string_view cookie, std::string_view state, unix_us now) const {
  const auto refused = fail(errc::unauthorized, not_begun_here);
  const auto text
    = cookie.size() <= oidc_flow_cookie_bytes_max ? key_.open(cookie, purpose) : std::optional<std::string>{};
  const auto kept = text ? parse_json(*text) : std::nullopt;
  if (!kept)
    return refused;
  oidc_flow flow{text_at(*kept, "state"), text_at(*kept, "nonce"), text_at(*kept, "verifier"), text_at(*kept, "page"),
                 kept->value("begun_at", unix_us{0})};
  if (flow.state.empty() || !equal_in_constant_time(state, flow.state))
    return refused;
  if (end_of(flow) <= now)
    return fail(errc::unauthorized, "This login took too long.");
  return flow;
}

caf::expected<oidc_flow> oidc_flows::finish(std::string_view cookie, std::string_view state, unix_us now) {
  auto flow = find(cookie, state, now);
  if (flow && !finished_.add(flow->state, end_of(*flow), now))
    return fail(errc::unauthorized, not_begun_here);
  return flow;
}

} // namespace varro
