#include "models/message_json.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

struct two_users {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db;
  int64_t ada = 0;
  int64_t bob = 0;

  two_users() {
    db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    ada = db->add_user("ada", "hash")->id;
    bob = db->add_user("bob", "hash")->id;
  }

  // How many messages the chat has, superseded ones included.
  std::string rows(int64_t chat) {
    return raw_database{scratch / "varro.db"}.text("SELECT count(*) FROM messages WHERE chat_id = "
                                                   + std::to_string(chat));
  }
};

write_batch first_turn(int64_t chat, int64_t user, int64_t run = 1) {
  auto batch = batch_of(make_chat(chat, user));
  batch.run = make_run(run, chat);
  batch.messages.push_back(make_row(chat, 1, prompt("Hello")));
  return batch;
}

} // namespace

TEST_CASE_FIXTURE(two_users, "a batch comes back as it was written") {
  auto batch = first_turn(1, ada);
  batch.messages.push_back(make_row(1, 2, answer("Good day — \"quoted\" \\ and \n more 🙂")));
  batch.run->status = run_status::completed;
  batch.run->error = "no error";
  batch.run->usage.input_tokens = 11;
  batch.run->usage.cache_read_tokens = 5;
  batch.run->usage.output_tokens = 7;
  batch.run->usage.details["reasoning_tokens"] = 3;
  batch.run->model_requests = 2;
  batch.run->ended_at = 99;
  REQUIRE(db->apply(batch) == caf::none);
  auto chat = db->load_chat(ada, 1);
  REQUIRE(chat);
  CHECK(chat->chat.last_seq == 2);
  CHECK(chat->chat.model == "offline");
  REQUIRE(chat->messages.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(chat->messages[i].seq == batch.messages[i].seq);
    CHECK(chat->messages[i].turn == batch.messages[i].turn);
    CHECK(chat->messages[i].run_id == batch.messages[i].run_id);
    CHECK(chat->messages[i].created_at == batch.messages[i].created_at);
    CHECK(to_json_text(chat->messages[i].content) == to_json_text(batch.messages[i].content));
  }
  REQUIRE(chat->runs.size() == 1);
  auto& run = chat->runs[0];
  CHECK(run.status == run_status::completed);
  CHECK(run.error == "no error");
  CHECK(to_json(run.usage) == to_json(batch.run->usage));
  CHECK(run.model_requests == 2);
  CHECK(run.first_seq == 1);
  CHECK(run.started_at == 1'000);
  CHECK(run.ended_at == 99);
}

TEST_CASE_FIXTURE(two_users, "the JSON column holds exactly the message's JSON text") {
  auto batch = first_turn(1, ada);
  REQUIRE(db->apply(batch) == caf::none);
  raw_database raw{scratch / "varro.db"};
  CHECK(raw.text("SELECT json FROM messages") == to_json_text(batch.messages[0].content));
}

TEST_CASE_FIXTURE(two_users, "a row that cannot be decoded is an error that names chat and seq") {
  REQUIRE(db->apply(first_turn(41, ada)) == caf::none);
  REQUIRE(db->load_chat(ada, 41));
  raw_database{scratch / "varro.db"}.execute("UPDATE messages SET json = '{\"kind\":' WHERE seq = 1");
  auto chat = db->load_chat(ada, 41);
  REQUIRE_FALSE(chat);
  CHECK(code_of(chat.error()) == errc::storage_failed);
  CHECK(text_of(chat.error()).find("message 1 of chat 41") != std::string::npos);
}

TEST_CASE_FIXTURE(two_users, "a batch is stored as a whole or not at all") {
  REQUIRE(db->apply(first_turn(1, ada)) == caf::none);
  auto batch = batch_of(make_chat(1, ada, "a new title"));
  batch.run = make_run(2, 1, 2);
  batch.supersede_from_turn = 1;
  batch.messages.push_back(make_row(1, 2, prompt("again"), 2));
  batch.messages.push_back(make_row(1, 1, prompt("a seq that is taken"), 2));
  auto err = db->apply(batch);
  CHECK(code_of(err) == errc::storage_failed);
  CHECK(text_of(err).find("seq 1") != std::string::npos);
  auto chat = db->load_chat(ada, 1);
  REQUIRE(chat);
  CHECK(chat->chat.title == "a chat");
  CHECK(chat->chat.last_seq == 1);
  CHECK(chat->messages.size() == 1);
  CHECK(chat->runs.size() == 1);
  batch.messages.pop_back();
  CHECK(db->apply(batch) == caf::none);
  CHECK(db->load_chat(ada, 1)->chat.title == "a new title");
}

TEST_CASE_FIXTURE(two_users, "a batch that fails inside a group takes no other with it") {
  REQUIRE(db->begin() == caf::none);
  CHECK(db->apply(first_turn(1, ada, 1)) == caf::none);
  auto bad = first_turn(2, ada, 2);
  bad.messages.push_back(make_row(2, 1, prompt("the same seq")));
  CHECK(db->apply(bad));
  CHECK(db->apply(first_turn(3, bob, 3)) == caf::none);
  REQUIRE(db->commit() == caf::none);
  CHECK(db->load_chat(ada, 1));
  CHECK_FALSE(db->load_chat(ada, 2));
  CHECK(db->load_chat(bob, 3));
}

TEST_CASE_FIXTURE(two_users, "a group that is rolled back leaves nothing, and one that is not committed is not seen") {
  auto reader = sqlite_database::open(scratch.path(), sqlite_database::mode::read_only);
  REQUIRE(reader);
  REQUIRE(db->begin() == caf::none);
  REQUIRE(db->apply(first_turn(1, ada)) == caf::none);
  CHECK_FALSE((*reader)->load_chat(ada, 1));
  db->rollback();
  CHECK_FALSE(db->load_chat(ada, 1));
  REQUIRE(db->begin() == caf::none);
  REQUIRE(db->apply(first_turn(1, ada)) == caf::none);
  REQUIRE(db->commit() == caf::none);
  CHECK((*reader)->load_chat(ada, 1));
}

TEST_CASE_FIXTURE(two_users, "transactions do not nest and do not end twice") {
  CHECK(db->commit());
  REQUIRE(db->begin() == caf::none);
  CHECK(db->begin());
  CHECK(db->commit() == caf::none);
  CHECK(db->commit());
}

TEST_CASE_FIXTURE(two_users, "no batch writes into a chat of another user") {
  REQUIRE(db->apply(first_turn(1, ada)) == caf::none);
  SUBCASE("not by naming the chat and oneself") {
    CHECK(code_of(db->apply(batch_of(bob, make_row(1, 2, prompt("mine now"))))) == errc::not_found);
  }
  SUBCASE("not by bringing a record of it") {
    auto batch = first_turn(1, bob, 2);
    batch.messages[0].seq = 2;
    CHECK(code_of(db->apply(batch)) == errc::not_found);
  }
  SUBCASE("not with a record of one's own and another user's name") {
    auto batch = batch_of(make_chat(1, ada));
    batch.user_id = bob;
    CHECK(code_of(db->apply(batch)) == errc::invalid_input);
  }
  SUBCASE("not with rows of another chat in a batch of one's own") {
    auto batch = batch_of(make_chat(2, bob));
    batch.messages.push_back(make_row(1, 2, prompt("hidden")));
    CHECK(code_of(db->apply(batch)) == errc::invalid_input);
  }
  SUBCASE("not with a run of another chat") {
    auto batch = batch_of(make_chat(2, bob));
    batch.run = make_run(1, 1);
    CHECK(code_of(db->apply(batch)) == errc::invalid_input);
    batch.run = make_run(1, 2);
    CHECK(db->apply(batch));
  }
  SUBCASE("not by superseding") {
    write_batch batch;
    batch.chat_id = 1;
    batch.user_id = bob;
    batch.supersede_from_turn = 1;
    CHECK(code_of(db->apply(batch)) == errc::not_found);
  }
  SUBCASE("not without a name") {
    CHECK(code_of(db->apply(batch_of(0, make_row(1, 2, prompt("anonymous"))))) == errc::invalid_input);
  }
  auto chat = db->load_chat(ada, 1);
  REQUIRE(chat);
  CHECK(chat->chat.user_id == ada);
  CHECK(chat->messages.size() == 1);
  CHECK(chat->runs.size() == 1);
  // The owner can.
  CHECK(db->apply(batch_of(ada, make_row(1, 2, prompt("mine")))) == caf::none);
  CHECK(db->load_chat(ada, 1)->messages.size() == 2);
}

TEST_CASE_FIXTURE(two_users, "a batch of a chat or a user that does not exist is not_found") {
  CHECK(code_of(db->apply(batch_of(ada, make_row(77, 1, prompt("?"))))) == errc::not_found);
  CHECK(code_of(db->apply(first_turn(1, 999))) == errc::not_found);
}

TEST_CASE_FIXTURE(two_users, "last_seq and updated_at follow the rows and never go back") {
  REQUIRE(db->apply(first_turn(1, ada)) == caf::none);
  REQUIRE(db->apply(batch_of(ada, make_row(1, 5, answer("later")))) == caf::none);
  auto chat = db->load_chat(ada, 1)->chat;
  CHECK(chat.last_seq == 5);
  CHECK(chat.updated_at == 1'005);
  auto batch = batch_of(make_chat(1, ada));
  batch.chat->last_seq = 2;
  batch.chat->updated_at = 3;
  REQUIRE(db->apply(batch) == caf::none);
  chat = db->load_chat(ada, 1)->chat;
  CHECK(chat.last_seq == 5);
  CHECK(chat.updated_at == 1'005);
  auto end = write_batch{};
  end.chat_id = 1;
  end.user_id = ada;
  end.run = make_run(1, 1);
  end.run->end_seq = 6;
  REQUIRE(db->apply(end) == caf::none);
  CHECK(db->load_chat(ada, 1)->chat.last_seq == 6);
}

TEST_CASE_FIXTURE(two_users, "a superseded branch stays in the file and is not loaded") {
  REQUIRE(db->apply(first_turn(1, ada)) == caf::none);
  auto second = batch_of(ada, make_row(1, 2, prompt("second"), 2));
  second.run = make_run(2, 1, 2);
  REQUIRE(db->apply(second) == caf::none);
  auto edit = batch_of(ada, make_row(1, 3, prompt("second, edited"), 2));
  edit.supersede_from_turn = 2;
  edit.run = make_run(3, 1, 2);
  REQUIRE(db->apply(edit) == caf::none);
  auto chat = db->load_chat(ada, 1);
  REQUIRE(chat);
  REQUIRE(chat->messages.size() == 2);
  CHECK(chat->messages[0].seq == 1);
  CHECK(chat->messages[1].seq == 3);
  REQUIRE(chat->runs.size() == 2);
  CHECK(chat->runs[0].id == 1);
  CHECK(chat->runs[1].id == 3);
  CHECK(rows(1) == "3");
}

TEST_CASE("a full disk fails the whole group, says so, and the next one works when there is room") {
  scratch_dir scratch;
  faulty_disk disk;
  auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  auto user = db->local_user()->id;
  REQUIRE(db->apply(first_turn(1, user)) == caf::none);
  SUBCASE("found by the commit") {
    REQUIRE(db->begin() == caf::none);
    REQUIRE(db->apply(batch_of(user, make_row(1, 2, prompt("lost")))) == caf::none);
    disk.fill_after(0);
    auto err = db->commit();
    CHECK(code_of(err) == errc::storage_failed);
    CHECK(text_of(err).find("full") != std::string::npos);
    CHECK(text_of(err).find((scratch / "varro.db").string()) != std::string::npos);
  }
  SUBCASE("found while the group is written") {
    // More than SQLite's page cache, so that pages are spilled before the commit.
    REQUIRE(db->begin() == caf::none);
    disk.fill_after(0);
    caf::error first;
    for (int64_t seq = 2; seq < 40 && !first; ++seq)
      first = db->apply(batch_of(user, make_row(1, seq, prompt(std::string(500'000, 'x')))));
    REQUIRE(first);
    CHECK(text_of(first).find("full") != std::string::npos);
    disk.make_room();
    CHECK(db->apply(batch_of(user, make_row(1, 99, prompt("after it")))));
    CHECK(db->commit());
  }
  disk.make_room();
  auto chat = db->load_chat(user, 1);
  REQUIRE(chat);
  CHECK(chat->messages.size() == 1);
  CHECK(db->apply(batch_of(user, make_row(1, 2, prompt("stored")))) == caf::none);
  CHECK(db->load_chat(user, 1)->messages.size() == 2);
  CHECK(db->check() == caf::none);
  db.reset();
}

TEST_CASE("a commit is on the disk when it returns: it is synced") {
  scratch_dir scratch;
  faulty_disk disk;
  auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  auto user = db->local_user()->id;
  REQUIRE(db->apply(first_turn(1, user)) == caf::none);
  auto before = disk.synced();
  REQUIRE(db->begin() == caf::none);
  for (int64_t seq = 2; seq < 10; ++seq)
    REQUIRE(db->apply(batch_of(user, make_row(1, seq, prompt("x")))) == caf::none);
  CHECK(disk.synced() == before);
  REQUIRE(db->commit() == caf::none);
  CHECK(disk.synced() == before + 1);
  db.reset();
}
