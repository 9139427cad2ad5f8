#include "http/routes.hpp"

#include "http/api/routes.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace varro {

namespace {

constexpr user_route page(reply (*answer)(application&, const route_call&, const visitor&)) {
  return {answer, when_anonymous::login_page};
}

constexpr user_route admin_page(reply (*answer)(application&, const route_call&, const visitor&)) {
  return {answer, when_anonymous::login_page, true};
}

constexpr change_route admin_change(reply (*answer)(application&, const route_call&, const visitor&, const form&)) {
  return {answer, true};
}

constexpr std::array page_table{
  route{"GET", "/", "The page of a new chat.", page(show_new_chat), route_scope::read},
  route{"GET", "/chat/{chat}", "The page of a chat.", page(show_chat), route_scope::read},
  route{"GET", "/chats", "The list of chats, or of those that contain a text.", user_route{show_chat_list},
        route_scope::read, route_work::costly_search},
  route{"PATCH", "/chat/{chat}", "Gives a chat another title.", change_route{rename_chat}, route_scope::chat},
  route{"DELETE", "/chat/{chat}", "Deletes a chat with its files and variables.", change_route{delete_chat},
        route_scope::chat},

  route{"POST", "/chat/send", "Sends a message to a chat, or begins one with it.", change_route{send_message},
        route_scope::chat},
  route{"GET", "/chat/stream/{chat}", "The events of a chat's run, from where a viewer was.", user_route{stream_events},
        route_scope::read},
  route{"POST", "/chat/{chat}/cancel", "Stops the run.", change_route{cancel_run}, route_scope::chat},
  route{"POST", "/chat/{chat}/edit", "Replaces a turn, and what followed, by another message.", change_route{edit_turn},
        route_scope::chat},
  route{"POST", "/chat/{chat}/regenerate", "Asks a turn's message again.", change_route{regenerate_turn},
        route_scope::chat},
  route{"POST", "/chat/{chat}/branch", "Shows another version of a turn, with its variables and files.",
        change_route{switch_branch}, route_scope::chat},
  route{"POST", "/chat/{chat}/fork", "Makes a new chat of the turns up to one.", change_route{fork_chat},
        route_scope::chat},
  route{"POST", "/chat/{chat}/rerun", "Has the cells so far run again before the next one.", change_route{rerun_cells},
        route_scope::chat},
  route{"POST", "/chat/{chat}/instructions", "Lets the chat go on with today's instructions and tools.",
        change_route{renew_instructions}, route_scope::chat},

  route{"GET", "/chat/{chat}/files", "The files of a chat's workspace.", user_route{list_files}, route_scope::read,
        route_work::costly},
  route{"POST", "/chat/{chat}/files", "Puts files into a chat's workspace.", change_route{upload_files},
        route_scope::chat, route_work::costly},
  route{"GET", "/chat/{chat}/files/{path*}", "A file of a chat.", user_route{download_file}, route_scope::read,
        route_work::costly},
  route{"GET", "/chat/{chat}/charts/{name}", "The document that draws a chart, for a frame of the page.",
        user_route{show_chart}, route_scope::read, route_work::costly},
  route{"GET", "/chat/{chat}/export.{format:ipynb|md|json}", "The chat as a notebook, Markdown or JSON.",
        user_route{export_chat}, route_scope::read, route_work::costly},

  route{"GET", "/login", "The form to log in.", open_route{show_login}, route_scope::open},
  route{"POST", "/login", "Begins a browser session.", open_route{log_in}, route_scope::open},
  route{"GET", "/login/oidc", "Leads to the provider at which people log in.", open_route{begin_oidc_login},
        route_scope::open},
  route{"GET", "/login/oidc/callback", "Where the provider sends browsers back to, which begins a browser session.",
        open_route{finish_oidc_login}, route_scope::open},
  route{"POST", "/logout", "Ends the browser session.", change_route{log_out}, route_scope::browser},
  route{"POST", "/logout/backchannel", "Ends the browser sessions that the provider says are over.",
        open_route{end_oidc_sessions}, route_scope::open},

  route{"GET", "/join", "The form of an open sign-up.", open_route{show_open_join}, route_scope::open},
  route{"POST", "/join", "Makes an account where anybody may, and begins a browser session.", open_route{join_openly},
        route_scope::open},
  route{"GET", "/join/{token}", "The form that a link for an account leads to.", open_route{show_join},
        route_scope::open},
  route{"POST", "/join/{token}", "Makes an account by a link, and begins a browser session.", open_route{join},
        route_scope::open},
  route{"GET", "/reset/{token}", "The form that a link for another password leads to.", open_route{show_reset},
        route_scope::open},
  route{"POST", "/reset/{token}", "Changes a password by a link, and ends the user's browser sessions.",
        open_route{reset_password}, route_scope::open},

  route{"GET", "/account", "One's own account: the password, the browser sessions and the tokens.", page(show_account),
        route_scope::browser},
  route{"POST", "/account/password", "Changes one's own password, and ends the other browser sessions.",
        change_route{change_password}, route_scope::browser},
  route{"POST", "/account/sessions/end", "Ends one of one's own browser sessions.", change_route{end_session},
        route_scope::browser},
  route{"POST", "/account/tokens", "Makes a token for a program, and shows it once.", change_route{make_token},
        route_scope::browser},
  route{"POST", "/account/tokens/revoke", "Revokes one of one's own tokens.", change_route{revoke_token},
        route_scope::browser},
  route{"POST", "/account/sessions/end-others", "Ends all of one's own browser sessions but the present one.",
        change_route{end_other_sessions}, route_scope::browser},

  route{"GET", "/admin", "The people who use the server, for admins.", admin_page(show_people), route_scope::admin},
  route{"POST", "/admin/people/{action:disable|enable|make-admin|make-user|reset-link|end-sessions|revoke-tokens}",
        "Lets an admin change what a user may do.", admin_change(change_person), route_scope::browser},
  route{"GET", "/admin/person", "One person, for admins.", admin_page(show_person), route_scope::admin},
  route{"POST", "/admin/person/erase", "Removes a user with everything that is theirs, for good.",
        admin_change(erase_person), route_scope::browser},
  route{"GET", "/admin/chats", "The chats of one person, for admins who may read them.", admin_page(show_person_chats),
        route_scope::browser},
  route{"GET", "/admin/chat/{chat}", "A chat of somebody else, for admins who may read it.",
        admin_page(read_chat_of_another), route_scope::browser, route_work::costly},
  route{"GET", "/admin/chat/{chat}/files/{name}", "A file of a message of that chat.",
        admin_page(download_file_of_another), route_scope::browser, route_work::costly},
  route{"GET", "/admin/chat/{chat}/charts/{name}", "The document that draws a chart of that chat.",
        admin_page(show_chart_of_another), route_scope::browser, route_work::costly},
  route{"GET", "/admin/usage", "What was used and what it cost, for admins.", admin_page(show_usage_page),
        route_scope::admin, route_work::costly},
  route{"GET", "/admin/usage.csv", "The same for spreadsheets.", admin_page(download_usage), route_scope::admin,
        route_work::costly},
  route{"GET", "/admin/live", "The runs and shells that are on, for admins.", admin_page(show_live),
        route_scope::admin},
  route{"GET", "/admin/errors", "What failed of late, for admins.", admin_page(show_errors), route_scope::admin,
        route_work::costly},
  route{"GET", "/admin/turns", "Where the time of the newest and the slowest turns went, for admins.",
        admin_page(show_turns), route_scope::admin},
  route{"GET", "/admin/turns/{run}", "Where the time of one turn went, for admins.", admin_page(show_turn),
        route_scope::admin},
  route{"POST", "/admin/live/stop", "Lets an admin stop a run or a shell.", admin_change(stop_work),
        route_scope::admin},
  route{"GET", "/admin/invitations", "The links that can be used, for admins.", admin_page(show_invitations),
        route_scope::admin},
  route{"POST", "/admin/invitations", "Makes a link for one further account.", admin_change(make_invitation),
        route_scope::browser},
  route{"POST", "/admin/invitations/revoke", "Takes a link back.", admin_change(revoke_invitation),
        route_scope::browser},
  route{"GET", "/admin/audit", "Who did what, for admins.", admin_page(show_audit_page), route_scope::admin,
        route_work::costly},
  route{"GET", "/admin/configuration", "The configuration that is in force, for admins.",
        admin_page(show_configuration), route_scope::admin},

  route{"GET", "/api", "The page that describes what programs may ask for.", open_route{api::show_api_page},
        route_scope::open},
  route{"GET", "/assets/{name*}", "A script, style sheet or picture of the page.", open_route{show_asset},
        route_scope::open, route_work::light},
  route{"GET", "/favicon.ico", "The icon that browsers ask for unasked.", open_route{show_favicon}, route_scope::open,
        route_work::light},
  route{"GET", "/healthz", "Whether the process answers.", open_route{show_health}, route_scope::open,
        route_work::light},
  route{"GET", "/readyz", "Whether the server can take work.", open_route{show_readiness}, route_scope::open,
        route_work::light},
  route{"GET", "/metrics", "Numbers about the server, for Prometheus.", open_route{show_metrics}, route_scope::open,
        route_work::light},
};

template <size_t... Pages, size_t... Programs>
constexpr auto joined(std::index_sequence<Pages...>, std::index_sequence<Programs...>) {
  return std::array{page_table[Pages]..., api_table[Programs]...};
}
constexpr auto table
  = joined(std::make_index_sequence<page_table.size()>{}, std::make_index_sequence<api_table.size()>{});

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

std::string page_after_login(std::string_view address) {
  const auto* found = find_route("GET", address);
  const auto* page = found == nullptr ? nullptr : std::get_if<user_route>(&found->action);
  return page != nullptr && page->otherwise == when_anonymous::login_page ? std::string{address} : "/";
}

} // namespace varro
