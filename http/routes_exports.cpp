// A chat as a notebook, Markdown or JSON.
#include "http/exports.hpp"
#include "http/file_types.hpp"
#include "http/routes.hpp"
#include "workspace/files.hpp"

namespace varro {

reply export_chat(application& app, const route_call& call, const visitor& who) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto contents = app.ask_chat<chat_contents>(who.user.id, *id, history_atom_v);
  if (!contents)
    return app.error_reply(call.request, contents.error());
  app.note_seen(who, *id);
  const auto& format = call.segment("format");
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

} // namespace varro
