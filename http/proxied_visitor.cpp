#include "http/proxied_visitor.hpp"

#include "base/text.hpp"
#include "http/anonymous_forms.hpp"

#include <algorithm>

namespace varro {

namespace {

caf::error refuse(const std::string& why) {
  return fail(errc::unauthorized, why);
}

// The value of the one field of this name; nothing where there is none.
caf::expected<std::optional<std::string>> only_field(const received_request& request, const std::string& name) {
  std::optional<std::string> value;
  const auto wanted = ascii_lower(name);
  for (const auto& field : request.headers) {
    auto dashed = field.name;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    if (dashed != wanted)
      continue;
    if (dashed != field.name)
      return refuse("The request has a field that looks like " + name + " and is not; only the proxy may set that.");
    if (value)
      return refuse("The request has the field " + name + " twice. The proxy must set it once, and drop any other.");
    value = field.value;
  }
  return value;
}

caf::expected<std::string> only_value(const received_request& request, const std::string& name) {
  if (name.empty())
    return std::string{};
  auto value = only_field(request, name);
  if (!value)
    return std::move(value.error());
  if (*value && (*value)->find(',') != std::string::npos)
    return refuse("The field " + name + " has a comma, as if there had been two of them.");
  return value->value_or("");
}

// Somebody else may have been let in with this identity until now.
void end_logins_of(const application& app, const received_request& request, const identity& who) {
  const account_write refused = identity_refused{{who.issuer, who.subject}, app.origin_of(request)};
  // What cannot be written leaves streams on until identity_stream_max; the request is refused either way.
  (void)app.ask<done_atom>(app.services.store, user_atom_v, refused);
}

bool is_as_told(const login_found& found, const identity_seen& seen) {
  return !seen.role || found.user.role == *seen.role;
}

caf::error write_seen(const application& app, const received_request& request, identity_seen seen,
                      const std::string& key) {
  auto login = make_login(app, request, 0).record;
  login.token_hash = key;
  seen.login = std::move(login);
  seen.by = app.origin_of(request);
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, account_write{std::move(seen)});
  return done ? caf::error{} : std::move(done.error());
}

} // namespace

caf::expected<identity> identity_of(const received_request& request, const proxy_config& settings) {
  identity who;
  who.issuer = proxy_issuer;
  auto user = only_value(request, settings.user_header);
  if (!user)
    return std::move(user.error());
  if (user->empty())
    return refuse("The proxy in front of this server did not say who you are (field " + settings.user_header + ").");
  who.subject = who.name = std::move(*user);
  auto mail = only_value(request, settings.mail_header);
  if (!mail)
    return std::move(mail.error());
  who.mail = std::move(*mail);
  if (!settings.groups_header.empty()) {
    auto groups = only_field(request, settings.groups_header);
    if (!groups)
      return std::move(groups.error());
    who.groups = split_claim(groups->value_or(""), settings.groups_separator);
  }
  who.role = role_by(settings.claims, who.groups);
  return who;
}

std::string past_proxy_words(const received_request& request) {
  return "This server believes its proxy only, and the connection from " + request.peer
    + " is not one of server.trusted_proxies. Open the proxy's address.";
}

std::string claimed_visitor(const received_request& request, const config& settings) {
  if (settings.auth.mode != auth_mode::proxy || !request.by_proxy)
    return {};
  return std::string{request.header(ascii_lower(settings.proxy.user_header))};
}

caf::expected<visitor> visitor_by_proxy(const application& app, const received_request& request) {
  if (!request.by_proxy)
    return refuse(past_proxy_words(request));
  auto who = identity_of(request, app.settings.proxy);
  if (!who)
    return std::move(who.error());
  auto seen = seen_of(*who, app.settings.proxy.claims, app.settings.auth);
  if (!seen) {
    if (code_of(seen.error()) == errc::unauthorized)
      end_logins_of(app, request, *who);
    return refuse(text_of(seen.error()));
  }
  const auto key = identity_login(*seen);
  auto found = app.ask<login_found>(app.services.reader, login_atom_v, key);
  if (!found && code_of(found.error()) != errc::not_found)
    return std::move(found.error());
  if (!found || !is_as_told(*found, *seen)) {
    if (auto err = write_seen(app, request, std::move(*seen), key))
      return err;
    found = app.ask<login_found>(app.services.reader, login_atom_v, key);
    if (!found)
      return std::move(found.error());
  }
  app.note_use(found->login);
  return visitor{found->user, found->login.csrf, key};
}

} // namespace varro
