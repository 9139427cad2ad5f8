// Chats: listed, shown, renamed, deleted, searched, and what is in them.
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/chat_pages.hpp"
#include "render/json_presenter.hpp"

#include <algorithm>

namespace varro::api {

namespace {

reply no_chat(const application& app, const route_call& call) {
  return app.error_reply(call.request, 404, "There is no such chat.");
}

// A chat that its first message has yet to create is none.
caf::expected<transcript_view> view_of(const application& app, const route_call& call, const visitor& who) {
  const auto id = captured_id(call);
  if (!id)
    return fail(errc::not_found, "There is no such chat.");
  auto view = app.ask_chat<transcript_view>(who.user.id, *id, page_atom_v);
  if (view && view->history.chat.created_at == 0)
    return fail(errc::not_found, "There is no such chat.");
  return view;
}

json json_of(const run_record& run, const chat_contents& history) {
  json value{{"id", run.id},
             {"turn", run.turn},
             {"status", run.status},
             {"first_seq", run.first_seq},
             {"started_at", run.started_at},
             {"model_requests", run.model_requests},
             {"usage",
              {{"input_tokens", run.usage.input_tokens},
               {"cache_write_tokens", run.usage.cache_write_tokens},
               {"cache_read_tokens", run.usage.cache_read_tokens},
               {"output_tokens", run.usage.output_tokens}}}};
  if (run.ended_at != 0)
    value["ended_at"] = run.ended_at;
  if (!run.error.empty())
    value["error"] = run.error;
  if (auto found = history.alternatives.find(run.id); found != history.alternatives.end())
    value["alternatives"] = found->second;
  return value;
}

json json_of(const found_chat& found) {
  json value{{"chat", varro::json_of(found.chat)}};
  if (found.seq != 0)
    value["seq"] = found.seq;
  value["before"] = found.text.before;
  value["match"] = found.text.match;
  value["after"] = found.text.after;
  return value;
}

} // namespace

reply list_chats(application& app, const route_call& call, const visitor& who) {
  const auto asked = page_of(call.request);
  if (const auto* refused = std::get_if<refused_request>(&asked))
    return refused_reply(app, call, *refused);
  const auto& [limit, after] = std::get<asked_page>(asked);
  const auto place = after.empty() ? std::optional{chat_place{}} : parse_place(after);
  if (!place)
    return app.error_reply(call.request, 422, no_such_place);
  auto page = varro::list_chats(app, who.user.id, *place, static_cast<int>(limit));
  if (!page)
    return app.error_reply(call.request, page.error());
  auto chats = json::array();
  for (const auto& chat : page->chats)
    chats.push_back(varro::json_of(chat));
  json value{{"chats", std::move(chats)}};
  if (!page->older.empty())
    value["next"] = to_cursor(page->older);
  return json_reply(200, value);
}

reply show_chat(application& app, const route_call& call, const visitor& who) {
  auto view = view_of(app, call, who);
  if (!view)
    return app.error_reply(call.request, view.error());
  const auto& history = view->history;
  app.note_seen(who, history.chat.id);
  auto value = varro::json_of(history.chat);
  value["shown_seq"] = view->last_seq;
  value["running"] = view->running;
  if (view->running)
    value["progress"] = view->progress;
  if (!history.runs.empty())
    value["run"] = history.runs.back().id;
  if (!view->notice.empty())
    value["notice"] = view->notice;
  if (history.chat.files_deleted_at != 0)
    value["files_deleted_at"] = history.chat.files_deleted_at;
  value["old_instructions"] = view->old_prefix;
  return with_etag(call.request, json_reply(200, value));
}

reply rename_chat(application& app, const route_call& call, const visitor& who) {
  const auto id = captured_id(call);
  if (!id)
    return no_chat(app, call);
  auto asked = read_json<rename_request>(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&asked))
    return refused_reply(app, call, *refused);
  auto refused = give_title(app, who, *id, std::get<rename_request>(asked).title);
  return refused ? refused_reply(app, call, *refused) : empty_reply(204);
}

reply delete_chat(application& app, const route_call& call, const visitor& who) {
  const auto id = captured_id(call);
  if (!id)
    return no_chat(app, call);
  auto failed = remove_chat(app, call.request, who, *id);
  return failed ? app.error_reply(call.request, failed) : empty_reply(204);
}

reply list_messages(application& app, const route_call& call, const visitor& who) {
  const auto asked = page_of(call.request);
  if (const auto* refused = std::get_if<refused_request>(&asked))
    return refused_reply(app, call, *refused);
  const auto& [limit, after] = std::get<asked_page>(asked);
  auto view = view_of(app, call, who);
  if (!view)
    return app.error_reply(call.request, view.error());
  app.note_seen(who, view->history.chat.id);
  const auto page = json_page_of(view->history, after, static_cast<size_t>(limit));
  if (!page) // the turn was replaced meanwhile
    return app.error_reply(call.request, 422, no_such_place);
  // Each is JSON already.
  std::string text = "{\"parts\":[";
  for (size_t i = 0; i < page->parts.size(); ++i)
    text += (i == 0 ? "" : ",") + page->parts[i].data;
  text += "]";
  if (page->more)
    text += ",\"next\":" + dump_json(to_cursor(page->parts.back().id));
  text += "}";
  auto result = json_reply(200, nullptr);
  result.body = std::move(text);
  return result;
}

reply list_runs(application& app, const route_call& call, const visitor& who) {
  auto view = view_of(app, call, who);
  if (!view)
    return app.error_reply(call.request, view.error());
  auto runs = json::array();
  for (const auto& run : view->history.runs)
    runs.push_back(json_of(run, view->history));
  return json_reply(200, {{"runs", std::move(runs)}});
}

reply show_run(application& app, const route_call& call, const visitor& who) {
  auto view = view_of(app, call, who);
  if (!view)
    return app.error_reply(call.request, view.error());
  const auto id = parse_number(call.segment("run"));
  const auto& runs = view->history.runs;
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const run_record& run) { return run.id == id; });
  if (found == runs.end())
    return app.error_reply(call.request, 404, "The active branch of this chat has no such run.");
  return json_reply(200, json_of(*found, view->history));
}

reply search_chats(application& app, const route_call& call, const visitor& who) {
  const auto query = query_value(call.request, "q").value_or("");
  if (!is_utf8(query))
    return app.error_reply(call.request, 400, "The search text is not valid UTF-8.");
  const auto wanted = trim(query);
  if (wanted.empty())
    return app.error_reply(call.request, 422, "?q= is the text to look for.");
  auto found = find_chats(app, who, wanted);
  if (const auto* refused = std::get_if<refused_request>(&found))
    return refused_reply(app, call, *refused);
  const auto& result = *std::get<search_found>(found);
  auto chats = json::array();
  for (const auto& each : result.chats)
    chats.push_back(json_of(each));
  return json_reply(200, {{"found", std::move(chats)}, {"complete", result.complete}});
}

} // namespace varro::api
