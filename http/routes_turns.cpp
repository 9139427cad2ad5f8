// Turns: send, edit, regenerate, cancel, and the event stream that shows them.
#include "http/routes.hpp"
#include "http/turns.hpp"

namespace varro {

namespace {

reply malformed(const application& app, const route_call& call, const caf::error& why) {
  return app.error_reply(call.request, 400, text_of(why));
}

reply turn_reply(application& app, const visitor& who, const turn_started& turn) {
  page_context context{app.viewer_of(who), {}, &app.settings, app.services.catalog->now()};
  if (auto found = app.bare_context_of(who))
    context = std::move(*found);
  chat_page page{turn.chat, {}, turn.seq, true, {}, turn.notice};
  reply result;
  block_renderer renderer{turn.chat.id, {{turn.run_id, turn.alternatives}}, app.services.markdown};
  result.body = send_reply(context, page, renderer.render(turn.row), turn.created).str();
  if (turn.created)
    result.headers.emplace_back("HX-Push-Url", "/chat/" + std::to_string(turn.chat.id));
  return result;
}

// The same, or why there is no turn.
reply turn_reply(application& app, const route_call& call, const visitor& who, const or_refused<turn_started>& turn) {
  if (const auto* refused = std::get_if<refused_request>(&turn))
    return app.error_reply(call.request, refused->status, refused->text);
  return turn_reply(app, who, std::get<turn_started>(turn));
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

} // namespace

reply send_message(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto asked = read_request<send_request>(call.request, fields);
  if (!asked)
    return malformed(app, call, asked.error());
  return turn_reply(app, call, who, begin_turn(app, who, std::move(*asked), fields.files));
}

reply edit_turn(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto asked = read_request<edit_request>(call.request, fields);
  if (!asked)
    return malformed(app, call, asked.error());
  return turn_reply(app, call, who, replace_by_message(app, who, *id, std::move(*asked)));
}

reply regenerate_turn(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto asked = read_request<regenerate_request>(call.request, fields);
  if (!asked)
    return malformed(app, call, asked.error());
  return turn_reply(app, call, who, ask_again(app, who, *id, std::move(*asked)));
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
  auto forked = fork_after(app, who, *id, *asked->turn);
  if (const auto* refused = std::get_if<refused_request>(&forked))
    return app.error_reply(call.request, refused->status, refused->text);
  return to_page(call, std::get<chat_forked>(forked).chat_id);
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
  return event_stream(app, call, who, false);
}

} // namespace varro
