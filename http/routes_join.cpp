// Accounts that people make themselves, and passwords that they choose by a link.
#include "base/clock.hpp"
#include "base/utf8.hpp"
#include "http/anonymous_forms.hpp"
#include "http/guard.hpp"
#include "http/routes.hpp"
#include "render/account_pages.hpp"

namespace varro {

namespace {

constexpr auto void_link
  = "This link was used, has expired, or never was one. Whoever gave it to you can make another.";

constexpr size_t typed_name_bytes_max = 200; // of a name that is shown again with what is wrong

// A link, or the open door, that a request may go through now.
struct way_in {
  std::string token_hash; // empty: without a link
  link_found found;
};

// What a request may use, or what the client is told instead. A link for another purpose is none.
std::variant<way_in, reply> way_of(const application& app, const route_call& call, bool with_link, bool reset) {
  if (!app.with_accounts())
    return app.error_reply(call.request, 404, no_accounts);
  const auto& sign_up = app.settings.auth.sign_up;
  if (!with_link) {
    if (sign_up == "open")
      return way_in{};
    return app.error_reply(call.request, 404, "Nobody can make an account here without a link.");
  }
  auto hash = hash_session_token(call.segment("token"));
  auto found = app.ask<link_found>(app.services.reader, link_atom_v, hash);
  if (!found && code_of(found.error()) != errc::not_found)
    return app.error_reply(call.request, found.error());
  bool usable = found && (found->link.purpose == link_purpose::reset) == reset
    && (found->link.purpose != link_purpose::invitation || sign_up != "closed");
  if (!usable)
    return app.error_reply(call.request, 404, void_link);
  return way_in{hash, std::move(*found)};
}

reply join_form(const route_call& call, const way_in& way, int status, std::string name, std::string_view message) {
  auto token = form_token_of(call.request);
  join_page_content content{"/join", std::move(name), way.found.link.role == user_role::admin, message};
  if (!way.token_hash.empty())
    content.action += "/" + call.segment("token");
  return form_reply(call, status, token, join_page({"", true, token.csrf}, content));
}

reply reset_form(const route_call& call, const way_in& way, int status, std::string_view message) {
  auto token = form_token_of(call.request);
  return form_reply(
    call, status, token,
    reset_page({"", true, token.csrf}, "/reset/" + call.segment("token"), way.found.user_name, message));
}

// A page, or a form that was sent, with the way in that it needs. `answer` gets the way, and the form where it was
// sent.
template <class Answer>
reply through(const application& app, const route_call& call, bool with_link, bool reset, Answer answer) {
  auto way = way_of(app, call, with_link, reset);
  if (auto* refused = std::get_if<reply>(&way))
    return std::move(*refused);
  auto fields = parse_form(call.request);
  if (!fields)
    return app.error_reply(call.request, 400, text_of(fields.error()));
  return answer(std::get<way_in>(way), *fields);
}

reply show_join_form(const application& app, const route_call& call, bool with_link) {
  auto way = way_of(app, call, with_link, false);
  if (auto* refused = std::get_if<reply>(&way))
    return std::move(*refused);
  return join_form(call, std::get<way_in>(way), 200, "", "");
}

reply make_account(application& app, const route_call& call, const way_in& way, const form& fields) {
  const auto& typed = fields.get("username");
  const bool shown = typed.size() <= typed_name_bytes_max && is_utf8(typed);
  auto again
    = [&](int status, std::string_view message) { return join_form(call, way, status, shown ? typed : "", message); };
  if (!form_token_matches(call, fields))
    return again(403, form_outdated);
  const auto& peer = call.request.peer;
  if (!app.sign_ups.allowed(peer, now_us()))
    return with_retry_after(again(429, "Too many sign-ups from your address. Wait a few minutes and try again."),
                            app.settings.auth.attempts_window);
  auto name = normalised_user_name(fields.get("username"));
  if (!name)
    return again(422, text_of(name.error()));
  if (fields.get("password") != fields.get("again"))
    return again(422, passwords_differ);
  auto hash = app.hash_in_turn(peer, fields.get("password"));
  if (!hash)
    return with_retry_after(again(503, passwords_busy), busy_retry);
  if (!*hash)
    return again(422, text_of(hash->error()));
  // Without a link every password that was hashed counts, whatever comes of it.
  if (way.token_hash.empty())
    app.sign_ups.count(peer, now_us());
  auto login = make_login(app, call.request, 0);
  const account_write joined = user_joined{
    way.token_hash, *name, **hash, login.record, int64_t{app.settings.auth.users_max}, app.origin_of(call.request)};
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, joined);
  auto code = done ? errc::none : code_of(done.error());
  // A name that is taken has to be said to be; how many are tried is counted.
  if (code == errc::invalid_input && !way.token_hash.empty())
    app.sign_ups.count(peer, now_us());
  if (done)
    return enter_with(app, call.request, login);
  if (code == errc::invalid_input)
    return again(422, "This name is taken. If it is yours, log in; else choose another one.");
  if (code == errc::limit_reached)
    return again(503, "This server has as many accounts as it may have. Ask whoever looks after it.");
  if (code == errc::not_found)
    return app.error_reply(call.request, 404, void_link);
  return app.error_reply(call.request, done.error());
}

reply change_password_by(application& app, const route_call& call, const way_in& way, const form& fields) {
  if (!form_token_matches(call, fields))
    return reset_form(call, way, 403, form_outdated);
  if (fields.get("password") != fields.get("again"))
    return reset_form(call, way, 422, passwords_differ);
  auto hash = app.hash_in_turn(way.found.user_name, fields.get("password"));
  if (!hash)
    return with_retry_after(reset_form(call, way, 503, passwords_busy), busy_retry);
  if (!*hash)
    return reset_form(call, way, 422, text_of(hash->error()));
  // Their streams end at once. One that is begun meanwhile ends with the next keep-alive.
  auto sessions = app.ask<std::vector<login_record>>(app.services.reader, list_atom_v, way.found.link.user_id);
  const account_write reset = password_reset{way.token_hash, **hash, now_us(), app.origin_of(call.request)};
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, reset);
  if (!done && code_of(done.error()) == errc::not_found)
    return app.error_reply(call.request, 404, void_link);
  if (!done)
    return app.error_reply(call.request, done.error());
  if (sessions)
    for (const auto& each : *sessions)
      caf::anon_send(app.services.gateway, logout_atom_v, each.token_hash);
  app.throttle.succeeded(way.found.user_name); // whoever tried the former password has no say any more
  auto token = form_token_of(call.request);
  return form_reply(call, 200, token, password_was_reset_page({"", true, token.csrf}));
}

} // namespace

reply show_open_join(application& app, const route_call& call) {
  return show_join_form(app, call, false);
}

reply show_join(application& app, const route_call& call) {
  return show_join_form(app, call, true);
}

reply join_openly(application& app, const route_call& call) {
  return through(app, call, false, false,
                 [&](const way_in& way, const form& fields) { return make_account(app, call, way, fields); });
}

reply join(application& app, const route_call& call) {
  return through(app, call, true, false,
                 [&](const way_in& way, const form& fields) { return make_account(app, call, way, fields); });
}

reply show_reset(application& app, const route_call& call) {
  auto way = way_of(app, call, true, true);
  if (auto* refused = std::get_if<reply>(&way))
    return std::move(*refused);
  return reset_form(call, std::get<way_in>(way), 200, "");
}

reply reset_password(application& app, const route_call& call) {
  return through(app, call, true, true,
                 [&](const way_in& way, const form& fields) { return change_password_by(app, call, way, fields); });
}

} // namespace varro
