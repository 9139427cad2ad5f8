// A turn over a real database whose disk fails at each of its writes in turn.
#include "actors/store.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "storage/sqlite/sqlite_database.hpp"

#include "tests/support/actor_world.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/shown_events.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

constexpr int64_t chat_id = 42; // of actor_world::fresh_chat()

std::unique_ptr<sqlite_database> open_database(const scratch_dir& scratch, sqlite_database::mode mode) {
  auto db = sqlite_database::open(scratch.path(), mode);
  if (!db)
    throw std::runtime_error(text_of(db.error()));
  return std::move(*db);
}

auto always(model_response response) {
  return [response = std::move(response)](const model_query&) -> caf::expected<model_response> { return response; };
}

model_response thoughtful_call() {
  auto response = call_answer({{"python", {{"code", "x = 1"}}}});
  thinking_part thinking;
  thinking.content = "One cell answers this.";
  response.parts.insert(response.parts.begin(), std::move(thinking));
  return response;
}

// One process: its actors, with the store and the reader of a database in place of their twins.
struct process {
  actor_world world;
  int64_t user = 0;
  chat_session_actor session;

  explicit process(const scratch_dir& scratch) {
    auto db = open_database(scratch, sqlite_database::mode::read_write);
    user = db->local_user()->id;
    auto contents = db->load_chat(user, chat_id);
    auto& services = world.services();
    caf::anon_send_exit(services.store, caf::exit_reason::kill);
    caf::anon_send_exit(services.reader, caf::exit_reason::kill);
    services.store = world.system().spawn(store, std::move(db), services.ids);
    services.reader = world.system().spawn(store_reader, open_database(scratch, sqlite_database::mode::read_only));
    world.log().take_snapshot = [] { return snapshot_taken{100, false, "call-1"}; };
    auto fresh = actor_world::fresh_chat();
    fresh.chat.user_id = user;
    // What a run that is taken up again asks first.
    world.log().answers = {always(text_answer("On we go."))};
    session = world.session(contents ? *contents : fresh, static_cast<bool>(contents));
  }

  caf::expected<turn_started> turn() {
    world.log().answers = {always(thoughtful_call()), always(text_answer("Done."))};
    return world.ask<turn_started>(session, send_atom_v, user_message{"Go.", "", ""});
  }

  std::string last_status() {
    for (auto event = world.log().published.rbegin(); event != world.log().published.rend(); ++event)
      if (event->event == "done")
        return parse_json(event->data)->at("status").get<std::string>();
    return {};
  }

  chat_contents history() {
    auto contents = world.ask<chat_contents>(session, history_atom_v);
    REQUIRE(contents);
    return *contents;
  }
};

using event_key = std::pair<int64_t, std::string>;

std::vector<event_key> content_of(const std::vector<stream_event>& events) {
  std::vector<event_key> keys;
  for (const auto& event : events)
    if (event.event == "content")
      keys.emplace_back(event.id, event.data);
  return keys;
}

// What a viewer saw is what the database has, in the same order.
void check_published(const chat_contents& stored, const std::vector<stream_event>& published) {
  auto there = content_of(events_after(transcript{stored}, 0));
  auto from = there.begin();
  for (const auto& seen : content_of(published)) {
    from = std::find(from, there.end(), seen);
    CHECK_MESSAGE(from != there.end(), "published, but not stored: ", seen.first, " ", seen.second);
  }
}

void check_stored(const scratch_dir& scratch, int64_t user, const chat_contents& in_memory) {
  auto db = open_database(scratch, sqlite_database::mode::read_write);
  CHECK(db->check() == caf::none);
  CHECK(db->open_runs()->empty());
  auto stored = db->load_chat(user, chat_id);
  REQUIRE(stored);
  CHECK(check_history(messages_of(stored->messages)) == caf::none);
  CHECK(to_json_text(messages_of(stored->messages)) == to_json_text(messages_of(in_memory.messages)));
  CHECK(stored->runs.size() == in_memory.runs.size());
}

// A second turn, which a healthy disk must let through, and what the model is shown then.
void check_usable(process& p) {
  p.world.log().queries.clear();
  auto again = p.turn();
  REQUIRE_MESSAGE(again, text_of(again.error()));
  CHECK(p.last_status() == "completed");
  for (const auto& query : p.world.log().queries)
    CHECK(check_history(*query.history) == caf::none);
  CHECK(p.world.log().queries.size() == 2);
}

enum class after { the_same_process_goes_on, the_process_is_started_again };

// Whether the turn met the fault.
bool turn_with_fault(int64_t n, int code, faulty_disk::failing how, after what) {
  scratch_dir scratch;
  faulty_disk disk;
  bool met = false;
  std::vector<stream_event> published;
  {
    process first{scratch};
    disk.fail_at(n, code, how);
    auto started = first.turn();
    met = disk.met();
    auto status = started ? first.last_status() : "refused";
    CAPTURE(status);
    published = first.world.log().published;
    // Either the whole turn is there, or the user was told.
    auto complete = status == run_status::completed;
    CHECK((complete || status == "refused" || status == run_status::failed));
    CHECK((met || complete));
    disk.heal();
    auto reader = open_database(scratch, sqlite_database::mode::read_only);
    auto stored = reader->load_chat(first.user, chat_id);
    if (started)
      check_published(*stored, published);
    if (complete)
      CHECK(stored->messages.size() == 4);
    if (what == after::the_same_process_goes_on) {
      check_usable(first);
      auto history = first.history();
      check_stored(scratch, first.user, history);
    } else if (how == faulty_disk::failing::for_ever) {
      disk.fail_at(1, code, how); // the disk is no better while the process ends
    }
  }
  disk.heal();
  if (what == after::the_process_is_started_again) {
    process second{scratch};
    if (auto stored = open_database(scratch, sqlite_database::mode::read_only)->load_chat(second.user, chat_id))
      check_published(*stored, published);
    else
      CHECK(content_of(published).empty());
    check_usable(second);
    check_stored(scratch, second.user, second.history());
  }
  return met;
}

void sweep(int code, faulty_disk::failing how, after what) {
  int64_t n = 1;
  for (bool met = true; met; ++n) {
    CAPTURE(n);
    met = turn_with_fault(n, code, how, what);
  }
  // Every commit of the turn has a write and a sync: message, response, return, snapshot, text, end.
  CHECK(n > 12);
}

} // namespace

TEST_CASE("a write that fails once is told, loses nothing that was shown, and leaves the chat usable") {
  for (auto code : {SQLITE_IOERR, SQLITE_FULL}) {
    CAPTURE(code);
    sweep(code, faulty_disk::failing::once, after::the_same_process_goes_on);
  }
}

TEST_CASE("a disk that fails from some write on is told, and the chat is usable when it is sound again") {
  for (auto code : {SQLITE_IOERR, SQLITE_FULL}) {
    CAPTURE(code);
    sweep(code, faulty_disk::failing::for_ever, after::the_same_process_goes_on);
  }
}

TEST_CASE("after a failed write and a restart the chat has what was shown, and is usable") {
  for (auto how : {faulty_disk::failing::once, faulty_disk::failing::for_ever}) {
    sweep(SQLITE_IOERR, how, after::the_process_is_started_again);
    sweep(SQLITE_FULL, how, after::the_process_is_started_again);
  }
}

TEST_CASE("a deletion that fails leaves a chat that is usable") {
  scratch_dir scratch;
  faulty_disk disk;
  process p{scratch};
  p.world.log().answers.clear(); // the run waits for its model
  REQUIRE(p.world.ask<turn_started>(p.session, send_atom_v, user_message{"Go.", "", ""}));
  disk.fail_at(1, SQLITE_IOERR, faulty_disk::failing::once);
  CHECK_FALSE(p.world.ask<done_atom>(p.session, remove_atom_v, audit_origin{}));
  CHECK(disk.met());
  check_usable(p);
  check_stored(scratch, p.user, p.history());
}

TEST_CASE("a run that failed ends after the commits that are under way, and each call has one return") {
  actor_world world;
  auto& log = world.log();
  auto session = world.session();
  log.answers.emplace_back(always(call_answer({{"magic", json::object()}, {"magic", json::object()}})));
  log.hold_commits = true;
  world.tell(session, send_atom_v, user_message{"Go.", "", ""});
  world.release_commit(); // the message
  log.fail_commit = 1;    // of the two returns, the second
  world.release_commit(); // the response
  REQUIRE(log.held.size() == 1);
  CHECK(log.batches.size() == 3);
  world.release_commit(); // the first return: only now the history says which call is open
  REQUIRE(log.held.size() == 1);
  world.release_commit(); // the end
  CHECK(log.batches.back().run->status == run_status::failed);
  CHECK(check_history(world.committed_messages()) == caf::none);
}

TEST_CASE("a stop waits for a return that is being committed") {
  actor_world world;
  auto& log = world.log();
  auto session = world.session();
  log.answers.emplace_back(always(call_answer({{"magic", json::object()}})));
  log.hold_commits = true;
  world.tell(session, send_atom_v, user_message{"Go.", "", ""});
  world.release_commit(); // the message
  world.release_commit(); // the response
  REQUIRE(log.held.size() == 1);
  world.tell(session, stop_atom_v);
  CHECK(log.batches.size() == 3); // the return is the last one so far
  world.release_commit();
  CHECK(log.batches.back().run->status == run_status::interrupted);
  CHECK(check_history(world.committed_messages()) == caf::none);
}
