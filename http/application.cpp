#include "http/application.hpp"

#include "http/api/problem.hpp"
#include "http/chat_pages.hpp"
#include "http/guard.hpp"
#include "http/proxied_visitor.hpp"
#include "storage/limits.hpp"
#include "workspace/usage.hpp"

#include <algorithm>

namespace varro {

namespace {

// Logins hold at most half of the workers, whatever is configured.
auth_config hash_limits(const config& settings) {
  auto limits = settings.auth;
  auto held_max = std::max(settings.server.workers / 2, 1);
  limits.hashes_max = std::min(limits.hashes_max, held_max);
  limits.hash_waiters_max = std::min(limits.hash_waiters_max, held_max - limits.hashes_max);
  return limits;
}

// Those of the choices that the user may use. A default that they may not use is the first that they may.
std::shared_ptr<const model_choices> allowed_choices(std::shared_ptr<const model_choices> all,
                                                     const user_allowance& allowance) {
  auto is_refused = [&](const model_config& model) { return !model_choice_refusal(allowance, model).empty(); };
  if (std::none_of(all->models.begin(), all->models.end(), is_refused))
    return all;
  auto allowed = std::make_shared<model_choices>(*all);
  std::erase_if(allowed->models, is_refused);
  if (allowed->find(allowed->default_model) == nullptr)
    allowed->default_model = allowed->models.empty() ? std::string{} : allowed->models.front().id;
  return allowed;
}

} // namespace

application::application(http_services from)
  : services(std::move(from)), settings(services.settings), logins_by(login_way_of(settings)), throttle(settings.auth),
    sign_ups(settings.auth.sign_ups_max, settings.auth.attempts_window),
    token_failures(settings.auth.attempts_max, settings.auth.attempts_window), hashes(hash_limits(settings)) {
  if (settings.auth.mode == auth_mode::oidc)
    oidc = std::make_unique<oidc_service>(services.system, settings, services.transport, services.oidc_reader,
                                          services.store, services.gateway);
}

caf::expected<std::optional<visitor>> application::who(const received_request& request) const {
  if (settings.auth.mode == auth_mode::local)
    return std::optional{visitor{services.local_user, {}, {}, false}};
  if (settings.auth.mode == auth_mode::proxy) {
    auto named = visitor_by_proxy(*this, request);
    if (!named)
      return std::move(named.error());
    return std::optional{std::move(*named)};
  }
  auto token = cookie(request, session_cookie);
  if (!with_sessions() || token.empty() || token.size() > session_token_bytes_max)
    return std::optional<visitor>{};
  auto hash = hash_session_token(token);
  auto found = ask<login_found>(services.reader, login_atom_v, hash);
  if (found) {
    note_use(found->login);
    return std::optional{visitor{found->user, found->login.csrf, hash, false}};
  }
  if (code_of(found.error()) == errc::not_found)
    return std::optional<visitor>{};
  return found.error();
}

void application::note_use(const login_record& login) const {
  auto now = now_us();
  if (now - login.last_used_at < std::chrono::microseconds{login_use_step}.count())
    return;
  auto idle = std::chrono::microseconds{settings.auth.session_idle}.count();
  caf::anon_send(services.store, user_atom_v, account_write{login_used{login.token_hash, now, now + idle}});
}

std::optional<caf::expected<std::string>> application::hash_in_turn(std::string whose, std::string_view password) {
  auto turn = hashes.enter(std::move(whose));
  if (!turn)
    return std::nullopt;
  return hash_password(password, settings.auth);
}

page_viewer application::viewer_of(const visitor& who) const {
  return {who.user.name, with_sessions(), who.csrf, who.user.role == user_role::admin,
          settings.auth.mode == auth_mode::proxy ? settings.proxy.logout_url : std::string{}};
}

audit_origin application::origin_of(const received_request& request, const visitor& who) const {
  return {who.user.id, who.user.name, who.by_token ? audit_way::token : audit_way::browser, request.peer};
}

audit_origin application::origin_of(const received_request& request) const {
  return {0, "", audit_way::browser, request.peer};
}

void application::note_refusal(login_refused refused) {
  const auto unwritten = refusals.note(refused.by.address, now_us());
  if (!unwritten)
    return;
  refused.unwritten = *unwritten;
  caf::anon_send(services.store, user_atom_v, account_write{std::move(refused)});
}

caf::expected<allowance_ptr> application::allowance_of(const visitor& who, int64_t seen_from_chat) const {
  if (!services.allowances)
    return std::make_shared<const user_allowance>();
  return ask<allowance_ptr>(services.allowances, usage_atom_v, who.user.id, seen_from_chat);
}

caf::expected<page_context> application::bare_context_of(const visitor& who) const {
  auto allowance = allowance_of(who);
  if (!allowance)
    return allowance.error();
  page_context context{viewer_of(who), {}, &settings, allowed_choices(services.catalog->now(), **allowance)};
  if (services.allowances)
    context.allowance = allowance_note(**allowance);
  return context;
}

caf::expected<page_context> application::context_of(const visitor& who, chat_place before) const {
  auto page = list_chats(*this, who.user.id, before);
  if (!page)
    return page.error();
  auto context = bare_context_of(who);
  if (!context)
    return context;
  context->chats = std::move(page->chats);
  context->older = std::move(page->older);
  return context;
}

bool application::is_gone(const caf::error& error) {
  return error.category() == caf::atom("exit") || error == caf::sec::request_receiver_down
    || code_of(error) == errc::shutting_down;
}

int application::status_of(const caf::error& error) {
  switch (code_of(error)) {
  case errc::not_found:
    return 404;
  case errc::run_in_progress:
  case errc::no_run:
    return 409;
  case errc::invalid_input:
    return 422;
  case errc::too_large:
    return 413;
  case errc::unauthorized:
    return 403;
  case errc::limit_reached: // no room at the moment
  case errc::shutting_down:
    return 503;
  case errc::none: // CAF's own: a timeout, an actor that has ended
    return 503;
  default:
    return 500;
  }
}

// Counted before they are there: what a crash takes away counts, what it leaves has been counted.
caf::expected<stored_uploads> application::store_files(const visitor& who, int64_t chat,
                                                       const std::vector<form_file>& files) const {
  auto held = ask<user_holdings>(services.reader, usage_atom_v, who.user.id, chat);
  if (!held)
    return held.error();
  auto others = static_cast<size_t>(held->other_workspaces + held->histories);
  stored_uploads stored;
  auto room = room_for_uploads(settings, chat, files, left_for_user(others, settings.shell));
  if (!room)
    return room.error();
  stored.workspace_bytes = *room;
  auto known = allowance_of(who, chat);
  if (!known)
    return known.error();
  const auto bytes = bytes_of(files);
  auto allowance = **known;
  const auto there = *room - bytes; // now; the database has what was measured last
  allowance.disk.files += there - allowance.disk.files_of_chat;
  if (auto refused = disk_refusal(allowance, bytes); !refused.empty())
    return fail(errc::too_large, refused);
  if (auto refused = count_upload(who, allowance, bytes))
    return refused;
  auto names = write_uploads(settings, chat, files);
  if (!names)
    return names.error();
  stored.names = std::move(*names);
  return stored;
}

caf::error application::count_upload(const visitor& who, const user_allowance& allowance, int64_t bytes) const {
  if (auto refused = upload_refusal(allowance, bytes); !refused.empty())
    return fail(errc::too_large, refused);
  const auto most = allowance.limits.upload_bytes_per_day.value_or(0);
  auto counted = ask<done_atom>(services.store, usage_atom_v, upload_counted{who.user.id, now_us(), bytes, most});
  if (counted)
    return {};
  if (code_of(counted.error()) != errc::too_large)
    return counted.error();
  // Another upload of theirs came between: now it is in the sum.
  auto again = allowance_of(who);
  auto refused = again ? upload_refusal(**again, bytes) : std::string{};
  return refused.empty() ? counted.error() : fail(errc::too_large, refused);
}

void application::note_usage(const visitor& who, int64_t chat, const stored_uploads& stored) const {
  caf::anon_send(services.shells, usage_atom_v, who.user.id, chat, stored.workspace_bytes);
}

void application::note_seen(const visitor& who, int64_t chat) {
  const auto now = now_us();
  const auto name = std::to_string(chat);
  if (!uses.is_new(who.user.id, name, now))
    return;
  uses.told(who.user.id, name, now);
  caf::anon_send(services.store, user_atom_v, account_write{chat_seen{who.user.id, chat, now}});
}

reply application::error_reply(const received_request& request, int status, std::string_view text) const {
  if (is_api_target(request.target))
    return problem_reply(request, status, text);
  reply result;
  result.status = status;
  if (request.has_header("hx-request"))
    result.body = html::fragment(
                    html::element("div", {{"class", "error"}, {"role", "alert"}, {"data-status", status}}, text), "\n")
                    .str();
  else
    result.body = error_page({"", false, ""}, status, text).str();
  return result;
}

reply application::error_reply(const received_request& request, const caf::error& error) const {
  const auto refused = refused_by(error);
  return error_reply(request, refused.status, refused.text);
}

refused_request application::refused_by(const caf::error& error) {
  if (code_of(error) == errc::none)
    return {status_of(error), "The server did not get to this in time. Try again in a moment."};
  return {status_of(error), text_of(error)};
}

bool application::csrf_matches(const received_request& request, const visitor& who, std::string_view field) const {
  if (!with_users())
    return true;
  auto given = request.has_header("x-csrf-token") ? request.header("x-csrf-token") : field;
  return !who.csrf.empty() && equal_in_constant_time(given, who.csrf);
}

std::optional<int64_t> captured_id(const route_call& call) {
  return parse_number(call.segment("chat"));
}

} // namespace varro
