#include "http/routes.hpp"

#include "http/route.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace varro {

namespace {

constexpr user_route page(reply (*answer)(application&, const route_call&, const visitor&)) {
  return {answer, when_anonymous::login_page};
}

constexpr std::array table{
  route{"GET", "/", "The page of a new chat.", page(show_new_chat)},
  route{"GET", "/chat/{chat}", "The page of a chat.", page(show_chat)},
  route{"GET", "/chats", "The list of chats, or of those that contain a text.", user_route{show_chat_list},
        route_work::costly_search},
  route{"PATCH", "/chat/{chat}", "Gives a chat another title.", change_route{rename_chat}},
  route{"DELETE", "/chat/{chat}", "Deletes a chat with its files and variables.", change_route{delete_chat}},

  route{"POST", "/chat/send", "Sends a message to a chat, or begins one with it.", change_route{send_message}},
  route{"GET", "/chat/stream/{chat}", "The events of a chat's run, from where a viewer was.",
        user_route{stream_events}},
  route{"POST", "/chat/{chat}/cancel", "Stops the run.", change_route{cancel_run}},
  route{"POST", "/chat/{chat}/edit", "Replaces a turn, and what followed, by another message.",
        change_route{edit_turn}},
  route{"POST", "/chat/{chat}/regenerate", "Asks a turn's message again.", change_route{regenerate_turn}},
  route{"POST", "/chat/{chat}/branch", "Shows another version of a turn, with its variables and files.",
        change_route{switch_branch}},
  route{"POST", "/chat/{chat}/fork", "Makes a new chat of the turns up to one.", change_route{fork_chat}},
  route{"POST", "/chat/{chat}/rerun", "Has the cells so far run again before the next one.", change_route{rerun_cells}},
  route{"POST", "/chat/{chat}/instructions", "Lets the chat go on with today's instructions and tools.",
        change_route{renew_instructions}},

  route{"GET", "/chat/{chat}/files", "The files of a chat's workspace.", user_route{list_files}, route_work::costly},
  route{"POST", "/chat/{chat}/files", "Puts files into a chat's workspace.", change_route{upload_files},
        route_work::costly},
  route{"GET", "/chat/{chat}/files/{path*}", "A file of a chat.", user_route{download_file}, route_work::costly},
  route{"GET", "/chat/{chat}/charts/{name}", "The document that draws a chart, for a frame of the page.",
        user_route{show_chart}, route_work::costly},
  route{"GET", "/chat/{chat}/export.{format:ipynb|md|json}", "The chat as a notebook, Markdown or JSON.",
        user_route{export_chat}, route_work::costly},

  route{"GET", "/login", "The form to log in.", open_route{show_login}},
  route{"POST", "/login", "Begins a browser session.", open_route{log_in}},
  route{"POST", "/logout", "Ends the browser session.", change_route{log_out}},

  route{"GET", "/assets/{name*}", "A script, style sheet or picture of the page.", open_route{show_asset},
        route_work::light},
  route{"GET", "/favicon.ico", "The icon that browsers ask for unasked.", open_route{show_favicon}, route_work::light},
  route{"GET", "/healthz", "Whether the process answers.", open_route{show_health}, route_work::light},
  route{"GET", "/readyz", "Whether the server can take work.", open_route{show_readiness}, route_work::light},
  route{"GET", "/metrics", "Numbers about the server, for Prometheus.", open_route{show_metrics}, route_work::light},
};

} // namespace

std::span<const route> all_routes() noexcept {
  return table;
}

const route* find_route(std::string_view method, std::string_view path) noexcept {
  auto asked = method == "HEAD" ? "GET" : method;
  auto found = std::find_if(table.begin(), table.end(),
                            [=](const route& row) { return row.method == asked && matches(row.path, path); });
  return found == table.end() ? nullptr : &*found;
}

} // namespace varro
