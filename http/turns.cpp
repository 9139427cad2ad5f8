#include "http/turns.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/uploads.hpp"
#include "models/effort.hpp"
#include "models/user_prompt.hpp"

namespace varro {

namespace {

std::optional<refused_request> check_message(const config& settings, const std::string& text, bool has_files = false) {
  if (text.size() > settings.server.message_bytes_max)
    return refused_request{413,
                           "The message is larger than " + std::to_string(settings.server.message_bytes_max)
                             + " bytes. Put long data into a file and attach it."};
  if (!is_utf8(text))
    return refused_request{400, "The message is not valid UTF-8 text."};
  if (trim(text).empty() && !has_files)
    return refused_request{422, "The message is empty."};
  return std::nullopt;
}

std::optional<refused_request> check_model(const application& app, const visitor& who, const std::string& id) {
  if (id.empty())
    return std::nullopt;
  auto choices = app.services.catalog->now();
  const auto* model = choices->find(id);
  if (model == nullptr)
    return refused_request{422, no_such_model(*choices, id)};
  auto allowance = app.allowance_of(who);
  if (!allowance)
    return application::refused_by(allowance.error());
  if (auto refused = model_choice_refusal(**allowance, *model); !refused.empty())
    return refused_request{403, std::move(refused)};
  return std::nullopt;
}

// Before a chat is made, by its first message or as a fork.
std::optional<refused_request> check_new_chat(const application& app, const visitor& who) {
  auto allowance = app.allowance_of(who);
  if (!allowance)
    return application::refused_by(allowance.error());
  if (auto refused = chat_refusal(**allowance); !refused.empty())
    return refused_request{403, std::move(refused)};
  return std::nullopt;
}

// Before files, snapshots and messages are copied. How much that will be is known only then.
std::optional<refused_request> check_fork(const application& app, const visitor& who) {
  if (auto refused = check_new_chat(app, who))
    return refused;
  auto allowance = app.allowance_of(who);
  if (!allowance)
    return application::refused_by(allowance.error());
  if (auto refused = disk_refusal(**allowance, 0); !refused.empty())
    return refused_request{413, std::move(refused)};
  return std::nullopt;
}

// Of a new chat for which none was chosen.
std::string default_model_of(const application& app, const visitor& who) {
  auto context = app.bare_context_of(who);
  return context ? context->models->default_model : std::string{};
}

std::optional<refused_request> check_python(const config& settings, const std::string& python) {
  if (python.empty() || settings.shell.has_interpreter(python))
    return std::nullopt;
  return refused_request{422, "The chosen Python is not configured on this server."};
}

std::optional<refused_request> check_effort(const std::string& effort) {
  if (effort.empty() || effort == "default" || is_effort(effort))
    return std::nullopt;
  return refused_request{422, "There is no such effort of thinking."};
}

// The session that is meant: an existing chat of the user's, or one that its first message will create.
caf::expected<chat_session_actor> session_for(application& app, const visitor& who, const send_request& asked) {
  if (!asked.chat)
    return app.ask<chat_session_actor>(app.services.registry, start_atom_v, who.user.id, asked.model);
  return app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, *asked.chat);
}

// Asked once: a session that ended without an answer may have committed the message, and nothing is sent twice.
caf::expected<turn_started> start_turn(application& app, const visitor& who, const send_request& asked,
                                       const std::vector<form_file>& files, std::optional<idempotency_note> once) {
  auto session = session_for(app, who, asked);
  if (!session)
    return session.error();
  user_message message{asked.message, asked.model, asked.python, asked.effort};
  message.metadata = asked.metadata;
  message.once = std::move(once);
  message.origin = who.origin;
  if (files.empty())
    return app.ask<turn_started>(*session, send_atom_v, message);
  // No file is kept of a turn that will be refused. The model learns from the message what was uploaded.
  auto chat = app.ask<int64_t>(*session, ready_atom_v);
  auto stored = chat ? app.store_files(who, *chat, files) : chat.error();
  if (!stored)
    return stored.error();
  message.files = attached_to_message(app.settings, files, stored->names);
  if (message.files.empty()) {
    const auto note = uploads_note(stored->names).content;
    message.text = trim(message.text).empty() ? note : message.text + "\n\n" + note;
  }
  auto started = app.ask<turn_started>(*session, send_atom_v, message);
  if (started) // the chat exists now
    app.note_usage(who, started->chat.id, *stored);
  return started;
}

template <class Result>
or_refused<Result> settled(caf::expected<Result> result) {
  if (result)
    return std::move(*result);
  return application::refused_by(result.error());
}

or_refused<turn_started> replace_turn(application& app, const visitor& who, int64_t chat, int64_t turn,
                                      user_message message) {
  auto refused = check_model(app, who, message.model);
  if (!refused)
    refused = check_effort(message.effort);
  if (refused)
    return std::move(*refused);
  message.origin = who.origin;
  return settled(app.ask_chat<turn_started>(who.user.id, chat, edit_atom_v, turn, message));
}

// Where a viewer says that it was: -1: it has seen nothing. nullopt: `after` is garbage. Last-Event-ID comes from the
// browser's memory of an earlier stream, so it wins, and what is not a number there is no fault of the page.
std::optional<int64_t> stream_start(const received_request& request) {
  if (auto last = parse_number(request.header("last-event-id")))
    return last;
  auto after = query_value(request, "after");
  return after ? parse_number(*after) : std::optional<int64_t>{-1};
}

} // namespace

or_refused<turn_started> begin_turn(application& app, const visitor& who, send_request asked,
                                    const std::vector<form_file>& files, std::optional<idempotency_note> once) {
  auto refused = check_message(app.settings, asked.message, !files.empty());
  if (!refused)
    refused = check_model(app, who, asked.model);
  if (!refused && !asked.chat)
    refused = check_new_chat(app, who);
  if (!refused)
    refused = check_effort(asked.effort);
  if (!refused)
    refused = check_python(app.settings, asked.python);
  if (refused)
    return std::move(*refused);
  if (!asked.chat && asked.model.empty())
    asked.model = default_model_of(app, who);
  return settled(start_turn(app, who, asked, files, std::move(once)));
}

or_refused<turn_started> replace_by_message(application& app, const visitor& who, int64_t chat, edit_request asked,
                                            std::optional<idempotency_note> once) {
  if (auto refused = check_message(app.settings, asked.message))
    return std::move(*refused);
  if (asked.turn.value_or(0) < 1)
    return refused_request{422, "The form does not say which turn to replace."};
  user_message message{std::move(asked.message), std::move(asked.model), {}, std::move(asked.effort)};
  message.once = std::move(once);
  return replace_turn(app, who, chat, *asked.turn, std::move(message));
}

or_refused<turn_started> ask_again(application& app, const visitor& who, int64_t chat, regenerate_request asked,
                                   std::optional<idempotency_note> once) {
  if (!asked.turn)
    return refused_request{422, "The form does not say which turn to replace."};
  user_message message{{}, std::move(asked.model), {}, std::move(asked.effort)};
  message.once = std::move(once);
  return replace_turn(app, who, chat, *asked.turn, std::move(message));
}

or_refused<chat_forked> fork_after(application& app, const visitor& who, int64_t chat, int64_t turn,
                                   std::optional<idempotency_note> once) {
  if (auto refused = check_fork(app, who))
    return std::move(*refused);
  auto forked = once ? app.ask_chat<chat_forked>(who.user.id, chat, fork_atom_v, turn, *once)
                     : app.ask_chat<chat_forked>(who.user.id, chat, fork_atom_v, turn);
  if (!forked)
    return application::refused_by(forked.error());
  if (!forked->notice.empty()) {
    auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, forked->chat_id);
    if (session)
      caf::anon_send(*session, notice_atom_v, forked->notice);
  }
  return std::move(*forked);
}

reply event_stream(application& app, const route_call& call, const visitor& who, bool is_program) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto after = stream_start(call.request);
  if (!after)
    return app.error_reply(call.request, 400, "The stream's start (?after=) is not a number.");
  auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, *id);
  if (!session)
    return app.error_reply(call.request, session.error());
  auto result = empty_reply(200);
  result.content_type = "text/event-stream";
  if (call.request.method == "HEAD")
    return result;
  result.adopt = [gateway = app.services.gateway, chat = *id, after = *after, session = viewed_chat_actor{*session},
                  login = who.token_hash, request = call.request.id, is_program](int fd) {
    if (is_program)
      caf::anon_send(gateway, adopt_atom_v, node_atom_v, fd, chat, after, session, login, request);
    else
      caf::anon_send(gateway, adopt_atom_v, fd, chat, after, session, login, request);
  };
  return result;
}

} // namespace varro
