// Turns: send, edit, regenerate, cancel, and the event stream that shows them.
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/requests.hpp"
#include "http/routes.hpp"
#include "http/uploads.hpp"
#include "models/effort.hpp"
#include "models/user_prompt.hpp"

namespace varro {

namespace {

reply malformed(const application& app, const route_call& call, const caf::error& why) {
  return app.error_reply(call.request, 400, text_of(why));
}

// What is wrong with the text or the model of a turn, as status and words.
struct turn_refusal {
  int status = 0;
  std::string text;
};

std::optional<turn_refusal> check_message(const config& settings, const std::string& text, bool has_files = false) {
  if (text.size() > settings.server.message_bytes_max)
    return turn_refusal{413,
                        "The message is larger than " + std::to_string(settings.server.message_bytes_max)
                          + " bytes. Put long data into a file and attach it."};
  if (!is_utf8(text))
    return turn_refusal{400, "The message is not valid UTF-8 text."};
  if (trim(text).empty() && !has_files)
    return turn_refusal{422, "The message is empty."};
  return std::nullopt;
}

std::optional<turn_refusal> check_model(const application& app, const visitor& who, const std::string& id) {
  if (id.empty())
    return std::nullopt;
  auto choices = app.services.catalog->now();
  const auto* model = choices->find(id);
  if (model == nullptr)
    return turn_refusal{422, no_such_model(*choices, id)};
  auto allowance = app.allowance_of(who);
  if (!allowance)
    return turn_refusal{application::status_of(allowance.error()), text_of(allowance.error())};
  if (auto refused = model_choice_refusal(**allowance, *model); !refused.empty())
    return turn_refusal{403, std::move(refused)};
  return std::nullopt;
}

// Before a chat is made, by its first message or as a fork.
std::optional<turn_refusal> check_new_chat(const application& app, const visitor& who) {
  auto allowance = app.allowance_of(who);
  if (!allowance)
    return turn_refusal{application::status_of(allowance.error()), text_of(allowance.error())};
  if (auto refused = chat_refusal(**allowance); !refused.empty())
    return turn_refusal{403, std::move(refused)};
  return std::nullopt;
}

// Before files, snapshots and messages are copied. How much that will be is known only then.
std::optional<turn_refusal> check_fork(const application& app, const visitor& who) {
  if (auto refused = check_new_chat(app, who))
    return refused;
  auto allowance = app.allowance_of(who);
  if (!allowance)
    return turn_refusal{application::status_of(allowance.error()), text_of(allowance.error())};
  if (auto refused = disk_refusal(**allowance, 0); !refused.empty())
    return turn_refusal{413, std::move(refused)};
  return std::nullopt;
}

// Of a new chat for which none was chosen.
std::string default_model_of(const application& app, const visitor& who) {
  auto context = app.bare_context_of(who);
  return context ? context->models->default_model : std::string{};
}

std::optional<turn_refusal> check_python(const config& settings, const std::string& python) {
  if (python.empty() || settings.shell.has_interpreter(python))
    return std::nullopt;
  return turn_refusal{422, "The chosen Python is not configured on this server."};
}

std::optional<turn_refusal> check_effort(const std::string& effort) {
  if (effort.empty() || effort == "default" || is_effort(effort))
    return std::nullopt;
  return turn_refusal{422, "There is no such effort of thinking."};
}

reply turn_reply(application& app, const visitor& who, const turn_started& turn) {
  page_context context{app.viewer_of(who), {}, &app.settings, app.services.catalog->now()};
  if (auto found = turn.created ? app.context_of(who) : app.bare_context_of(who))
    context = std::move(*found);
  chat_page page{turn.chat, {}, turn.seq, true, {}, turn.notice};
  reply result;
  block_renderer renderer{turn.chat.id, {{turn.run_id, turn.alternatives}}, app.services.markdown};
  result.body = send_reply(context, page, renderer.render(turn.row)).str();
  if (turn.created)
    result.headers.emplace_back("HX-Push-Url", "/chat/" + std::to_string(turn.chat.id));
  return result;
}

// The session that is meant: an existing chat of the user's, or one that its first message will create.
caf::expected<chat_session_actor> session_for(application& app, const visitor& who, const send_request& asked) {
  if (!asked.chat)
    return app.ask<chat_session_actor>(app.services.registry, start_atom_v, who.user.id, asked.model);
  return app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, *asked.chat);
}

// Asked once: a session that ended without an answer may have committed the message, and nothing is sent twice.
caf::expected<turn_started> start_turn(application& app, const visitor& who, const send_request& asked,
                                       const std::vector<form_file>& files) {
  auto session = session_for(app, who, asked);
  if (!session)
    return session.error();
  user_message message{asked.message, asked.model, asked.python, asked.effort};
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

reply replace_turn(application& app, const route_call& call, const visitor& who, int64_t turn, user_message message) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto refused = check_model(app, who, message.model);
  if (!refused)
    refused = check_effort(message.effort);
  if (refused)
    return app.error_reply(call.request, refused->status, refused->text);
  auto started = app.ask_chat<turn_started>(who.user.id, *id, edit_atom_v, turn, message);
  return started ? turn_reply(app, who, *started) : app.error_reply(call.request, started.error());
}

// Leads to the chat's page, with and without scripts.
reply to_page(const route_call& call, int64_t chat) {
  auto page = "/chat/" + std::to_string(chat);
  if (call.request.header("hx-request").empty())
    return see_other(page);
  auto result = empty_reply(204);
  result.headers.emplace_back("HX-Redirect", page);
  return result;
}

// -1: the client has seen nothing. nullopt: `after` is garbage. Last-Event-ID comes from the browser's memory of an
// earlier stream, so it wins, and what is not a number there is no fault of the page.
std::optional<int64_t> stream_start(const received_request& request) {
  if (auto last = parse_number(request.header("last-event-id")))
    return last;
  auto after = query_value(request, "after");
  return after ? parse_number(*after) : std::optional<int64_t>{-1};
}

} // namespace

reply send_message(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto asked = read_request<send_request>(call.request, fields);
  if (!asked)
    return malformed(app, call, asked.error());
  auto refused = check_message(app.settings, asked->message, !fields.files.empty());
  if (!refused)
    refused = check_model(app, who, asked->model);
  if (!refused && !asked->chat)
    refused = check_new_chat(app, who);
  if (!refused)
    refused = check_effort(asked->effort);
  if (!refused)
    refused = check_python(app.settings, asked->python);
  if (refused)
    return app.error_reply(call.request, refused->status, refused->text);
  if (!asked->chat && asked->model.empty())
    asked->model = default_model_of(app, who);
  auto turn = start_turn(app, who, *asked, fields.files);
  return turn ? turn_reply(app, who, *turn) : app.error_reply(call.request, turn.error());
}

reply edit_turn(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto asked = read_request<edit_request>(call.request, fields);
  if (!asked)
    return malformed(app, call, asked.error());
  if (auto refused = check_message(app.settings, asked->message))
    return app.error_reply(call.request, refused->status, refused->text);
  if (asked->turn.value_or(0) < 1)
    return app.error_reply(call.request, 422, "The form does not say which turn to replace.");
  return replace_turn(app, call, who, *asked->turn, {asked->message, asked->model, {}, asked->effort});
}

reply regenerate_turn(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto asked = read_request<regenerate_request>(call.request, fields);
  if (!asked)
    return malformed(app, call, asked.error());
  if (!asked->turn)
    return app.error_reply(call.request, 422, "The form does not say which turn to replace.");
  return replace_turn(app, call, who, *asked->turn, {{}, asked->model, {}, asked->effort});
}

reply switch_branch(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto asked = read_request<branch_request>(call.request, fields);
  if (!asked)
    return malformed(app, call, asked.error());
  if (!asked->run)
    return app.error_reply(call.request, 422, "The form does not say which version to show.");
  auto done = app.ask_chat<done_atom>(who.user.id, *id, branch_atom_v, *asked->run);
  return done ? to_page(call, *id) : app.error_reply(call.request, done.error());
}

reply fork_chat(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto asked = read_request<fork_request>(call.request, fields);
  if (!asked)
    return malformed(app, call, asked.error());
  if (!asked->turn)
    return app.error_reply(call.request, 422, "The form does not say after which turn to fork.");
  if (auto refused = check_fork(app, who))
    return app.error_reply(call.request, refused->status, refused->text);
  auto forked = app.ask_chat<chat_forked>(who.user.id, *id, fork_atom_v, *asked->turn);
  if (!forked)
    return app.error_reply(call.request, forked.error());
  if (!forked->notice.empty()) {
    auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, forked->chat_id);
    if (session)
      caf::anon_send(*session, notice_atom_v, forked->notice);
  }
  return to_page(call, forked->chat_id);
}

// Has the recorded cells run again before the next one, where no snapshot has the variables.
reply rerun_cells(application& app, const route_call& call, const visitor& who, const form&) {
  return app.tell_chat(call, who, rerun_atom_v);
}

// From now on with today's instructions.
reply renew_instructions(application& app, const route_call& call, const visitor& who, const form&) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto done = app.ask_chat<done_atom>(who.user.id, *id, renew_atom_v);
  return done ? to_page(call, *id) : app.error_reply(call.request, done.error());
}

reply cancel_run(application& app, const route_call& call, const visitor& who, const form&) {
  return app.tell_chat(call, who, cancel_atom_v);
}

reply stream_events(application& app, const route_call& call, const visitor& who) {
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
  if (call.request.method != "HEAD")
    result.adopt
      = [gateway = app.services.gateway, chat = *id, after = *after, session = viewed_chat_actor{*session},
         login = who.token_hash](int fd) { caf::anon_send(gateway, adopt_atom_v, fd, chat, after, session, login); };
  return result;
}

} // namespace varro
