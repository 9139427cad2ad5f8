#include "http/oidc_service.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace varro {

namespace {

constexpr std::chrono::seconds write_max{10};

// At most a quarter of the workers ask the provider, and as many wait for their turn.
auth_config exchange_limits(const config& settings) {
  auth_config limits;
  limits.hashes_max = std::max(settings.server.workers / 4, 1);
  limits.hash_waiters_max = settings.server.workers / 4;
  limits.hash_wait_max = settings.oidc.request_max;
  return limits;
}

sealing_key key_of(const config& settings) {
  const auto& secret = settings.oidc.client_secret;
  return secret.empty() ? sealing_key::random() : sealing_key::derived(secret, "varro: tokens of logins");
}

} // namespace

unix_us confirmed_until(const oidc_config& settings, unix_us at) {
  return at + oidc_outage_factor * std::chrono::microseconds{settings.recheck}.count();
}

oidc_service::oidc_service(caf::actor_system& system, const config& settings, std::shared_ptr<http_transport> transport,
                           std::shared_ptr<chat_reader> reader, store_actor store, http_gateway_actor gateway)
  : client(std::move(transport), settings.oidc), exchanges(exchange_limits(settings)),
    failures(oidc_failures_max, settings.auth.attempts_window),
    order_failures(oidc_failures_max, settings.auth.attempts_window), system_(system), settings_(settings),
    key_(key_of(settings)), store_(std::move(store)), gateway_(std::move(gateway)), reader_(std::move(reader)) {}

std::string oidc_service::sealed(const oidc_tokens& tokens, std::string_view token_hash) const {
  return key_.seal(tokens.to_text(), token_hash);
}

caf::error oidc_service::write(const account_write& change) {
  caf::error result;
  caf::scoped_actor self{system_};
  self->request(store_, write_max, user_atom_v, change)
    .receive([](done_atom) {}, [&](caf::error& error) { result = std::move(error); });
  return result;
}

caf::expected<std::vector<oidc_login>> oidc_service::due(unix_us checked_until, unix_us now, int limit) {
  std::lock_guard lock{mutex_};
  return reader_->oidc_logins_due(checked_until, now, limit);
}

caf::expected<std::vector<std::string>> oidc_service::sessions_of(const identity_key& key, std::string_view session) {
  std::lock_guard lock{mutex_};
  return reader_->oidc_sessions_of(key, session);
}

oidc_begun oidc_service::begin(login_record record, const oidc_answer_about& about, const audit_origin& by) {
  const auto who = identity_of(about.claims.value_or(json::object()), settings_.oidc);
  if (!who.problem.empty())
    log(log_level::warning, "somebody logs in, but " + who.problem);
  auto seen = seen_of(who, settings_.oidc.claims, settings_.auth);
  if (!seen) {
    if (code_of(seen.error()) == errc::unauthorized)
      if (auto err = end_person({settings_.oidc.issuer, about.subject}, by))
        return {std::move(err)};
    return {seen.error(),
            code_of(seen.error()) == errc::unauthorized ? refusal_reason::not_allowed
                                                        : refusal_reason::provider_distrusted};
  }
  seen->by = by;
  record.expires_at = std::min(record.expires_at, confirmed_until(settings_.oidc, record.created_at));
  const oidc_login kept{record.token_hash, seen->key, about.session, sealed(about.tokens, record.token_hash),
                        record.created_at};
  seen->login = std::move(record);
  auto failed = write(oidc_login_begun{std::move(*seen), kept});
  const bool is_disabled = code_of(failed) == errc::unauthorized;
  return {std::move(failed), is_disabled ? refusal_reason::disabled : nullptr};
}

std::string oidc_service::logout_address(std::string_view token_hash, std::string_view back) {
  caf::expected<oidc_login> login{caf::error{}};
  {
    std::lock_guard lock{mutex_};
    login = reader_->find_oidc_login(token_hash);
  }
  const auto text = login ? key_.open(login->sealed, token_hash) : std::nullopt;
  const auto tokens = text ? oidc_tokens::from_text(*text) : std::nullopt;
  return client.logout_address(tokens ? tokens->id : std::string{}, back);
}

caf::error oidc_service::end_session(oidc_login_ended ended) {
  ended.at = now_us();
  auto hash = ended.token_hash;
  auto result = write(std::move(ended));
  if (!result)
    caf::anon_send(gateway_, logout_atom_v, std::move(hash));
  return result;
}

caf::error oidc_service::end_lost(const std::string& token_hash) {
  return end_session({token_hash, "not confirmed by " + settings_.oidc.issuer, true});
}

caf::error oidc_service::end_person(const identity_key& key, const audit_origin& by) {
  auto sessions = sessions_of(key, "");
  if (auto err = write(identity_refused{key, by}))
    return err;
  if (!sessions)
    return caf::none; // their streams end with the next keep-alive
  for (const auto& hash : *sessions)
    caf::anon_send(gateway_, logout_atom_v, hash);
  return caf::none;
}

caf::error oidc_service::end(const logout_order& order, const audit_origin& by) {
  auto sessions = sessions_of({settings_.oidc.issuer, order.subject}, order.session);
  if (!sessions)
    return sessions.error();
  for (const auto& hash : *sessions)
    if (auto err = end_session({hash, "logged out at " + settings_.oidc.issuer, false, 0, by}))
      return err;
  return caf::none;
}

caf::error oidc_service::look_again(const oidc_login& login) {
  const auto text = key_.open(login.sealed, login.token_hash);
  const auto tokens = text ? oidc_tokens::from_text(*text) : std::nullopt;
  // Of another client secret, or another issuer: nobody can be asked about it.
  if (!tokens || login.key.issuer != settings_.oidc.issuer)
    return end_session({login.token_hash, "begun with another configuration"});
  auto about = client.look_again(*tokens, login.key.subject);
  if (about)
    return take_confirmed(login, *about);
  if (code_of(about.error()) != errc::unauthorized)
    return about.error();
  log(log_level::info, "a browser session ends: " + text_of(about.error()));
  return end_lost(login.token_hash);
}

caf::error oidc_service::take_confirmed(const oidc_login& login, const oidc_answer_about& about) {
  const auto now = now_us();
  oidc_login_checked checked{login.token_hash, sealed(about.tokens, login.token_hash), 0, 0, 0, {}};
  if (about.incomplete) {
    auto err = write(checked);
    return err ? err : about.incomplete;
  }
  checked.at = now;
  checked.expires_at = confirmed_until(settings_.oidc, now);
  checked.idle_us = std::chrono::microseconds{settings_.auth.session_idle}.count();
  if (about.claims) {
    auto claims = *about.claims;
    claims["sub"] = login.key.subject;
    auto seen = seen_of(identity_of(claims, settings_.oidc), settings_.oidc.claims, settings_.auth);
    if (!seen) {
      log(log_level::info, "somebody's browser sessions end: " + text_of(seen.error()));
      return end_person(login.key, {});
    }
    checked.seen = std::move(*seen);
  }
  auto err = write(checked);
  // A user who is disabled has no session.
  return code_of(err) == errc::unauthorized ? end_lost(login.token_hash) : err;
}

} // namespace varro
