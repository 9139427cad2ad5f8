// What the routes share: who asks, how actors are asked, how errors are answered, what is counted.
//
// One object per server; methods: any worker. A worker waits for an actor for at most answer_max.
#pragma once

#include "accounts/accounts.hpp"
#include "accounts/hash_gate.hpp"
#include "accounts/read_notes.hpp"
#include "accounts/refusal_notes.hpp"
#include "base/trace.hpp"
#include "http/form.hpp"
#include "http/keys_under_way.hpp"
#include "http/oidc_service.hpp"
#include "http/reply.hpp"
#include "http/router.hpp"
#include "http/search_turns.hpp"
#include "http/server.hpp"
#include "http/uploads.hpp"
#include "render/pages.hpp"
#include "storage/chat_place.hpp"
#include "storage/login_way.hpp"

#include <array>
#include <atomic>
#include <variant>

namespace varro {

// The chat that the path names; nullopt: its digits are no id.
std::optional<int64_t> captured_id(const route_call& call);

inline constexpr std::chrono::seconds answer_max{10};

// Somebody who may use this server.
struct visitor {
  user_record user;
  std::string csrf;        // empty in local mode
  std::string token_hash;  // of the browser session, or of the token of a program; empty in local mode
  bool by_token = false;   // a program (bearer.hpp)
  turn_origin origin = {}; // of what they ask for
};

// Of the cookie with a session's token; a longer one is none of ours.
inline constexpr size_t session_token_bytes_max = 128;

// Why a request is refused: the status, and what its sender is told.
struct refused_request {
  int status = 0;
  std::string text;
};
template <class Result>
using or_refused = std::variant<Result, refused_request>;

struct request_counts {
  std::array<std::atomic<uint64_t>, 600> by_status{};
};

class application {
public:
  explicit application(http_services from);

  http_services services;
  const config& settings; // of the start
  const login_way logins_by;
  login_throttle throttle;
  address_throttle sign_ups;
  address_throttle token_failures; // of programs
  hash_gate hashes;
  refusal_notes refusals;
  read_notes reads;
  read_notes uses; // of chats, for note_seen
  search_turns searches;
  keys_under_way keys; // of requests that are carried out once
  request_counts counts;
  // Of --auth oidc; else null.
  std::unique_ptr<oidc_service> oidc;
  // Where browsers reach this server: set when it listens, before the first request.
  std::string address;
  std::function<size_t()> open_connections = [] { return size_t{0}; };

  // For keys that a reload changes. Hold it for as long as a reference into it is used.
  std::shared_ptr<const config> settings_now() const {
    return services.in_force ? services.in_force->now()
                             : std::shared_ptr<const config>{std::shared_ptr<const config>{}, &settings};
  }

  // Visitors are told apart: each change needs the token of whose it is. Without, there is the user of --auth local.
  bool with_users() const {
    return settings.auth.mode != auth_mode::local;
  }
  // They have passwords here.
  bool with_accounts() const {
    return settings.auth.mode == auth_mode::accounts;
  }
  // Whether a cookie says who somebody is: of an account here, or of a login at a provider.
  bool with_sessions() const {
    return with_accounts() || settings.auth.mode == auth_mode::oidc;
  }

  // nullopt: nobody is logged in; errc::unauthorized: and the login in front has to change for that. That the session
  // is used is noted. An error when the store cannot be asked.
  caf::expected<std::optional<visitor>> who(const received_request& request) const;
  // The hash of a new password; nullopt: too many passwords are hashed at this moment. `whose` as of hash_gate::enter.
  std::optional<caf::expected<std::string>> hash_in_turn(std::string whose, std::string_view password);
  page_viewer viewer_of(const visitor& who) const;
  // For the audit: who asks, and from where. Of nobody who is known: only from where.
  audit_origin origin_of(const received_request& request, const visitor& who) const;
  audit_origin origin_of(const received_request& request) const;
  // Tells the audit of somebody who was refused, as far as refusal_notes lets it. Nobody waits for it.
  void note_refusal(login_refused refused);
  // What the visitor may use now and has used.
  caf::expected<allowance_ptr> allowance_of(const visitor& who, int64_t seen_from_chat = 0) const;
  // Without chats: the models that the visitor may use, and which of their limits is reached.
  caf::expected<page_context> bare_context_of(const visitor& who) const;
  // The sidebar: the user's newest chats, or those after `before`.
  caf::expected<page_context> context_of(const visitor& who, chat_place before = {}) const;

  // Asks an actor and waits. Errors are the actor's, or CAF's when it did not answer.
  template <class Result, class Handle, class... Ts>
  caf::expected<Result> ask(const Handle& actor, const Ts&... message) const {
    caf::expected<Result> result{caf::error{}};
    if (!actor)
      return fail(errc::shutting_down, "The server is not ready.");
    caf::scoped_actor self{services.system};
    self->request(actor, answer_max, message...)
      .receive([&](Result& answer) { result = std::move(answer); },
               [&](caf::error& error) { result = std::move(error); });
    return result;
  }

  // Asks the session of the user's chat; errc::not_found when the chat is not theirs. A session may end between being
  // found and being asked: it is then looked for once more.
  template <class Result, class... Ts>
  caf::expected<Result> ask_chat(int64_t user, int64_t chat, const Ts&... message) const {
    auto session = ask<chat_session_actor>(services.registry, find_atom_v, user, chat);
    return ask_session<Result>(session, user, chat, message...);
  }

  // The same of one that was found; afterwards it is the one that answered, where that is another one.
  template <class Result, class... Ts>
  caf::expected<Result> ask_session(caf::expected<chat_session_actor>& session, int64_t user, int64_t chat,
                                    const Ts&... message) const {
    for (int attempt = 0; session; ++attempt) {
      auto result = ask<Result>(*session, message...);
      if (result || attempt > 0 || !is_gone(result.error()))
        return result;
      session = ask<chat_session_actor>(services.registry, find_atom_v, user, chat, *session);
    }
    return session.error();
  }

  // Tells the user's chat, named by the route, something that has no other answer than done: 204, or an error.
  template <class... Ts>
  reply tell_chat(const route_call& call, const visitor& who, const Ts&... message) const {
    auto id = captured_id(call);
    if (!id)
      return error_reply(call.request, 404, "There is no such chat.");
    auto done = ask_chat<done_atom>(who.user.id, *id, message...);
    return done ? empty_reply(204) : error_reply(call.request, done.error());
  }

  // Writes a form's files into the workspace of the user's chat, within the quotas of both and what the user may upload
  // today. REQUIRES: it is theirs.
  caf::expected<stored_uploads> store_files(const visitor& who, int64_t chat,
                                            const std::vector<form_file>& files) const;
  // After that, and once the chat is stored.
  void note_usage(const visitor& who, int64_t chat, const stored_uploads& stored) const;

  // The visitor looks at this chat of theirs, or puts files into it: it is in use (storage/retention.hpp).
  void note_seen(const visitor& who, int64_t chat);

  // Once in a while: the session lasts longer then.
  void note_use(const login_record& login) const;

  // Errors as the client reads them: problem details below /api/, a fragment for htmx, else a page.
  reply error_reply(const received_request& request, int status, std::string_view text) const;
  reply error_reply(const received_request& request, const caf::error& error) const;

  // True when the request carries the visitor's CSRF token (field `csrf` or X-CSRF-Token), or needs none.
  bool csrf_matches(const received_request& request, const visitor& who, std::string_view field) const;

  static bool is_gone(const caf::error& error);
  static int status_of(const caf::error& error);
  static refused_request refused_by(const caf::error& error);

private:
  // Counts so many bytes for the user's day, if they may; errc::too_large in words for the user.
  caf::error count_upload(const visitor& who, const user_allowance& allowance, int64_t bytes) const;
};

} // namespace varro
