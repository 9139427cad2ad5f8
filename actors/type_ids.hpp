// CAF's registration of every type and atom that actors exchange. Include before any actor header.
#pragma once

#include "actors/messages.hpp"

#include <caf/all.hpp>

CAF_BEGIN_TYPE_ID_BLOCK(varro, caf::id_block::varro_base::end)

CAF_ADD_TYPE_ID(varro, (varro::user_message))
CAF_ADD_TYPE_ID(varro, (varro::turn_started))
CAF_ADD_TYPE_ID(varro, (varro::stream_event))
CAF_ADD_TYPE_ID(varro, (std::vector<varro::stream_event>))
CAF_ADD_TYPE_ID(varro, (varro::chat_view))
CAF_ADD_TYPE_ID(varro, (varro::chat_record))
CAF_ADD_TYPE_ID(varro, (std::vector<varro::chat_record>))
CAF_ADD_TYPE_ID(varro, (varro::user_record))
CAF_ADD_TYPE_ID(varro, (varro::login_record))
CAF_ADD_TYPE_ID(varro, (varro::login_found_reply))
CAF_ADD_TYPE_ID(varro, (varro::run_record))
CAF_ADD_TYPE_ID(varro, (varro::message_row))
CAF_ADD_TYPE_ID(varro, (varro::chat_contents))
CAF_ADD_TYPE_ID(varro, (varro::write_batch))
CAF_ADD_TYPE_ID(varro, (varro::run_node))
CAF_ADD_TYPE_ID(varro, (varro::run_end))
CAF_ADD_TYPE_ID(varro, (varro::tool_outcome))
CAF_ADD_TYPE_ID(varro, (varro::token_usage))
CAF_ADD_TYPE_ID(varro, (varro::cell_result))
CAF_ADD_TYPE_ID(varro, (varro::model_query))
CAF_ADD_TYPE_ID(varro, (varro::model_request))
CAF_ADD_TYPE_ID(varro, (varro::model_response))
CAF_ADD_TYPE_ID(varro, (varro::actor_counts))
CAF_ADD_TYPE_ID(varro, (varro::wanted_shell))
CAF_ADD_TYPE_ID(varro, (varro::snapshot_taken))
CAF_ADD_TYPE_ID(varro, (varro::snapshot_restored))
CAF_ADD_TYPE_ID(varro, (varro::workspace_change))
CAF_ADD_TYPE_ID(varro, (varro::chat_forked))

CAF_ADD_TYPE_ID(varro, (varro::attempt_result))
CAF_ADD_TYPE_ID(varro, (varro::shell_news))
CAF_ADD_TYPE_ID(varro, (varro::message_list))
CAF_ADD_TYPE_ID(varro, (varro::picture_limits))
CAF_ADD_TYPE_ID(varro, (varro::picture_job_ptr))
CAF_ADD_TYPE_ID(varro, (varro::picture_result_ptr))
CAF_ADD_TYPE_ID(varro, (varro::search_query))
CAF_ADD_TYPE_ID(varro, (varro::search_found))
CAF_ADD_TYPE_ID(varro, (std::vector<std::string>))

#define VARRO_ADD_ATOM(name) CAF_ADD_ATOM(varro, varro, name##_atom, #name)
VARRO_ATOMS(VARRO_ADD_ATOM)
#undef VARRO_ADD_ATOM

CAF_END_TYPE_ID_BLOCK(varro)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::attempt_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::shell_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::search_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::search_found)
// Whole histories and pictures stay on their node.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::message_list)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::picture_limits)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::picture_job_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::picture_result_ptr)
