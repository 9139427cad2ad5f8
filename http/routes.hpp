// What answers each route of the table (routes.cpp), by file. Any worker; none waits longer than application::ask does.
#pragma once

#include "http/application.hpp"

namespace varro {

// routes_pages.cpp: whole pages and the assets that they load.
reply show_new_chat(application& app, const route_call& call, const visitor& who);
reply show_chat(application& app, const route_call& call, const visitor& who);
reply show_asset(application& app, const route_call& call);
reply show_favicon(application& app, const route_call& call);

// routes_turns.cpp: turns, and the event stream that shows them.
reply send_message(application& app, const route_call& call, const visitor& who, const form& fields);
reply edit_turn(application& app, const route_call& call, const visitor& who, const form& fields);
reply regenerate_turn(application& app, const route_call& call, const visitor& who, const form& fields);
reply switch_branch(application& app, const route_call& call, const visitor& who, const form& fields);
reply fork_chat(application& app, const route_call& call, const visitor& who, const form& fields);
reply renew_instructions(application& app, const route_call& call, const visitor& who, const form& fields);
reply rerun_cells(application& app, const route_call& call, const visitor& who, const form& fields);
reply cancel_run(application& app, const route_call& call, const visitor& who, const form& fields);
reply stream_events(application& app, const route_call& call, const visitor& who);

// routes_chats.cpp: the list of chats.
reply show_chat_list(application& app, const route_call& call, const visitor& who);
reply rename_chat(application& app, const route_call& call, const visitor& who, const form& fields);
reply delete_chat(application& app, const route_call& call, const visitor& who, const form& fields);

// routes_files.cpp: attachments out of a chat's history, everything else out of its workspace.
reply list_files(application& app, const route_call& call, const visitor& who);
reply download_file(application& app, const route_call& call, const visitor& who);
reply upload_files(application& app, const route_call& call, const visitor& who, const form& fields);
reply show_chart(application& app, const route_call& call, const visitor& who);

// routes_exports.cpp: a chat taken away.
reply export_chat(application& app, const route_call& call, const visitor& who);

// routes_login.cpp: browser sessions of --auth accounts.
reply show_login(application& app, const route_call& call);
reply log_in(application& app, const route_call& call);
reply log_out(application& app, const route_call& call, const visitor& who, const form& fields);

// routes_oidc.cpp: logins at a provider, --auth oidc.
reply begin_oidc_login(application& app, const route_call& call);
reply finish_oidc_login(application& app, const route_call& call);
reply end_oidc_sessions(application& app, const route_call& call);

// routes_join.cpp: accounts that people make themselves, and passwords that they choose by a link.
reply show_open_join(application& app, const route_call& call);
reply show_join(application& app, const route_call& call);
reply join_openly(application& app, const route_call& call);
reply join(application& app, const route_call& call);
reply show_reset(application& app, const route_call& call);
reply reset_password(application& app, const route_call& call);

// routes_account.cpp: one's own password and browser sessions.
reply show_account(application& app, const route_call& call, const visitor& who);
reply change_password(application& app, const route_call& call, const visitor& who, const form& fields);
reply end_session(application& app, const route_call& call, const visitor& who, const form& fields);
reply end_other_sessions(application& app, const route_call& call, const visitor& who, const form& fields);

// routes_tokens.cpp: tokens of one's own programs.
reply make_token(application& app, const route_call& call, const visitor& who, const form& fields);
reply revoke_token(application& app, const route_call& call, const visitor& who, const form& fields);

// routes_admin.cpp: what admins do with people and links.
reply show_people(application& app, const route_call& call, const visitor& who);
reply change_person(application& app, const route_call& call, const visitor& who, const form& fields);
reply show_invitations(application& app, const route_call& call, const visitor& who);
reply make_invitation(application& app, const route_call& call, const visitor& who, const form& fields);
reply revoke_invitation(application& app, const route_call& call, const visitor& who, const form& fields);

// routes_admin_person.cpp: what admins see of one person, and do once.
reply show_person(application& app, const route_call& call, const visitor& who);
reply erase_person(application& app, const route_call& call, const visitor& who, const form& fields);

// routes_admin_chats.cpp: chats of others, where the configuration lets admins read them.
reply show_person_chats(application& app, const route_call& call, const visitor& who);
reply read_chat_of_another(application& app, const route_call& call, const visitor& who);
reply download_file_of_another(application& app, const route_call& call, const visitor& who);
reply show_chart_of_another(application& app, const route_call& call, const visitor& who);

// routes_admin_views.cpp: what admins see of the server.
reply show_usage_page(application& app, const route_call& call, const visitor& who);
reply download_usage(application& app, const route_call& call, const visitor& who);
reply show_live(application& app, const route_call& call, const visitor& who);
reply show_errors(application& app, const route_call& call, const visitor& who);
reply stop_work(application& app, const route_call& call, const visitor& who, const form& fields);
reply show_audit_page(application& app, const route_call& call, const visitor& who);
reply show_configuration(application& app, const route_call& call, const visitor& who);

// routes_admin_turns.cpp: where the time of turns went, for admins.
reply show_turns(application& app, const route_call& call, const visitor& who);
reply show_turn(application& app, const route_call& call, const visitor& who);

// routes_status.cpp: for whoever looks after the server.
reply show_health(application& app, const route_call& call);
reply show_readiness(application& app, const route_call& call);
reply show_metrics(application& app, const route_call& call);

} // namespace varro
