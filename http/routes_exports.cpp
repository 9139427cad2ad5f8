// A chat as a notebook, Markdown or JSON.
#include "http/application.hpp"
#include "http/exports.hpp"
#include "http/workspace_files.hpp"

namespace varro {

namespace {

reply export_chat(application& app, const route_call& call, const visitor& who) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto contents = app.ask_chat<chat_contents>(who.user.id, *id, history_atom_v);
  if (!contents)
    return app.error_reply(call.request, contents.error());
  const auto& format = call.captures.at(1);
  reply result;
  if (format == "ipynb") {
    result.content_type = "application/x-ipynb+json";
    result.body = export_notebook(*contents);
  } else if (format == "md") {
    result.content_type = "text/markdown; charset=utf-8";
    result.body = export_markdown(*contents);
  } else {
    result.content_type = "application/json";
    result.body = export_json(*contents);
  }
  result.headers.emplace_back("Content-Disposition",
                              content_disposition("attachment", export_file_name(contents->chat, format)));
  return result;
}

} // namespace

void add_export_routes(router& routes, application& app) {
  routes.add("GET", "/chat/([0-9]+)/export\\.(ipynb|md|json)",
             with_user(app, when_anonymous::forbid,
                       [&app](const route_call& call, const visitor& who) { return export_chat(app, call, who); }));
}

} // namespace varro
