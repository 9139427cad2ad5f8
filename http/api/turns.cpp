// Turns that programs send, change and stop, and the events that tell what comes of them.
#include "http/api/handlers.hpp"
#include "http/api/once.hpp"

namespace varro::api {

namespace {

// A body of a turn: an object, or a form with files.
struct turn_body {
  json fields = json::object();
  form files;
};

std::variant<turn_body, refused_request> read_turn_body(const application& app, const received_request& request) {
  if (media_type_of_body(request) != "multipart/form-data") {
    auto object = json_body(app, request);
    if (auto* refused = std::get_if<refused_request>(&object))
      return std::move(*refused);
    return turn_body{std::move(std::get<json>(object)), {}};
  }
  auto fields = parse_form(request);
  if (!fields)
    return refused_request{400, text_of(fields.error())};
  return turn_body{json::object(), std::move(*fields)};
}

caf::expected<send_request> send_request_of(const received_request& request, const turn_body& body) {
  return media_type_of_body(request) == "multipart/form-data" ? send_request::from_form(body.files)
                                                              : send_request::from_json(body.fields);
}

carried_out outcome_of(or_refused<turn_started> turn) {
  if (auto* refused = std::get_if<refused_request>(&turn))
    return std::move(*refused);
  const auto& started = std::get<turn_started>(turn);
  return idempotent_outcome{{}, 0, started.chat.id, started.run_id, started.turn, started.seq};
}

std::string chat_address(int64_t chat) {
  return "/api/v1/chats/" + std::to_string(chat);
}

// Made of the outcome alone, so that it is the same when it is told again.
reply turn_answer(const idempotent_outcome& turn, int status) {
  const auto address = chat_address(turn.chat_id);
  auto result = json_reply(status,
                           {{"chat", turn.chat_id},
                            {"run", turn.run_id},
                            {"turn", turn.turn},
                            {"seq", turn.seq},
                            {"events", address + "/events?after=" + std::to_string(turn.seq)}});
  result.headers.emplace_back("Location", address);
  return result;
}

reply send(application& app, const route_call& call, const visitor& who, std::optional<int64_t> chat) {
  auto read = read_turn_body(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&read))
    return refused_reply(app, call, *refused);
  const auto& body = std::get<turn_body>(read);
  auto asked = send_request_of(call.request, body);
  if (!asked)
    return app.error_reply(call.request, 422, text_of(asked.error()));
  asked->chat = chat;
  auto begin = [&](std::optional<idempotency_note> note) {
    return outcome_of(begin_turn(app, who, *asked, body.files.files, std::move(note)));
  };
  auto tell = [](const idempotent_outcome& turn) { return turn_answer(turn, 201); };
  return with_limits(app, who, once(app, call, who, body.fields, body.files, begin, tell));
}

// The turn that the path names; 0: the newest.
std::optional<int64_t> captured_turn(const route_call& call) {
  return parse_number(call.segment("turn"));
}

reply no_chat(const application& app, const route_call& call) {
  return app.error_reply(call.request, 404, "There is no such chat.");
}

// Begins another run in place of the turn that the path names, in the way that `begin` does it for the page, too.
template <class Request, class Begin>
reply change_turn(application& app, const route_call& call, const visitor& who, Begin begin) {
  const auto chat = captured_id(call), turn = captured_turn(call);
  if (!chat || !turn)
    return app.error_reply(call.request, 404, "There is no such chat or turn.");
  auto body = json_body(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&body))
    return refused_reply(app, call, *refused);
  const auto& fields = std::get<json>(body);
  auto asked = Request::from_json(fields);
  if (!asked)
    return app.error_reply(call.request, 422, text_of(asked.error()));
  asked->turn = turn;
  auto begin_once
    = [&](std::optional<idempotency_note> note) { return outcome_of(begin(app, who, *chat, *asked, std::move(note))); };
  auto tell = [](const idempotent_outcome& done) { return turn_answer(done, 201); };
  return with_limits(app, who, once(app, call, who, fields, {}, begin_once, tell));
}

} // namespace

reply send_message(application& app, const route_call& call, const visitor& who) {
  auto chat = captured_id(call);
  return chat ? send(app, call, who, chat) : no_chat(app, call);
}

reply edit_turn(application& app, const route_call& call, const visitor& who) {
  return change_turn<edit_request>(app, call, who, replace_by_message);
}

reply regenerate_turn(application& app, const route_call& call, const visitor& who) {
  return change_turn<regenerate_request>(app, call, who, ask_again);
}

reply fork_chat(application& app, const route_call& call, const visitor& who) {
  const auto chat = captured_id(call);
  if (!chat)
    return no_chat(app, call);
  auto body = json_body(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&body))
    return refused_reply(app, call, *refused);
  const auto& fields = std::get<json>(body);
  auto asked = fork_request::from_json(fields);
  if (!asked)
    return app.error_reply(call.request, 422, text_of(asked.error()));
  auto make = [&](std::optional<idempotency_note> note) -> carried_out {
    auto forked = fork_after(app, who, *chat, asked->turn.value_or(0), std::move(note));
    if (auto* refused = std::get_if<refused_request>(&forked))
      return std::move(*refused);
    return idempotent_outcome{{}, 0, std::get<chat_forked>(forked).chat_id, 0, 0, 0};
  };
  auto tell = [](const idempotent_outcome& done) {
    auto result = json_reply(201, {{"chat", done.chat_id}});
    result.headers.emplace_back("Location", chat_address(done.chat_id));
    return result;
  };
  return with_limits(app, who, once(app, call, who, fields, {}, make, tell));
}

reply create_chat(application& app, const route_call& call, const visitor& who) {
  return send(app, call, who, std::nullopt);
}

reply switch_branch(application& app, const route_call& call, const visitor& who) {
  auto asked = read_json<branch_request>(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&asked))
    return refused_reply(app, call, *refused);
  const auto run = std::get<branch_request>(asked).run;
  if (!run)
    return app.error_reply(call.request, 422, "The field \"run\" is missing.");
  return app.tell_chat(call, who, branch_atom_v, *run);
}

reply cancel_run(application& app, const route_call& call, const visitor& who) {
  return app.tell_chat(call, who, cancel_atom_v);
}

reply rerun_cells(application& app, const route_call& call, const visitor& who) {
  return app.tell_chat(call, who, rerun_atom_v);
}

reply renew_instructions(application& app, const route_call& call, const visitor& who) {
  return app.tell_chat(call, who, renew_atom_v);
}

reply stream_events(application& app, const route_call& call, const visitor& who) {
  return event_stream(app, call, who, true);
}

} // namespace varro::api
