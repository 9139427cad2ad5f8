// What the database holds, as values.
#pragma once

#include "base/clock.hpp"
#include "models/message.hpp"
#include "storage/idempotency.hpp"
#include "storage/usage_row.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace varro {

// legal values of user_record::role and link_record::role
namespace user_role {
inline constexpr auto user = "user";
inline constexpr auto admin = "admin";
} // namespace user_role

struct user_record {
  int64_t id = 0;
  std::string name;
  std::string password_hash; // libsodium's crypto_pwhash_str (Argon2id); empty for the local user
  bool disabled = false;
  unix_us created_at = 0;
  std::string role = user_role::user;
  std::string issuer = {}; // who vouches for the user (identity.hpp); empty: nobody, the account is this server's own
};

struct login_record {
  std::string token_hash; // SHA-256 of the session token, hex; the token itself is nowhere
  int64_t user_id = 0;
  std::string csrf; // hex
  unix_us created_at = 0;
  unix_us expires_at = 0;   // unless it is used before
  unix_us last_used_at = 0; // known to login_use_step; 0: when it was made
  unix_us ends_at = 0;      // however much it is used; 0: when it expires
  std::string address = {}; // numeric, of the browser that logged in
  std::string agent = {};   // what that browser calls itself, UTF-8: not to be trusted; cut to login_agent_bytes_max
};

// legal values of link_record::purpose
namespace link_purpose {
inline constexpr auto first_admin = "first_admin"; // makes an admin while there is none
inline constexpr auto invitation = "invitation";   // makes an account
inline constexpr auto reset = "reset";             // lets somebody choose another password
} // namespace link_purpose

// A link that whoever holds it may use once.
struct link_record {
  std::string token_hash; // SHA-256 of the link's token, hex; the token itself is nowhere
  std::string purpose = link_purpose::invitation;
  std::string role = user_role::user; // of the account that it makes
  int64_t user_id = 0;                // whose password a reset changes; 0 for the others
  unix_us created_at = 0;
  unix_us expires_at = 0;
};

// A link that can be used now.
struct link_found {
  link_record link;
  std::string user_name; // of link.user_id
};

// A login and whose it is.
struct login_found {
  login_record login;
  user_record user;
};

struct chat_record {
  int64_t id = 0;
  int64_t user_id = 0;
  std::string title;
  std::string model; // model_config::id
  int64_t last_seq = 0;
  unix_us created_at = 0;
  unix_us updated_at = 0;
  std::string python;           // interpreter_config::name, chosen when the chat was made; empty: the default one
  std::string effort;           // of thinking, as chosen on the page: "off", "minimal" … "max"; empty: the model's own
  unix_us files_deleted_at = 0; // because nobody used it (retention.hpp); 0: never, or not known, as in lists
};

// What stands before a chat's first message in every request: thinking of newer models is bound to it, so a chat keeps
// what it began with, whatever a newer release or configuration says.
struct chat_prefix {
  std::string instructions;
  std::string tools; // JSON text: [{"name", "description", "parameters"}…]
};

// legal values of run_record::status
namespace run_status {
inline constexpr auto running = "running";
inline constexpr auto completed = "completed";
inline constexpr auto failed = "failed";
inline constexpr auto cancelled = "cancelled";
inline constexpr auto interrupted = "interrupted";
} // namespace run_status

struct run_record {
  int64_t id = 0; // unique in the database, drawn from it (drawn_ids.hpp)
  int64_t chat_id = 0;
  int64_t turn = 0;      // 1, 2, … within the chat; equals the turn of its messages
  int64_t first_seq = 0; // seq of the user message
  std::string status = run_status::running;
  int64_t end_seq = 0; // seq of the error block that ended it; 0 when there is none
  std::string error;   // what the ErrorBlock says; empty when there is none
  token_usage usage;   // of the whole turn
  int64_t model_requests = 0;
  unix_us started_at = 0;
  unix_us ended_at = 0;    // 0 while it runs
  bool superseded = false; // an edit or regenerate replaced its turn
  int64_t resumes = 0;     // how often it was taken up again after a crash
  int64_t parent = 0;      // the run of the turn before in its branch; 0 for a first turn
};

// What counts for the quotas of a user and of one chat, in bytes.
struct user_holdings {
  int64_t other_workspaces = 0; // the files of the user's other chats, as they were measured last
  int64_t histories = 0;        // the messages of all the user's chats, in abandoned branches too
  int64_t history = 0;          // those of this chat
};

// What all chats of a user take on the disk, as it was measured last, in bytes.
struct user_disk {
  int64_t files = 0;
  int64_t snapshots = 0;     // of variables
  int64_t versions = 0;      // earlier files
  int64_t messages = 0;      // in abandoned branches too
  int64_t files_of_chat = 0; // those of `files` that are of the chat that was asked for
};

// A run that nobody has ended: of a former process, when the server starts.
struct open_run {
  int64_t user_id = 0;
  int64_t chat_id = 0;
};

// One row of the history. Rows of a replaced branch stay, with superseded set, and are not loaded by default.
struct message_row {
  int64_t chat_id = 0;
  int64_t seq = 0;
  int64_t turn = 0;
  int64_t run_id = 0;
  shared_message content;
  unix_us created_at = 0;
  bool superseded = false;
};

// The namespace of a chat's shell as it was when the cell had ended whose return is the message `seq`.
struct snapshot_record {
  int64_t seq = 0;
  int64_t footer = 0; // place in the chat's snapshot file
};

// Everything of one chat, rows in order of seq, runs in that of first_seq; superseded ones left out.
struct chat_contents {
  chat_record chat;
  std::vector<message_row> messages;
  std::vector<run_record> runs;
  // By run of `runs`: the runs that follow the same one, itself among them, in that order. Only where there are
  // several.
  std::map<int64_t, std::vector<int64_t>> alternatives;
  std::vector<snapshot_record> snapshots; // of these messages, in order of seq
  std::optional<chat_prefix> prefix;      // nothing until the first run since prefixes are kept
};

// One transaction of one chat: all of it or nothing is committed. It names the chat and its owner; rows of another chat
// are refused, and nothing is written unless the chat is the user's. A chat's last_seq and updated_at never go back and
// follow the rows, also when `chat` is left out.
struct write_batch {
  std::optional<chat_record> chat;            // inserted, or updated by id
  std::vector<message_row> messages;          // inserted; a seq that exists already is an error
  std::optional<run_record> run;              // inserted, or updated by id
  std::vector<run_record> earlier_runs;       // of a fork, in order: inserted before `run`
  std::optional<int64_t> supersede_from_turn; // marks messages and runs of this turn and later (before the inserts)
  std::optional<chat_prefix> prefix;          // inserted, or replaces the chat's
  std::vector<snapshot_record> snapshots;     // each replaces one of the same seq
  bool forget_snapshots = false;              // all earlier ones: their file was begun anew
  std::optional<int64_t> snapshot_bytes;      // what that file holds now
  std::optional<int64_t> activate_run;        // makes this run's branch, down to its newest run, the active one
  std::vector<usage_row> usage;               // of this chat and user; inserted
  std::optional<idempotency_note> once;       // what is asked for is done with this; errc::run_in_progress: it is done
  int64_t chat_id = 0;                        // the chat that all of this belongs to; 0 takes it from `chat`
  int64_t user_id = 0; // its owner; 0 takes it from `chat`, and without either the batch is refused
};

} // namespace varro
