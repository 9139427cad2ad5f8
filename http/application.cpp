#include "http/application.hpp"

#include "http/chat_pages.hpp"
#include "http/guard.hpp"
#include "workspace/usage.hpp"

namespace varro {

bool login_gate::enter() {
  std::unique_lock lock{mutex_};
  if (running_ >= running_max) {
    if (waiting_ >= waiting_max)
      return false;
    ++waiting_;
    free_.wait(lock, [this] { return running_ < running_max; });
    --waiting_;
  }
  ++running_;
  return true;
}

void login_gate::leave() {
  {
    std::lock_guard lock{mutex_};
    --running_;
  }
  free_.notify_one();
}

application::application(http_services from)
  : services(std::move(from)), settings(services.settings), throttle(settings.auth) {}

caf::expected<std::optional<visitor>> application::who(const received_request& request) const {
  if (settings.auth.mode == auth_mode::local)
    return std::optional{visitor{services.local_user, {}, {}}};
  auto token = cookie(request, session_cookie);
  if (!with_accounts() || token.empty() || token.size() > 128)
    return std::optional<visitor>{};
  auto hash = hash_session_token(token);
  auto found = ask<login_found>(services.reader, login_atom_v, hash);
  if (found)
    return std::optional{visitor{found->user, found->login.csrf, hash}};
  if (code_of(found.error()) == errc::not_found)
    return std::optional<visitor>{};
  return found.error();
}

page_viewer application::viewer_of(const visitor& who) const {
  return {who.user.name, with_accounts(), who.csrf};
}

caf::expected<page_context> application::context_of(const visitor& who, chat_place before) const {
  auto page = list_chats(*this, who, before);
  if (!page)
    return page.error();
  return page_context{viewer_of(who), std::move(page->chats), &settings, services.catalog->now(),
                      std::move(page->older)};
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
  case errc::shutting_down:
    return 503;
  case errc::none: // CAF's own: a timeout, an actor that has ended
    return 503;
  default:
    return 500;
  }
}

caf::expected<stored_uploads> application::store_files(const visitor& who, int64_t chat,
                                                       const std::vector<form_file>& files) const {
  auto others = settings.shell.user_bytes_max == 0 ? caf::expected<int64_t>{0}
                                                   : ask<int64_t>(services.reader, usage_atom_v, who.user.id, chat);
  if (!others)
    return others.error();
  return store_uploads(settings, chat, files, left_for_user(static_cast<size_t>(*others), settings.shell));
}

void application::note_usage(const visitor& who, int64_t chat, const stored_uploads& stored) const {
  caf::anon_send(services.shells, usage_atom_v, who.user.id, chat, stored.workspace_bytes);
}

reply application::error_reply(const received_request& request, int status, std::string_view text) const {
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
  auto status = status_of(error);
  if (code_of(error) == errc::none)
    return error_reply(request, status, "The server did not get to this in time. Try again in a moment.");
  return error_reply(request, status, text_of(error));
}

bool application::csrf_matches(const received_request& request, const visitor& who, std::string_view field) const {
  if (!with_accounts())
    return true;
  auto given = request.has_header("x-csrf-token") ? request.header("x-csrf-token") : field;
  return !who.csrf.empty() && equal_in_constant_time(given, who.csrf);
}

std::optional<int64_t> captured_id(const route_call& call) {
  return parse_number(call.segment("chat"));
}

} // namespace varro
