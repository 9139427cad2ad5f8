// What answers each route of /api and /v1 (routes.hpp), by file. Any worker.
#pragma once

#include "http/application.hpp"

namespace varro::api {

// chats.cpp
reply list_chats(application& app, const route_call& call, const visitor& who);
reply create_chat(application& app, const route_call& call, const visitor& who);
reply show_chat(application& app, const route_call& call, const visitor& who);
reply rename_chat(application& app, const route_call& call, const visitor& who);
reply delete_chat(application& app, const route_call& call, const visitor& who);
reply list_messages(application& app, const route_call& call, const visitor& who);
reply list_runs(application& app, const route_call& call, const visitor& who);
reply show_run(application& app, const route_call& call, const visitor& who);
reply search_chats(application& app, const route_call& call, const visitor& who);

// turns.cpp
reply send_message(application& app, const route_call& call, const visitor& who);
reply edit_turn(application& app, const route_call& call, const visitor& who);
reply regenerate_turn(application& app, const route_call& call, const visitor& who);
reply fork_chat(application& app, const route_call& call, const visitor& who);
reply switch_branch(application& app, const route_call& call, const visitor& who);
reply cancel_run(application& app, const route_call& call, const visitor& who);
reply rerun_cells(application& app, const route_call& call, const visitor& who);
reply renew_instructions(application& app, const route_call& call, const visitor& who);
reply stream_events(application& app, const route_call& call, const visitor& who);

// files.cpp
reply list_files(application& app, const route_call& call, const visitor& who);
reply upload_files(application& app, const route_call& call, const visitor& who);

// account.cpp
reply show_me(application& app, const route_call& call, const visitor& who);
reply list_models(application& app, const route_call& call, const visitor& who);
reply show_usage(application& app, const route_call& call, const visitor& who);
reply list_tokens(application& app, const route_call& call, const visitor& who);
reply make_token(application& app, const route_call& call, const visitor& who);
reply revoke_token(application& app, const route_call& call, const visitor& who);

// people.cpp
reply list_people(application& app, const route_call& call, const visitor& who);
reply show_person(application& app, const route_call& call, const visitor& who);
reply change_person(application& app, const route_call& call, const visitor& who);
reply make_admin(application& app, const route_call& call, const visitor& who);
reply erase_person(application& app, const route_call& call, const visitor& who);
reply make_reset(application& app, const route_call& call, const visitor& who);
reply list_links(application& app, const route_call& call, const visitor& who);
reply make_invitation(application& app, const route_call& call, const visitor& who);
reply drop_link(application& app, const route_call& call, const visitor& who);
reply list_limits(application& app, const route_call& call, const visitor& who);
reply change_limit(application& app, const route_call& call, const visitor& who);

// admin.cpp
reply show_live(application& app, const route_call& call, const visitor& who);
reply stop_work(application& app, const route_call& call, const visitor& who);
reply list_failures(application& app, const route_call& call, const visitor& who);
reply sum_usage(application& app, const route_call& call, const visitor& who);
reply list_audit(application& app, const route_call& call, const visitor& who);

// responses.cpp: below /v1
reply create_response(application& app, const route_call& call, const visitor& who);
reply show_response(application& app, const route_call& call, const visitor& who);
reply cancel_response(application& app, const route_call& call, const visitor& who);
reply delete_response(application& app, const route_call& call, const visitor& who);
reply list_input_items(application& app, const route_call& call, const visitor& who);
reply list_response_models(application& app, const route_call& call, const visitor& who);

// openapi.cpp
reply show_openapi(application& app, const route_call& call);
reply show_api_page(application& app, const route_call& call);

} // namespace varro::api
