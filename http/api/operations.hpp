// What describes each route for programs (operation.hpp), by the name of its handler.
#pragma once

#include "http/api/operation.hpp"

namespace varro::operations {

// --- parameters ------------------------------------------------------------------------------------------------------

inline constexpr api_parameter page_size{"limit", api_parameter::place::query,
                                         R"({"type": "integer", "minimum": 1, "maximum": 200, "default": 50})",
                                         "How many entries a page has at most."};
inline constexpr api_parameter cursor{"cursor", api_parameter::place::query, R"({"type": "string"})",
                                      "Where the page begins: `next` of the page before."};
inline constexpr api_parameter if_none_match{"If-None-Match", api_parameter::place::header, R"({"type": "string"})",
                                             "The ETag of what the client has."};
inline constexpr api_parameter search_text{"q", api_parameter::place::query,
                                           R"({"type": "string", "minLength": 1, "maxLength": 1024})",
                                           "The text to look for, in any case."};
inline constexpr api_parameter after{
  "after", api_parameter::place::query, R"({"type": "integer", "minimum": 0})",
  "The id of the last event that the viewer has seen; none: from the newest turn on."};
inline constexpr api_parameter last_event_id{"Last-Event-ID", api_parameter::place::header, R"({"type": "integer"})",
                                             "The same; comes before ?after=."};
inline constexpr api_parameter file_name{"name", api_parameter::place::query, R"({"type": "string"})",
                                         "The name of the file that the body is; not with a form."};
inline constexpr api_parameter of_workspace{
  "workspace", api_parameter::place::query, R"({"type": "string"})",
  "Without a value: the file of the workspace, also where an attachment has this name. The list's addresses say it."};
inline constexpr api_parameter name_part{"q", api_parameter::place::query, R"({"type": "string", "maxLength": 100})",
                                         "A part of the name."};
inline constexpr api_parameter sums_by{"by", api_parameter::place::query,
                                       R"({"type": "string", "enum": ["day", "user", "model"], "default": "day"})",
                                       "What each sum is of."};
inline constexpr api_parameter since{"since", api_parameter::place::query, R"({"type": "string", "format": "date"})",
                                     "The first day."};
inline constexpr api_parameter until{"until", api_parameter::place::query, R"({"type": "string", "format": "date"})",
                                     "The last day."};
inline constexpr api_parameter about_user{"user", api_parameter::place::query, R"({"type": "string"})",
                                          "Who did it, or whom it is about."};
inline constexpr api_parameter action{"action", api_parameter::place::query, R"({"type": "string"})",
                                      "What was done: \"login\" is \"login.refused\", too."};

// --- operations ------------------------------------------------------------------------------------------------------

inline constexpr api_operation show_me{
  "showMe", "account", {{api_answer{200, "The user.", {"Me", "application/json"}}}}, api_body::none, "", {}, {}, false};

inline constexpr api_operation list_models{
  "listModels",
  "account",
  {{api_answer{200, "The models, the default one marked.", {"Models", "application/json"}},
    api_answer{304, "It is what If-None-Match has.", {}}}},
  api_body::none,
  "",
  {{if_none_match}},
  {},
  false};

inline constexpr api_operation show_usage{"showUsage",
                                          "account",
                                          {{api_answer{200, "The limits that hold.", {"Usage", "application/json"}}}},
                                          api_body::none,
                                          "",
                                          {},
                                          {},
                                          false};

inline constexpr api_operation list_chats{
  "listChats",    "chats", {{api_answer{200, "A page of the list.", {"Chats", "application/json"}}}},
  api_body::none, "",      {{page_size, cursor}},
  {{422}},        false};

inline constexpr api_operation create_chat{
  "createChat",
  "chats",
  {{api_answer{201, "The chat, and the run that answers.", {"TurnStarted", "application/json"}}}},
  api_body::turn,
  "NewChat",
  {},
  {{404, 409}},
  true};

inline constexpr api_operation show_chat{"showChat",
                                         "chats",
                                         {{api_answer{200, "The chat.", {"ChatState", "application/json"}},
                                           api_answer{304, "It is what If-None-Match has.", {}}}},
                                         api_body::none,
                                         "",
                                         {{if_none_match}},
                                         {},
                                         false};

inline constexpr api_operation rename_chat{
  "renameChat", "chats", {{api_answer{204, "It has it.", {"", ""}}}}, api_body::json, "Title", {}, {}, false};

inline constexpr api_operation delete_chat{
  "deleteChat", "chats", {{api_answer{204, "It is gone.", {"", ""}}}}, api_body::none, "", {}, {{409}}, false};

inline constexpr api_operation search_chats{
  "searchChats",  "chats", {{api_answer{200, "What was found, newest first.", {"FoundChats", "application/json"}}}},
  api_body::none, "",      {{search_text}},
  {{422}},        false};

inline constexpr api_operation list_messages{
  "listMessages", "chats", {{api_answer{200, "A page of parts, the oldest first.", {"Parts", "application/json"}}}},
  api_body::none, "",      {{page_size, cursor}},
  {{422}},        false};

inline constexpr api_operation stream_events{
  "streamEvents",
  "turns",
  {{api_answer{200, "Events progress, content and done; the data of each is an object.", {"", "text/event-stream"}}}},
  api_body::none,
  "",
  {{after, last_event_id}},
  {},
  false};

inline constexpr api_operation send_message{
  "sendMessage",  "turns",   {{api_answer{201, "The run that answers.", {"TurnStarted", "application/json"}}}},
  api_body::turn, "NewTurn", {},
  {{409}},        true};

inline constexpr api_operation edit_turn{
  "editTurn",     "turns",      {{api_answer{201, "The run that answers.", {"TurnStarted", "application/json"}}}},
  api_body::json, "EditedTurn", {},
  {{409}},        true};

inline constexpr api_operation regenerate_turn{
  "regenerateTurn", "turns",     {{api_answer{201, "The run that answers.", {"TurnStarted", "application/json"}}}},
  api_body::json,   "TurnAgain", {},
  {{409}},          true};

inline constexpr api_operation cancel_run{
  "cancelRun", "turns", {{api_answer{204, "It is being stopped.", {"", ""}}}}, api_body::none, "", {}, {{409}}, false};

inline constexpr api_operation list_runs{"listRuns",
                                         "turns",
                                         {{api_answer{200, "The runs, oldest first.", {"Runs", "application/json"}}}},
                                         api_body::none,
                                         "",
                                         {},
                                         {},
                                         false};

inline constexpr api_operation show_run{
  "showRun", "turns", {{api_answer{200, "The run.", {"Run", "application/json"}}}}, api_body::none, "", {}, {}, false};

inline constexpr api_operation switch_branch{
  "switchBranch", "turns", {{api_answer{204, "It is the active branch.", {"", ""}}}}, api_body::json, "Branch", {},
  {{409}},        false};

inline constexpr api_operation fork_chat{
  "forkChat",     "turns", {{api_answer{201, "The new chat.", {"ChatForked", "application/json"}}}},
  api_body::json, "Fork",  {},
  {{409}},        true};

inline constexpr api_operation rerun_cells{
  "rerunCells", "turns", {{api_answer{204, "The next cell gets a fresh shell.", {"", ""}}}}, api_body::none, "", {},
  {{409}},      false};

inline constexpr api_operation renew_instructions{
  "renewInstructions", "turns", {{api_answer{204, "It does.", {"", ""}}}}, api_body::none, "", {}, {{409}}, false};

inline constexpr api_operation list_files{
  "listFiles",    "files", {{api_answer{200, "A page of files, by name.", {"Files", "application/json"}}}},
  api_body::none, "",      {{page_size, cursor}},
  {{422}},        false};

inline constexpr api_operation upload_files{
  "uploadFiles",
  "files",
  {{api_answer{201, "The names that they got.", {"FilesStored", "application/json"}}}},
  api_body::files,
  "",
  {{file_name}},
  {},
  false};

inline constexpr api_operation download_file{
  "downloadFile", "files", {{api_answer{200, "Its bytes.", {"", "*/*"}}}}, api_body::none, "", {{of_workspace}}, {},
  false};

inline constexpr api_operation export_chat{
  "exportChat", "files", {{api_answer{200, "The document.", {"", "*/*"}}}}, api_body::none, "", {}, {}, false};

inline constexpr api_operation list_tokens{
  "listTokens",   "account", {{api_answer{200, "Those that can be used.", {"Tokens", "application/json"}}}},
  api_body::none, "",        {},
  {{404}},        false};

inline constexpr api_operation make_token{
  "makeToken",    "account",  {{api_answer{201, "The token.", {"TokenMade", "application/json"}}}},
  api_body::json, "NewToken", {},
  {{404}},        false};

inline constexpr api_operation revoke_token{
  "revokeToken", "account", {{api_answer{204, "It cannot be used any more.", {"", ""}}}}, api_body::none, "", {}, {},
  false};

inline constexpr api_operation list_people{
  "listPeople",   "admin", {{api_answer{200, "A page of people, by name.", {"People", "application/json"}}}},
  api_body::none, "",      {{name_part, page_size, cursor}},
  {{404, 422}},   false};

inline constexpr api_operation show_person{
  "showPerson",   "admin", {{api_answer{200, "The person, with their limits.", {"PersonShown", "application/json"}}}},
  api_body::none, "",      {},
  {{422}},        false};

inline constexpr api_operation change_person{
  "changePerson", "admin", {{api_answer{204, "It is so from now on.", {"", ""}}}}, api_body::none, "", {},
  {{422}},        false};

inline constexpr api_operation make_admin{
  "makeAdmin", "admin", {{api_answer{204, "The user is an admin.", {"", ""}}}}, api_body::none, "", {}, {{422}}, false};

inline constexpr api_operation erase_person{
  "erasePerson", "admin", {{api_answer{202, "They are being erased.", {"", ""}}}}, api_body::none, "", {},
  {{422}},       false};

inline constexpr api_operation make_reset{
  "makeResetLink", "admin", {{api_answer{201, "The link.", {"LinkMade", "application/json"}}}}, api_body::none, "", {},
  {{422}},         false};

inline constexpr api_operation list_links{
  "listLinks",    "admin", {{api_answer{200, "Those that can be used.", {"Links", "application/json"}}}},
  api_body::none, "",      {},
  {{404}},        false};

inline constexpr api_operation make_invitation{"makeInvitation",
                                               "admin",
                                               {{api_answer{201, "The link.", {"LinkMade", "application/json"}}}},
                                               api_body::json,
                                               "NewInvitation",
                                               {},
                                               {{404}},
                                               false};

inline constexpr api_operation drop_link{
  "revokeLink", "admin", {{api_answer{204, "It cannot be used any more.", {"", ""}}}}, api_body::none, "", {},
  {},           false};

inline constexpr api_operation list_limits{
  "listLimits", "admin", {{api_answer{200, "What was set.", {"Limits", "application/json"}}}}, api_body::none, "", {},
  {{404}},      false};

inline constexpr api_operation change_limit{
  "changeLimit", "admin", {{api_answer{204, "It holds within seconds.", {"", ""}}}}, api_body::json, "Limit", {},
  {{404}},       false};

inline constexpr api_operation show_live{
  "showLive", "admin", {{api_answer{200, "What is on.", {"Live", "application/json"}}}}, api_body::none, "", {},
  {{404}},    false};

inline constexpr api_operation stop_work{
  "stopWork", "admin", {{api_answer{204, "It is being stopped.", {"", ""}}}}, api_body::json, "StopWork", {},
  {{404}},    false};

inline constexpr api_operation list_failures{
  "listFailures", "admin", {{api_answer{200, "Those of the last day.", {"Failures", "application/json"}}}},
  api_body::none, "",      {},
  {{404}},        false};

inline constexpr api_operation sum_usage{
  "sumUsage",     "admin", {{api_answer{200, "Sums, at most 1,000.", {"UsageSums", "application/json"}}}},
  api_body::none, "",      {{sums_by, since, until}},
  {{404, 422}},   false};

inline constexpr api_operation list_audit{
  "listAudit",    "admin", {{api_answer{200, "A page of the audit.", {"Audit", "application/json"}}}},
  api_body::none, "",      {{about_user, action, page_size, cursor}},
  {{404, 422}},   false};

inline constexpr api_parameter streamed{"stream", api_parameter::place::query,
                                        R"({"type": "boolean", "default": false})", "Whether the events are told."};
inline constexpr api_parameter starting_after{"starting_after", api_parameter::place::query,
                                              R"({"type": "integer", "minimum": 0})",
                                              "Of a stream: the number of the last event that the client has."};

inline constexpr api_operation create_response{
  "createResponse",
  "responses",
  {{api_answer{
      200, "The response when its run is over, or with \"stream\" its events.", {"Response", "application/json"}},
    api_answer{200, "", {"", "text/event-stream"}}}},
  api_body::json,
  "NewResponse",
  {},
  {{404, 409}},
  true};

inline constexpr api_operation show_response{
  "showResponse",
  "responses",
  {{api_answer{200, "As it is now, or with ?stream=true its events.", {"Response", "application/json"}},
    api_answer{200, "", {"", "text/event-stream"}}}},
  api_body::none,
  "",
  {{streamed, starting_after}},
  {{409}},
  false};

inline constexpr api_operation list_input_items{
  "listInputItems", "responses", {{api_answer{200, "One item.", {"InputItems", "application/json"}}}},
  api_body::none,   "",          {},
  {{409}},          false};

inline constexpr api_operation cancel_response{
  "cancelResponse", "responses", {{api_answer{200, "As it is when it is over.", {"Response", "application/json"}}}},
  api_body::none,   "",          {},
  {{409}},          false};

inline constexpr api_operation delete_response{
  "deleteResponse", "responses", {{api_answer{200, "They are gone.", {"ResponseDeleted", "application/json"}}}},
  api_body::none,   "",          {},
  {{409}},          false};

inline constexpr api_operation list_response_models{
  "listResponseModels",
  "responses",
  {{api_answer{200, "The models.", {"ResponseModels", "application/json"}}}},
  api_body::none,
  "",
  {},
  {},
  false};

inline constexpr api_operation show_openapi{
  "openapi",
  "about",
  {{api_answer{200, "The document.", {"", "application/json"}}, api_answer{304, "It is what If-None-Match has.", {}}}},
  api_body::none,
  "",
  {{if_none_match}},
  {},
  false};

} // namespace varro::operations
