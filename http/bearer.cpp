#include "http/bearer.hpp"

#include "accounts/tokens.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "http/anonymous_forms.hpp"
#include "http/api/problem.hpp"
#include "http/proxied_visitor.hpp"
#include "storage/limits.hpp"

#include <algorithm>

namespace varro {

namespace {

constexpr std::string_view field_name = "authorization";

// The credentials of a field whose scheme is Bearer.
std::optional<std::string_view> credentials(std::string_view value) {
  constexpr std::string_view scheme = "bearer";
  if (ascii_lower(value.substr(0, scheme.size())) != scheme)
    return std::nullopt;
  auto rest = value.substr(scheme.size());
  if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t')
    return std::nullopt;
  return trim(rest);
}

// Programs read words, not pages.
reply plain_refusal(const received_request& request, int status, std::string_view text) {
  if (is_api_target(request.target))
    return problem_reply(request, status, text);
  reply result;
  result.status = status;
  result.content_type = "text/plain; charset=utf-8";
  result.body = std::string{text} + "\n";
  return result;
}

reply refusal(const received_request& request, int status, std::string_view code, std::string_view text,
              std::string_view scope = {}) {
  auto result = plain_refusal(request, status, text);
  auto challenge = "Bearer realm=\"varro\", error=\"" + std::string{code} + "\"";
  if (!scope.empty())
    challenge += ", scope=\"" + std::string{scope} + "\"";
  result.headers.emplace_back("WWW-Authenticate", std::move(challenge));
  return result;
}

reply invalid_token(application& app, const received_request& request) {
  const auto now = now_us();
  const bool too_many = !app.token_failures.allowed(request.peer, now);
  app.token_failures.count(request.peer, now);
  if (too_many)
    return with_retry_after(
      refusal(request, 429, "invalid_token", "Too many tokens that cannot be used. Wait a few minutes."),
      app.settings.auth.attempts_window);
  return refusal(request, 401, "invalid_token",
                 "This token cannot be used: it is unknown, has expired or was revoked.");
}

// Whoever holds the token is told why, which says nothing of it to who only guesses.
reply foreign_owner(application& app, const received_request& request, const token_found& found) {
  audit_origin by = app.origin_of(request);
  by.way = audit_way::token;
  app.note_refusal({{found.user.id, found.user.name}, refusal_reason::foreign_token, 0, std::move(by)});
  return refusal(request, 401, "invalid_token",
                 "This token cannot be used: its user cannot log in at this server as it is set up now (auth.mode).");
}

reply insufficient(const received_request& request, route_scope needed) {
  constexpr auto code = "insufficient_scope";
  switch (needed) {
  case route_scope::read:
    return refusal(request, 403, code, "This token is not for reading chats: it lacks the scope \"read\".", "read");
  case route_scope::chat:
    return refusal(request, 403, code, "This token is not for changing chats: it lacks the scope \"chat\".", "chat");
  case route_scope::admin:
    return refusal(request, 403, code, "This token lacks the scope \"admin\", or its user is no admin.", "admin");
  case route_scope::open:
  case route_scope::browser:
    break;
  }
  return refusal(request, 403, code, "No token can do this. Log in with a browser.");
}

bool covers(const token_found& found, route_scope needed) {
  switch (needed) {
  case route_scope::open:
    return true;
  case route_scope::read:
    return found.token.scopes.read;
  case route_scope::chat:
    return found.token.scopes.chat;
  case route_scope::admin:
    return may_administer(found);
  case route_scope::browser:
    break;
  }
  return false;
}

void note_use(const application& app, const token_record& token) {
  const auto now = now_us();
  if (now - token.last_used_at >= std::chrono::microseconds{login_use_step}.count())
    caf::anon_send(app.services.token_writer, token_atom_v, token_write{token_used{token.token_hash, now}});
}

} // namespace

bool has_bearer(const received_request& request) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [](const auto& each) { return each.name == field_name && credentials(each.value); });
}

std::string_view bearer_of(const received_request& request) {
  for (const auto& each : request.headers)
    if (auto found = each.name == field_name ? credentials(each.value) : std::nullopt)
      return *found;
  return {};
}

std::variant<visitor, reply> visitor_by_token(application& app, const received_request& request, route_scope needed) {
  if (std::count_if(request.headers.begin(), request.headers.end(),
                    [](const auto& each) { return each.name == field_name; })
      > 1)
    return refusal(request, 400, "invalid_request", "The field Authorization is there more than once.");
  // Whoever reaches such a server may do everything without one; a token would promise limits that nobody holds.
  if (app.settings.auth.mode == auth_mode::local)
    return refusal(request, 401, "invalid_token",
                   "Without accounts there are no tokens: leave the field Authorization out.");
  if (app.settings.auth.mode == auth_mode::proxy && !request.by_proxy)
    return plain_refusal(request, 403, past_proxy_words(request));
  const auto token = bearer_of(request);
  if (!id_of_token(token))
    return invalid_token(app, request);
  auto found = app.ask<token_found>(app.services.token_reader, token_atom_v, hash_of_token(token));
  if (!found && code_of(found.error()) == errc::not_found)
    return invalid_token(app, request);
  if (!found)
    return app.error_reply(request, found.error());
  if (!can_log_in(found->user, app.logins_by))
    return foreign_owner(app, request, *found);
  note_use(app, found->token);
  if (!covers(*found, needed))
    return insufficient(request, needed);
  return visitor{std::move(found->user), {}, std::move(found->token.token_hash), true};
}

} // namespace varro
