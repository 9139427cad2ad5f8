// Open Responses: a run of a chat as a response (render/response_presenter.hpp). What a response is, is the run's rows;
// nothing is kept beside them.
//
// previous_response_id goes on in the chat of that response where it is the newest turn there. Where it is not, the
// chat is forked after it, with its variables and files, so that both go on and every response stays what it was.
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/api/once.hpp"
#include "http/api/problem.hpp"
#include "http/api/response_request.hpp"
#include "http/chat_pages.hpp"
#include "http/chat_presenter.hpp"
#include "http/event_frame.hpp"
#include "render/response_presenter.hpp"

#include <algorithm>

namespace varro::api {

namespace {

reply refuse(const response_refusal& refused) {
  reply result;
  result.status = refused.status;
  result.content_type = response_error_type;
  result.body = response_error_text(refused.status, refused.text, refused.param, refused.code);
  return result;
}

reply no_response(const application& app, const route_call& call) {
  return app.error_reply(call.request, 404, "There is no such response.");
}

const run_record* find_run(const chat_contents& history, int64_t id) {
  const auto& runs = history.runs;
  const auto found = std::find_if(runs.begin(), runs.end(), [=](const run_record& run) { return run.id == id; });
  return found == runs.end() ? nullptr : &*found;
}

// The id of the model that answered. An earlier turn may have been another's than the chat's: then it is what that
// one's provider calls it.
std::string model_of(const chat_contents& history, const run_record& run) {
  const auto& now = history.chat.model;
  if (run.id != history.runs.back().id)
    for (const auto& row : history.messages)
      if (const auto* answer = row.content.as<model_response>(); answer != nullptr && row.run_id == run.id) {
        const auto name = answer->model_name.value_or("");
        return name.empty() || now.ends_with(":" + name) ? now : name;
      }
  return now;
}

response_view view_of(const application& app, const chat_contents& history, const run_record& run) {
  response_view view;
  view.chat = history.chat.id;
  view.run = run.id;
  view.parent = run.parent;
  view.created_at = run.started_at;
  view.model = model_of(history, run);
  view.effort = history.chat.effort;
  for (const auto& row : history.messages)
    if (row.seq == run.first_seq)
      view.metadata = response_metadata_in(row);
  view.address = app.address;
  while (view.address.ends_with('/'))
    view.address.pop_back();
  return view;
}

// A run that is on is followed by the gateway, so that no worker waits for it.
reply follow(const application& app, const visitor& who, const response_view& view, int64_t after,
             const chat_session_actor& session, const std::string& request, std::string fields) {
  auto result = empty_reply(200);
  result.content_type = view.whole ? "application/json" : "text/event-stream";
  result.adopt = [gateway = caf::actor_cast<response_viewers_actor>(app.services.gateway), view, after,
                  viewed = viewed_chat_actor{session}, login = who.token_hash, request, fields = std::move(fields)](
                   int fd) { caf::anon_send(gateway, adopt_atom_v, view, fd, after, viewed, login, request, fields); };
  return result;
}

enum class told {
  as_it_is, // also a run that is on
  whole,    // when it is over
  streamed,
};

// `fields`: of the head of an answer that comes from the gateway.
reply tell_response(application& app, const route_call& call, const visitor& who, const response_place& place, told how,
                    int64_t starting_after = -1, std::string fields = {}) {
  auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, place.chat);
  auto shown = app.ask_session<transcript_view>(session, who.user.id, place.chat, page_atom_v);
  if (!shown && code_of(shown.error()) != errc::not_found)
    return app.error_reply(call.request, shown.error());
  const auto* run = shown ? find_run(shown->history, place.run) : nullptr;
  if (run == nullptr)
    return no_response(app, call);
  app.note_seen(who, place.chat);
  auto view = view_of(app, shown->history, *run);
  view.starting_after = starting_after;
  view.whole = how == told::whole;
  const bool is_on = run->status == run_status::running;
  if (is_on && how != told::as_it_is && call.request.method != "HEAD")
    return follow(app, who, view, run->first_seq - 1, *session, call.request.id, std::move(fields));
  if (how != told::streamed)
    return json_reply(200, response_of(shown->history, view));
  reply result;
  result.content_type = "text/event-stream";
  for (const auto& event : events_of_response(shown->history, view))
    result.body += frame_event({0, event.event, event.data});
  return result;
}

// The chat in which the turn goes on after this response, and whether that was made for it.
struct next_chat {
  int64_t id = 0;
  bool is_new = false;
};
or_refused<next_chat> chat_after(application& app, const visitor& who, const response_place& place) {
  auto shown = app.ask_chat<transcript_view>(who.user.id, place.chat, page_atom_v);
  if (!shown && code_of(shown.error()) != errc::not_found)
    return application::refused_by(shown.error());
  const auto* run = shown ? find_run(shown->history, place.run) : nullptr;
  if (run == nullptr)
    return refused_request{400, "There is no response with this previous_response_id."};
  if (run == &shown->history.runs.back())
    return next_chat{place.chat, false};
  auto forked = fork_after(app, who, place.chat, run->turn);
  if (auto* refused = std::get_if<refused_request>(&forked))
    return std::move(*refused);
  return next_chat{std::get<chat_forked>(forked).chat_id, true};
}

carried_out begin(application& app, const route_call& call, const visitor& who, const response_request& asked,
                  std::optional<idempotency_note> note) {
  send_request turn;
  turn.message = asked.message;
  turn.model = asked.model;
  turn.effort = asked.effort;
  if (!asked.metadata.empty())
    turn.metadata = response_metadata_of(asked.metadata);
  next_chat next;
  if (asked.previous) {
    auto found = chat_after(app, who, *asked.previous);
    if (auto* refused = std::get_if<refused_request>(&found))
      return std::move(*refused);
    next = std::get<next_chat>(found);
    turn.chat = next.id;
  }
  auto started = begin_turn(app, who, std::move(turn), asked.uploads(), std::move(note));
  if (auto* refused = std::get_if<refused_request>(&started)) {
    if (next.is_new) // nobody knows of it, and nothing came of it
      std::ignore = remove_chat(app, call.request, who, next.id);
    return std::move(*refused);
  }
  const auto& begun = std::get<turn_started>(started);
  return idempotent_outcome{{}, 0, begun.chat.id, begun.run_id, begun.turn, begun.seq};
}

// The response that the path names, in its chat; else why not.
struct found_response {
  response_place place;
  chat_contents history;
};
std::variant<found_response, reply> find_response(application& app, const route_call& call, const visitor& who) {
  const auto place = parse_response_id(call.segment("response"));
  if (!place)
    return no_response(app, call);
  auto shown = app.ask_chat<transcript_view>(who.user.id, place->chat, page_atom_v);
  if (!shown && code_of(shown.error()) != errc::not_found)
    return app.error_reply(call.request, shown.error());
  if (!shown || find_run(shown->history, place->run) == nullptr)
    return no_response(app, call);
  return found_response{*place, std::move(shown->history)};
}

// RateLimit and its policy, as lines of a head.
std::string limits_in_lines(const application& app, const visitor& who) {
  std::string lines;
  for (const auto& [name, value] : with_limits(app, who, empty_reply(200)).headers)
    lines += name + ": " + value + "\r\n";
  return lines;
}

} // namespace

reply create_response(application& app, const route_call& call, const visitor& who) {
  auto body = json_body(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&body))
    return with_limits(app, who, refused_reply(app, call, *refused));
  const auto& fields = std::get<json>(body);
  auto read = read_response_request(fields);
  if (const auto* refused = std::get_if<response_refusal>(&read))
    return with_limits(app, who, refuse(*refused));
  const auto& asked = std::get<response_request>(read);
  auto carry_out = [&](std::optional<idempotency_note> note) { return begin(app, call, who, asked, std::move(note)); };
  auto tell = [&](const idempotent_outcome& turn) {
    return tell_response(app, call, who, {turn.chat_id, turn.run_id}, asked.stream ? told::streamed : told::whole, -1,
                         limits_in_lines(app, who));
  };
  auto result = once(app, call, who, fields, {}, carry_out, tell);
  return result.adopt ? std::move(result) : with_limits(app, who, std::move(result));
}

reply show_response(application& app, const route_call& call, const visitor& who) {
  const auto place = parse_response_id(call.segment("response"));
  if (!place)
    return no_response(app, call);
  const auto stream = query_value(call.request, "stream").value_or("false");
  const auto after = query_value(call.request, "starting_after");
  if (stream != "true" && stream != "false")
    return refuse({400, "?stream= is true or false.", "stream", "invalid_value"});
  const auto number = after ? parse_number(*after) : std::nullopt;
  if (after && (!number || stream == "false"))
    return refuse({400, "?starting_after= is the number of an event of a stream.", "starting_after", "invalid_value"});
  return tell_response(app, call, who, *place, stream == "true" ? told::streamed : told::as_it_is, number.value_or(-1));
}

reply cancel_response(application& app, const route_call& call, const visitor& who) {
  auto found = find_response(app, call, who);
  if (auto* refused = std::get_if<reply>(&found))
    return std::move(*refused);
  const auto& [place, history] = std::get<found_response>(found);
  if (find_run(history, place.run)->status == run_status::running) {
    auto done = app.ask_chat<done_atom>(who.user.id, place.chat, cancel_atom_v);
    if (!done && code_of(done.error()) != errc::no_run) // it has ended meanwhile
      return app.error_reply(call.request, done.error());
  }
  return tell_response(app, call, who, place, told::whole);
}

// Whose chat is more than the response keeps it: what goes with the chat belongs to all that it has answered.
reply delete_response(application& app, const route_call& call, const visitor& who) {
  auto found = find_response(app, call, who);
  if (auto* refused = std::get_if<reply>(&found))
    return std::move(*refused);
  const auto& [place, history] = std::get<found_response>(found);
  if (history.runs.size() > 1 || !history.alternatives.empty())
    return app.error_reply(call.request, 409,
                           "The chat of this response has other ones. Delete the chat with all of them: DELETE "
                           "/api/v1/chats/"
                             + std::to_string(place.chat));
  if (auto failed = remove_chat(app, call.request, who, place.chat))
    return app.error_reply(call.request, failed);
  return json_reply(200, {{"id", response_id(place.chat, place.run)}, {"object", "response"}, {"deleted", true}});
}

reply list_input_items(application& app, const route_call& call, const visitor& who) {
  auto found = find_response(app, call, who);
  if (auto* refused = std::get_if<reply>(&found))
    return std::move(*refused);
  const auto& [place, history] = std::get<found_response>(found);
  const auto* run = find_run(history, place.run);
  auto items = json::array();
  for (const auto& row : history.messages)
    if (row.seq == run->first_seq)
      items = input_items_of(view_of(app, history, *run), row);
  json value{{"object", "list"}, {"data", items}, {"has_more", false}, {"first_id", nullptr}, {"last_id", nullptr}};
  if (!items.empty()) {
    value["first_id"] = items.front()["id"];
    value["last_id"] = items.back()["id"];
  }
  return json_reply(200, value);
}

reply list_response_models(application& app, const route_call& call, const visitor& who) {
  auto models = offered_models(app, who, [](const model_config& model, const model_choices&) {
    return json{{"id", model.id}, {"object", "model"}, {"created", 0}, {"owned_by", model.provider}};
  });
  if (!models)
    return app.error_reply(call.request, models.error());
  return json_reply(200, {{"object", "list"}, {"data", std::move(*models)}});
}

} // namespace varro::api
