// CAF's registration of every type and atom that actors exchange. Include before any actor header.
#pragma once

#include "actors/messages.hpp"

#include <caf/all.hpp>

// Every type of ours. None is written to a network: actors of different processes do not speak to each other, so CAF
// needs no way to serialize them.
// clang-format off
#define VARRO_MESSAGE_TYPES(X) \
  X(varro::user_message) \
  X(varro::turn_started) \
  X(varro::chat_event) \
  X(varro::chat_replay) \
  X(varro::transcript_view) \
  X(varro::chat_record) \
  X(std::vector<varro::chat_record>) \
  X(varro::user_record) \
  X(varro::login_record) \
  X(varro::login_found) \
  X(std::vector<varro::login_record>) \
  X(varro::link_found) \
  X(varro::account_write) \
  X(varro::audit_origin) \
  X(varro::token_write) \
  X(varro::token_found) \
  X(std::vector<varro::token_record>) \
  X(varro::allowance_ptr) \
  X(varro::admin_question_ptr) \
  X(varro::admin_answer_ptr) \
  X(varro::live_shells) \
  X(varro::chat_contents) \
  X(varro::user_holdings) \
  X(varro::quota_left) \
  X(varro::write_batch) \
  X(varro::upload_counted) \
  X(varro::versions_measured) \
  X(varro::queued_run) \
  X(varro::run_node) \
  X(varro::run_end) \
  X(varro::tool_outcome) \
  X(varro::usage_row) \
  X(std::vector<varro::usage_row>) \
  X(varro::token_usage) \
  X(varro::cell_result) \
  X(varro::model_query) \
  X(varro::model_response) \
  X(varro::actor_counts) \
  X(varro::wanted_shell) \
  X(varro::shell_past) \
  X(varro::snapshot_taken) \
  X(varro::snapshot_restored) \
  X(varro::workspace_change) \
  X(varro::chat_forked) \
  X(varro::idempotency_note) \
  X(varro::idempotency_found) \
  X(varro::attempt_result) \
  X(varro::shell_news) \
  X(varro::message_list) \
  X(varro::picture_limits) \
  X(varro::picture_job_ptr) \
  X(varro::picture_result_ptr) \
  X(varro::search_query) \
  X(varro::search_found)
// clang-format on

CAF_BEGIN_TYPE_ID_BLOCK(varro, caf::id_block::varro_base::end)

#define VARRO_ADD_TYPE(type) CAF_ADD_TYPE_ID(varro, (type))
VARRO_MESSAGE_TYPES(VARRO_ADD_TYPE)
#undef VARRO_ADD_TYPE
CAF_ADD_TYPE_ID(varro, (std::vector<std::string>))

#define VARRO_ADD_ATOM(name) CAF_ADD_ATOM(varro, varro, name##_atom, #name)
VARRO_ATOMS(VARRO_ADD_ATOM)
#undef VARRO_ADD_ATOM

CAF_END_TYPE_ID_BLOCK(varro)

VARRO_MESSAGE_TYPES(CAF_ALLOW_UNSAFE_MESSAGE_TYPE)
