// Turns: send, edit, regenerate, cancel, and the event stream that shows them.
#include "http/application.hpp"
#include "http/uploads.hpp"

namespace varro {

namespace {

// What is wrong with the text or the model of a turn, as status and words.
struct turn_refusal {
  int status = 0;
  std::string text;
};

std::optional<turn_refusal> check_message(const config& settings, const std::string& text) {
  if (text.size() > settings.server.message_bytes_max)
    return turn_refusal{413,
                        "The message is larger than " + std::to_string(settings.server.message_bytes_max)
                          + " bytes. Put long data into a file and attach it."};
  if (!is_utf8(text))
    return turn_refusal{400, "The message is not valid UTF-8 text."};
  if (trim(text).empty())
    return turn_refusal{422, "The message is empty."};
  return std::nullopt;
}

std::optional<turn_refusal> check_model(const config& settings, const std::string& model) {
  if (model.empty() || settings.find_model(model) != nullptr)
    return std::nullopt;
  return turn_refusal{422, "The chosen model is not configured on this server."};
}

std::optional<turn_refusal> check_python(const config& settings, const std::string& python) {
  if (python.empty() || settings.shell.has_interpreter(python))
    return std::nullopt;
  return turn_refusal{422, "The chosen Python is not configured on this server."};
}

reply turn_reply(application& app, const visitor& who, const turn_started& turn) {
  page_context context{app.viewer_of(who), {}, &app.settings};
  if (turn.created) {
    auto full = app.context_of(who);
    if (full)
      context = std::move(*full);
  }
  chat_page page{turn.chat, {}, turn.seq, true, {}, turn.notice};
  reply result;
  result.body = send_reply(context, page, {{turn.seq, "m" + std::to_string(turn.seq) + "-p0", turn.user_block}});
  if (turn.created)
    result.headers.emplace_back("HX-Push-Url", "/chat/" + std::to_string(turn.chat.id));
  return result;
}

// The session that the form means: an existing chat of the user's, or one that its first message will create.
caf::expected<chat_session_actor> session_for(application& app, const visitor& who, const form& fields) {
  const auto& id = fields.get("chat_id");
  if (id.empty())
    return app.ask<chat_session_actor>(app.services.registry, start_atom_v, who.user.id, fields.get("model"));
  auto number = parse_number(id);
  if (!number)
    return fail(errc::not_found, "There is no such chat.");
  return app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, *number);
}

// Asked once: a session that ended without an answer may have committed the message, and nothing is sent twice.
caf::expected<turn_started> start_turn(application& app, const visitor& who, const form& fields) {
  auto session = session_for(app, who, fields);
  if (!session)
    return session.error();
  user_message message{fields.get("message"), fields.get("model"), fields.get("python")};
  if (fields.files.empty())
    return app.ask<turn_started>(*session, send_atom_v, message);
  // The model learns from the message what was uploaded.
  auto view = app.ask<chat_view>(*session, page_atom_v);
  auto stored = view ? app.store_files(who, view->chat.id, fields.files) : view.error();
  if (!stored)
    return stored.error();
  message.text += "\n\n" + uploads_note(stored->names);
  auto started = app.ask<turn_started>(*session, send_atom_v, message);
  if (started) // the chat exists now
    app.note_usage(who, started->chat.id, *stored);
  return started;
}

reply send(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto refused = check_message(app.settings, fields.get("message"));
  if (!refused)
    refused = check_model(app.settings, fields.get("model"));
  if (!refused)
    refused = check_python(app.settings, fields.get("python"));
  if (refused)
    return app.error_reply(call.request, refused->status, refused->text);
  auto turn = start_turn(app, who, fields);
  return turn ? turn_reply(app, who, *turn) : app.error_reply(call.request, turn.error());
}

reply replace_turn(application& app, const route_call& call, const visitor& who, int64_t turn, user_message message) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  if (auto refused = check_model(app.settings, message.model))
    return app.error_reply(call.request, refused->status, refused->text);
  auto started = app.ask_chat<turn_started>(who.user.id, *id, edit_atom_v, turn, message);
  return started ? turn_reply(app, who, *started) : app.error_reply(call.request, started.error());
}

reply edit(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (auto refused = check_message(app.settings, fields.get("message")))
    return app.error_reply(call.request, refused->status, refused->text);
  auto turn = parse_number(fields.get("turn"));
  if (!turn || *turn < 1)
    return app.error_reply(call.request, 422, "The form does not say which turn to replace.");
  return replace_turn(app, call, who, *turn, {fields.get("message"), fields.get("model"), {}});
}

reply regenerate(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto turn = fields.get("turn").empty() ? std::optional<int64_t>{0} : parse_number(fields.get("turn"));
  if (!turn)
    return app.error_reply(call.request, 422, "The form does not say which turn to replace.");
  return replace_turn(app, call, who, *turn, {{}, fields.get("model"), {}});
}

// Leads to the chat's page, with and without scripts.
reply to_page(const route_call& call, int64_t chat) {
  auto page = "/chat/" + std::to_string(chat);
  if (call.request.header("hx-request").empty()) {
    auto result = empty_reply(303);
    result.headers.emplace_back("Location", page);
    return result;
  }
  auto result = empty_reply(204);
  result.headers.emplace_back("HX-Redirect", page);
  return result;
}

reply switch_branch(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto run = parse_number(fields.get("run"));
  if (!run)
    return app.error_reply(call.request, 422, "The form does not say which version to show.");
  auto done = app.ask_chat<done_atom>(who.user.id, *id, branch_atom_v, *run);
  return done ? to_page(call, *id) : app.error_reply(call.request, done.error());
}

reply fork(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto turn = fields.get("turn").empty() ? std::optional<int64_t>{0} : parse_number(fields.get("turn"));
  if (!turn)
    return app.error_reply(call.request, 422, "The form does not say after which turn to fork.");
  auto forked = app.ask_chat<chat_forked>(who.user.id, *id, fork_atom_v, *turn);
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
reply rerun(application& app, const route_call& call, const visitor& who, const form&) {
  return app.tell_chat(call, who, rerun_atom_v);
}

reply cancel(application& app, const route_call& call, const visitor& who, const form&) {
  return app.tell_chat(call, who, cancel_atom_v);
}

// -1: the client has seen nothing. nullopt: `after` is garbage. Last-Event-ID comes from the browser's memory of an
// earlier stream, so it wins, and what is not a number there is no fault of the page.
std::optional<int64_t> stream_start(const received_request& request) {
  if (auto last = parse_number(request.header("last-event-id")))
    return last;
  auto after = query_value(request, "after");
  return after ? parse_number(*after) : std::optional<int64_t>{-1};
}

reply stream(application& app, const route_call& call, const visitor& who) {
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
      = [gateway = app.services.gateway, chat = *id, after = *after, session = *session,
         login = who.token_hash](int fd) { caf::anon_send(gateway, adopt_atom_v, fd, chat, after, session, login); };
  return result;
}

} // namespace

void add_turn_routes(router& routes, application& app) {
  auto bind = [&app](auto handler) {
    return [&app, handler](const route_call& call, const visitor& who, const form& fields) {
      return handler(app, call, who, fields);
    };
  };
  routes.add("POST", "/chat/send", with_form(app, bind(send)));
  routes.add("POST", "/chat/([0-9]+)/edit", with_form(app, bind(edit)));
  routes.add("POST", "/chat/([0-9]+)/regenerate", with_form(app, bind(regenerate)));
  routes.add("POST", "/chat/([0-9]+)/branch", with_form(app, bind(switch_branch)));
  routes.add("POST", "/chat/([0-9]+)/fork", with_form(app, bind(fork)));
  routes.add("POST", "/chat/([0-9]+)/rerun", with_form(app, bind(rerun)));
  routes.add("POST", "/chat/([0-9]+)/cancel", with_form(app, bind(cancel)));
  routes.add("GET", "/chat/stream/([0-9]+)",
             with_user(app, when_anonymous::forbid,
                       [&app](const route_call& call, const visitor& who) { return stream(app, call, who); }));
}

} // namespace varro
