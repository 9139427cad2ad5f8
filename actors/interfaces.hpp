// Every actor's interface, on one page. `request` any of them; one sentence says what a message does.
//
// Times are bounded by the limits of config/; a failed request answers with an error of base/errors.hpp.
#pragma once

#include "actors/type_ids.hpp"

#include <caf/typed_actor.hpp>

#include <string>

namespace varro {

// The one writer of the database, on a thread of its own; requests that wait together are committed together (group
// commit).
using store_actor = caf::typed_actor<
  // Commits the batch and answers after the fsync.
  caf::replies_to<commit_atom, write_batch>::with<done_atom>,
  // An id for a new chat, which no other has had or will have.
  caf::replies_to<draw_chat_atom>::with<int64_t>,
  // Ids for so many new runs, all in a row: the first one.
  caf::replies_to<draw_runs_atom, int /*count*/>::with<int64_t>,
  // Renames the user's chat.
  caf::replies_to<rename_atom, int64_t /*user*/, int64_t /*chat*/, std::string>::with<done_atom>,
  // Deletes the user's chat with its rows.
  caf::replies_to<remove_atom, int64_t /*user*/, int64_t /*chat*/, audit_origin>::with<done_atom>,
  // Remembers what the workspace of the user's chat holds.
  caf::replies_to<usage_atom, int64_t /*user*/, int64_t /*chat*/, int64_t /*bytes*/>::with<done_atom>,
  // Remembers what the earlier files of the user's chat hold.
  caf::replies_to<usage_atom, versions_measured>::with<done_atom>,
  // Writes rows of the ledger of usage that belong to no message of a chat that there is.
  caf::replies_to<usage_atom, std::vector<usage_row>>::with<done_atom>,
  // Counts what is about to be uploaded; errc::too_large where that is more than the user may.
  caf::replies_to<usage_atom, upload_counted>::with<done_atom>,
  // Remembers a browser session.
  caf::replies_to<login_atom, login_record>::with<done_atom>,
  // Forgets a browser session by its token's hash.
  caf::replies_to<logout_atom, std::string, audit_origin>::with<done_atom>,
  // What users do with their accounts; the errors are those of account_write.
  caf::replies_to<user_atom, account_write>::with<done_atom>>;

// The roles of store and store_reader for who makes, shows and checks tokens of programs.
using token_writer_actor = caf::typed_actor<
  // Makes, revokes or notes the use of a token; answers after the fsync. The errors are those of token_write.
  caf::replies_to<token_atom, token_write>::with<done_atom>>;
using token_reader_actor = caf::typed_actor<
  // The token with this hash and its user, if it can be used now.
  caf::replies_to<token_atom, std::string /*hash*/>::with<token_found>,
  // The user's tokens that have not expired, the newest first.
  caf::replies_to<token_atom, int64_t /*user*/>::with<std::vector<token_record>>>;

// Reads from a connection of its own, on a thread of its own; sees everything that store has committed.
using store_reader_actor = caf::typed_actor<
  // A chat with its active history, if it is the user's.
  caf::replies_to<load_atom, int64_t /*user*/, int64_t /*chat*/>::with<chat_contents>,
  // The user's chats, newest first, from after the chat with this time and id on; 0 and 0: from the newest on.
  caf::replies_to<list_atom, int64_t /*user*/, unix_us /*updated_at*/, int64_t /*chat*/,
                  int /*limit*/>::with<std::vector<chat_record>>,
  // What the user's chats hold, for the quotas of the user and of this chat.
  caf::replies_to<usage_atom, int64_t /*user*/, int64_t /*chat*/>::with<user_holdings>,
  // The browser session with this token hash and its user.
  caf::replies_to<login_atom, std::string>::with<login_found>,
  // Those of these browser sessions, by the hashes of their tokens, that are over: logged out, expired, or their user
  // was disabled or got another password.
  caf::replies_to<login_atom, std::vector<std::string>>::with<std::vector<std::string>>,
  // The user's browser sessions that are not over, those used last first.
  caf::replies_to<list_atom, int64_t /*user*/>::with<std::vector<login_record>>,
  // What is known of a key of this user's requests.
  caf::replies_to<send_atom, int64_t /*user*/, std::string /*key*/>::with<idempotency_found>,
  // The link with this token hash, if it can be used.
  caf::replies_to<link_atom, std::string>::with<link_found>,
  // The user with this name.
  caf::replies_to<user_atom, std::string>::with<user_record>,
  // What the pages of admins show; errors are those of the question.
  caf::replies_to<admin_atom, admin_question_ptr>::with<admin_answer_ptr>,
  // Answers when the database can be read (readiness).
  caf::replies_to<ready_atom>::with<done_atom>>;

// Searches the texts of chats, one search after the other, on a thread and from connections of its own: nobody else
// waits for a search.
using chat_search_actor = caf::typed_actor<
  // The user's chats in which the text is found. A query that was dropped before it is answered gets errc::cancelled.
  caf::replies_to<search_atom, search_query>::with<search_found>,
  // Time to look at what has changed. From itself.
  caf::reacts_to<tick_atom>>;

// One shell: its socket, the one cell in flight, the ladder of deadline, interrupt and kill.
using python_shell_actor = caf::typed_actor<
  // Runs a cell and answers with what it produced; a second one waits for the first. errc::shell_lost when the shell
  // ended and it is certain that the cell was not begun.
  caf::replies_to<execute_atom, std::string>::with<cell_result>,
  // The same for a cell with a name: what it produced outlives this server until it is acknowledged.
  caf::replies_to<execute_atom, std::string, std::string /*tag*/>::with<cell_result>,
  // What a cell produced, or will, that a former server began. errc::not_found when there is no such cell.
  caf::replies_to<result_atom, std::string /*tag*/>::with<cell_result>,
  // That cell's result is committed: nobody will ask for it again.
  caf::reacts_to<ack_atom, std::string /*tag*/>,
  // Writes what the namespace holds to the chat's file, beside the cells; `base`: the footer of the newest snapshot in
  // it, or -1.
  caf::replies_to<snapshot_atom, int64_t /*base*/>::with<snapshot_taken>,
  // Puts back into the namespace what a snapshot holds.
  caf::replies_to<restore_atom, int64_t /*footer*/>::with<snapshot_restored>,
  // Interrupts the cell in flight: SIGINT, and SIGKILL when that does not end it in time. Cells that wait are not
  // begun.
  caf::reacts_to<interrupt_atom>,
  // Ends the process and the actor.
  caf::reacts_to<close_atom>>;

// Who waits for a shell.
using shell_waiter_actor = caf::typed_actor<
  // Its place among those that wait, in words; empty: it does not wait any more.
  caf::reacts_to<progress_atom, std::string>>;

// Starts shells, counts them, closes the least recently used idle one when there is no room. Starts that wait for room
// are served round robin by user.
using shell_host_actor = caf::typed_actor<
  // A fresh shell, once there is room for it.
  caf::replies_to<start_atom, wanted_shell>::with<python_shell_actor>,
  // The same for somebody who is told the place meanwhile, and does not wait any more when it ends.
  caf::replies_to<start_atom, wanted_shell, shell_waiter_actor>::with<python_shell_actor>,
  // Who waits for this chat's shell does not want it any more: errc::cancelled for them, unless it is being started.
  caf::reacts_to<cancel_atom, int64_t /*chat*/>,
  // The chat's shell of a former server, and the tags of its cells whose results were not acknowledged. errc::not_found
  // when there is none; errc::shell_lost when there was one that an upgrade of the server ended, in words for the
  // reader of the next cell.
  caf::replies_to<attach_atom, int64_t /*chat*/>::with<python_shell_actor, std::vector<std::string>>,
  // A shell began (true) or ended (false) a cell; from python_shell.
  caf::reacts_to<busy_atom, int64_t /*chat*/, bool>,
  // The workspace of the user's chat holds so much now, for the user's quota.
  caf::reacts_to<usage_atom, int64_t /*user*/, int64_t /*chat*/, int64_t /*bytes*/>,
  // How many shells live.
  caf::replies_to<count_atom>::with<int64_t>,
  // The shells that live, for admins.
  caf::replies_to<list_atom>::with<live_shells>,
  // Ends the chat's shell, if it has one. From admins.
  caf::reacts_to<close_atom, int64_t /*chat*/>,
  // The same, and how many starts wait for room.
  caf::replies_to<stats_atom>::with<actor_counts>,
  // Ends every shell, refuses further ones, answers when all processes are gone.
  caf::replies_to<stop_atom>::with<done_atom>>;

// Earlier states of the chats' files, which an edited turn, another branch and a fork come back to. On a thread of its
// own.
using workspace_keeper_actor = caf::typed_actor<
  // Keeps what the chat's workspace holds under this name, unless there is a version of that name, or it is later than
  // that: errc::storage_failed.
  caf::replies_to<keep_atom, int64_t /*chat*/, std::string, int64_t /*Unix time in microseconds*/>::with<done_atom>,
  // The branch that ends with this run is about to be left: keeps its files, and notes which versions are to follow.
  caf::replies_to<branch_atom, int64_t /*chat*/, int64_t /*run*/, std::vector<std::string>>::with<done_atom>,
  // Brings back the first of these versions that there is, and forgets the note. REQUIRES: the chat has no shell.
  caf::replies_to<restore_atom, int64_t /*chat*/, std::vector<std::string>>::with<workspace_change>,
  // Copies the snapshots of the first chat, and the first of these versions that there is or else what its workspace
  // holds now, to the second one.
  caf::replies_to<fork_atom, int64_t /*chat*/, std::vector<std::string>, int64_t /*to*/>::with<workspace_change>,
  // Has the store remember what the earlier files of the user's chat hold, where that may have changed; `workspace`:
  // and what its workspace does, which no shell measures.
  caf::reacts_to<usage_atom, int64_t /*user*/, int64_t /*chat*/, bool /*workspace*/>>;

// Looks into one picture or document at a time, in a process that can do nothing else; waits for it on a thread of its
// own.
using picture_worker_actor = caf::typed_actor<
  // What the file is, or what became of it. Errors: nobody could look.
  caf::replies_to<look_atom, picture_job_ptr>::with<picture_result_ptr>>;

// Makes the pictures and documents of histories fit the models that they go to.
using picture_scaler_actor = caf::typed_actor<
  // The history with its pictures scaled, the older ones left out and those that cannot be sent told in words; the same
  // one when nothing has to change. It answers always: what cannot be looked at is left out. For the limits of a model:
  // picture_limits_of().
  caf::replies_to<fit_atom, message_list, picture_limits>::with<message_list>>;

// Requests to language models, over one transport thread, with retries.
using model_client_actor = caf::typed_actor<
  // Asks a model; `run` names the request for cancel. One request of a run at a time. What each attempt has used is
  // told to the asking agent_run when it is over, and before the answer.
  caf::replies_to<ask_atom, int64_t /*run*/, model_query>::with<model_response>,
  // Closes the run's request at once; it answers with a response in state "interrupted", which has the usage that the
  // vendor told until then, or with errc::cancelled when nothing had arrived.
  caf::reacts_to<cancel_atom, int64_t /*run*/>,
  // The time to try that request again has come. From itself.
  caf::reacts_to<retry_atom, int64_t /*run*/, int64_t /*ticket*/>,
  // An attempt is over. From the transport's thread.
  caf::reacts_to<ended_atom, int64_t /*run*/, int64_t /*ticket*/, attempt_result>>;

// What an agent_run needs of the chat that it answers in.
using run_owner_actor = caf::typed_actor<
  // The run has a place, and begins. From run_queue.
  caf::replies_to<start_atom, int64_t /*run*/>::with<done_atom>,
  // A finished step of the run; answers when it is committed.
  caf::replies_to<node_atom, run_node>::with<done_atom>,
  // What the run is doing.
  caf::reacts_to<progress_atom, int64_t /*run*/, std::string>,
  // The response that is about to be committed calls for a cell: its shell starts meanwhile.
  caf::reacts_to<ready_atom, int64_t /*run*/>,
  // Requests of the run have used this, and no node comes of them.
  caf::reacts_to<usage_atom, int64_t /*run*/, std::vector<usage_row>>,
  // The run is over.
  caf::reacts_to<ended_atom, run_end>>;

// Where a tool_call gets its chat's shell.
using shell_source_actor = caf::typed_actor<
  // The chat's shell, started or restored when it is not live, and what the next cell's reader should know about that
  // (empty: nothing).
  caf::replies_to<shell_atom>::with<python_shell_actor, std::string>,
  // The same for a cell whose shell ended before it began: another one than this.
  caf::replies_to<shell_atom, python_shell_actor /*ended*/>::with<python_shell_actor, std::string>>;

// What a chat_shell needs of its chat, which alone commits.
using shell_owner_actor = caf::typed_actor<
  // What the history says now of the shell that a fresh one takes the place of.
  caf::replies_to<history_atom, shell_atom>::with<shell_past>,
  // Commits which cell's namespace this is; answers also when there was nothing to commit, or it failed.
  caf::replies_to<snapshot_atom, snapshot_taken>::with<done_atom>,
  // The variables of the shell that this run waits for are brought back.
  caf::reacts_to<restore_atom, int64_t /*run*/>,
  // What the run's progress line says of the shell that it waits for.
  caf::reacts_to<shell_atom, int64_t /*run*/, std::string>>;

// One chat's shell: started or restored when a cell needs it, and what comes with its cells: the chat's files are kept
// before the first one of a run, and a snapshot of the variables is taken after each. Ends with its chat_session.
using chat_shell_actor = caf::typed_actor<
  // The run whose cells may come now; 0: none.
  caf::reacts_to<start_atom, int64_t /*run*/>,
  // A cell of the run will come: the files are kept and the shell starts, beside each other.
  caf::reacts_to<ready_atom>,
  // The run is stopped: a shell that is being restored is closed, and the next cell starts over.
  caf::reacts_to<cancel_atom>,
  // The results of these cells are committed; `snapshot`: the namespace is worth one.
  caf::reacts_to<ack_atom, std::vector<std::string> /*tags*/, bool /*snapshot*/>,
  // Takes the chat's shell of a former server over, and gives the tags of its cells whose results were not
  // acknowledged. errc::not_found when there is none.
  caf::replies_to<attach_atom>::with<std::vector<std::string>>,
  // Answers once no snapshot is under way, or the deadline has come.
  caf::replies_to<snapshot_atom>::with<done_atom>,
  // That deadline. From itself.
  caf::reacts_to<deadline_atom>,
  // Ends the shell, also one of a former server; answers when its process is gone. REQUIRES: no run is on.
  caf::replies_to<close_atom>::with<done_atom>,
  // The same without an answer; who waits for the shell gets an error. `former`: also one of a former server that is
  // not known yet.
  caf::reacts_to<close_atom, bool /*former*/>,
  // The same, and the recorded cells are run again in the next one.
  caf::reacts_to<rerun_atom>,
  // Whether there is no shell and nobody waits for one.
  caf::replies_to<passivate_atom>::with<bool>,
  // The session ends: the shell is closed, or detached for the next server. Answers, and ends.
  caf::replies_to<stop_atom, bool /*detach*/>::with<done_atom>>::extend_with<shell_source_actor, shell_waiter_actor>;

// A chat as http_gateway sees it.
using viewed_chat_actor = caf::typed_actor<
  // A viewer wants everything after this seq (-1: from the newest turn's first node); answered by replay to
  // http_gateway.
  caf::reacts_to<attach_atom, uint64_t /*viewer*/, int64_t /*after*/>,
  // That viewer is gone.
  caf::reacts_to<detach_atom, uint64_t /*viewer*/>>;

// One chat: what pages and API ask of it, its end, and its roles for the actors that work for it.
using chat_session_actor = caf::typed_actor<
  // The chat's id, if a turn could begin now; else what send_atom would answer.
  caf::replies_to<ready_atom>::with<int64_t>,
  // Starts a turn; answers when the message is committed. errc::run_in_progress while a run is on.
  caf::replies_to<send_atom, user_message>::with<turn_started>,
  // Replaces this turn and all later ones by a new turn; an empty text asks the same again. Turn 0 is the last one.
  caf::replies_to<edit_atom, int64_t /*turn*/, user_message>::with<turn_started>,
  // Makes the branch of this run, an alternative of an active one, the active branch; the namespace goes along.
  caf::replies_to<branch_atom, int64_t /*run*/>::with<done_atom>,
  // Makes a chat of its own from the turns up to this one, namespace and files included.
  caf::replies_to<fork_atom, int64_t /*turn*/>::with<chat_forked>,
  // The same of a request that is carried out once.
  caf::replies_to<fork_atom, int64_t /*turn*/, idempotency_note>::with<chat_forked>,
  // What the page shall tell the user until the next turn begins.
  caf::reacts_to<notice_atom, std::string>,
  // The chat's requests begin with today's instructions and tools from now on, instead of those that it began with.
  caf::replies_to<renew_atom>::with<done_atom>,
  // The next cell's shell is a fresh one in which the recorded cells are run again.
  caf::replies_to<rerun_atom>::with<done_atom>,
  // Stops the run. errc::no_run when there is none.
  caf::replies_to<cancel_atom>::with<done_atom>,
  // Everything a page shows; of a chat that its first message has yet to create, only the id (created_at is 0).
  caf::replies_to<page_atom>::with<transcript_view>,
  // The active history, for exports and attachments.
  caf::replies_to<history_atom>::with<chat_contents>,
  // Renames the chat.
  caf::replies_to<rename_atom, std::string>::with<done_atom>,
  // Stops the run, closes the shell, deletes the chat with its rows and its workspace, and ends.
  caf::replies_to<remove_atom, audit_origin>::with<done_atom>,
  // Ends if nothing needs the session; answers whether it does end. A shell needs it, unless memory is short: that one
  // is closed, and its variables come back with the next. From chat_registry.
  caf::replies_to<passivate_atom, bool /*memory is short*/>::with<bool>,
  // Marks the run as interrupted, closes the shell, answers when that is committed, and ends. From supervisor.
  caf::replies_to<stop_atom>::with<done_atom>>::extend_with<run_owner_actor, shell_owner_actor, viewed_chat_actor>;

// Finds and starts chat sessions; the only way to one is through its owner.
using chat_registry_actor = caf::typed_actor<
  // The session of the user's chat, loaded when it is not live. errc::not_found for everybody else's.
  caf::replies_to<find_atom, int64_t /*user*/, int64_t /*chat*/>::with<chat_session_actor>,
  // The same for who was given a session that ends or has ended: answers when it is gone, with what there is then.
  caf::replies_to<find_atom, int64_t /*user*/, int64_t /*chat*/, chat_session_actor>::with<chat_session_actor>,
  // A session for a chat that does not exist yet: its first message creates it.
  caf::replies_to<start_atom, int64_t /*user*/, std::string /*model*/>::with<chat_session_actor>,
  // A former process left a run of this user's chat open: its session is loaded, and goes on with it or closes it.
  caf::reacts_to<resume_atom, int64_t /*user*/, int64_t /*chat*/>,
  // A session has been idle for long, or there are too many: closes those that agree.
  caf::reacts_to<tick_atom>,
  // Sessions and runs in memory.
  caf::replies_to<count_atom>::with<actor_counts>,
  // Stops every session and refuses further ones; answers when all have ended.
  caf::replies_to<stop_atom>::with<done_atom>>;

// One turn's loop.
using agent_run_actor = caf::typed_actor<
  // Goes on from the history: asks the model or runs open tool calls.
  caf::reacts_to<step_atom>,
  // A tool call is finished. From tool_call.
  caf::reacts_to<result_atom, tool_outcome>,
  // An attempt of the request under way is over. The usage is what the vendor told of one whose answer nobody gets.
  // From model_client.
  caf::reacts_to<usage_atom, usage_row, token_usage>,
  // Stops: closes the model request, interrupts cells, returns for open calls, then ended(cancelled).
  caf::reacts_to<cancel_atom>>;

// Tells what users may use and have used, out of the database.
using allowances_actor = caf::typed_actor<
  // What this user may use now and has used, of which whatever is not limited need not be known.
  caf::replies_to<usage_atom, int64_t /*user*/>::with<allowance_ptr>,
  // The same, seen from this chat of theirs.
  caf::replies_to<usage_atom, int64_t /*user*/, int64_t /*chat*/>::with<allowance_ptr>>;

// Lets so many runs be on at once as the limits say; the others wait, served round robin by user.
using run_queue_actor = caf::typed_actor<
  // This run wants to begin: its owner is told start_atom when it may, and its place in words meanwhile. Its place
  // comes free when its agent_run ends.
  caf::reacts_to<start_atom, queued_run, agent_run_actor, run_owner_actor>,
  // The server stops: no further run begins.
  caf::reacts_to<stop_atom>,
  // Time to tell places. From itself.
  caf::reacts_to<tick_atom>>;

// One tool execution; ends itself after sending its outcome to its agent_run.
using tool_call_actor = caf::typed_actor<
  // Runs the tool.
  caf::reacts_to<start_atom>,
  // Stops it; the outcome says so.
  caf::reacts_to<cancel_atom>>;

// Makes what a chat's viewers read of what its session tells, once for all of them. One for each chat that has viewers:
// the I/O thread, which waits for no Markdown, gives it what comes, in order.
using chat_presenter_actor = caf::typed_actor<
  // What a viewer has not seen. From http_gateway.
  caf::reacts_to<replay_atom, uint64_t /*viewer*/, chat_replay>,
  // What those who follow see next. From http_gateway.
  caf::reacts_to<publish_atom, chat_event>,
  // Answers when everything before this is with http_gateway.
  caf::replies_to<flush_atom>::with<done_atom>>;

// Every viewer's socket. A broker: it runs on CAF's I/O thread.
using http_gateway_actor = caf::typed_actor<
  // Takes over a connected socket whose request asked for the stream of a chat after a seq (-1: none given), in the
  // browser session with this token hash (empty: none). The answer tells the request's id (empty: none).
  caf::reacts_to<adopt_atom, int /*fd*/, int64_t /*chat*/, int64_t /*after*/, viewed_chat_actor, std::string /*login*/,
                 std::string /*request's id*/>,
  // The same of a program, which gets objects in JSON instead of HTML.
  caf::reacts_to<adopt_atom, node_atom, int /*fd*/, int64_t /*chat*/, int64_t /*after*/, viewed_chat_actor,
                 std::string /*login*/, std::string /*request's id*/>,
  // That browser session is over: its streams end.
  caf::reacts_to<logout_atom, std::string>,
  // What a viewer has not seen. From chat_session.
  caf::reacts_to<replay_atom, uint64_t /*viewer*/, chat_replay>,
  // What every viewer of the chat that follows sees next; after a stream_over their streams end. From chat_session.
  caf::reacts_to<publish_atom, int64_t /*chat*/, chat_event>,
  // How many viewers there are.
  caf::replies_to<count_atom>::with<int64_t>,
  // Sends the keep-alive comments, and ends the streams of browser sessions that are over.
  caf::reacts_to<tick_atom>,
  // Ends every stream and the actor.
  caf::reacts_to<stop_atom>>;

// Ends what is on of users who were disabled.
using user_lockout_actor = caf::typed_actor<
  // Time to look. From itself.
  caf::reacts_to<tick_atom>>;

// Stops everything in order.
using supervisor_actor = caf::typed_actor<
  // Interrupts runs, closes shells, streams and the database; answers when all is committed.
  caf::replies_to<stop_atom>::with<done_atom>>;

} // namespace varro
