#include "actors/store.hpp"
#include "storage/sqlite/sqlite_database.hpp"

#include "tests/support/chat_rows.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/scratch_dir.hpp"

#include <caf/scoped_actor.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <set>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace {

struct system_config : caf::actor_system_config {
  system_config() {
    add_message_types<caf::id_block::varro_base>();
    add_message_types<caf::id_block::varro>();
    set("scheduler.max-threads", 2u);
  }
};

std::unique_ptr<sqlite_database> open_database(const scratch_dir& scratch, sqlite_database::mode mode) {
  auto db = sqlite_database::open(scratch.path(), mode);
  if (!db)
    throw std::runtime_error(text_of(db.error()));
  return std::move(*db);
}

// A store with its reader on real threads, above a disk that counts its syncs.
struct running_store {
  scratch_dir scratch;
  faulty_disk disk;
  system_config settings;
  caf::actor_system system{settings};
  int64_t ada = 0;
  int64_t bob = 0;
  store_actor store;
  store_reader_actor reader;
  std::unique_ptr<caf::scoped_actor> self;

  running_store() {
    auto db = open_database(scratch, sqlite_database::mode::read_write);
    ada = db->add_user("ada", "hash")->id;
    bob = db->add_user("bob", "hash")->id;
    store = spawn_store(system, std::move(db));
    reader = spawn_store_reader(system, open_database(scratch, sqlite_database::mode::read_only));
    self = std::make_unique<caf::scoped_actor>(system);
  }

  ~running_store() {
    stop();
  }

  // Ends both actors and waits until their files are closed.
  void stop() {
    if (!self)
      return;
    (*self)->send_exit(reader, caf::exit_reason::user_shutdown);
    (*self)->send_exit(store, caf::exit_reason::user_shutdown);
    (*self)->wait_for(reader, store);
    store = nullptr;
    reader = nullptr;
    self.reset();
  }

  // Keeps the store's thread in one commit until the file is free again, so that what is sent meanwhile queues up.
  template <class Send>
  void while_the_store_waits(Send&& send_requests) {
    auto holder = open_database(scratch, sqlite_database::mode::read_write);
    REQUIRE(holder->begin() == caf::none);
    send_requests();
    holder->rollback();
  }

  template <class... Ts>
  caf::error write(Ts&&... message) {
    caf::error result;
    (*self)
      ->request(store, caf::infinite, std::forward<Ts>(message)...)
      .receive([](done_atom) {}, [&](caf::error& err) { result = std::move(err); });
    return result;
  }

  template <class... Ts>
  caf::expected<int64_t> draw(const store_actor& from, Ts&&... message) {
    caf::expected<int64_t> result{caf::error{}};
    (*self)
      ->request(from, caf::infinite, std::forward<Ts>(message)...)
      .receive([&](int64_t first) { result = first; }, [&](caf::error& err) { result = std::move(err); });
    return result;
  }

  template <class T, class... Ts>
  caf::expected<T> read(Ts&&... message) {
    caf::expected<T> result{caf::error{}};
    (*self)
      ->request(reader, caf::infinite, std::forward<Ts>(message)...)
      .receive([&](T& value) { result = std::move(value); }, [&](caf::error& err) { result = std::move(err); });
    return result;
  }
};

write_batch new_chat(int64_t id, int64_t user, std::string text = "Hello") {
  auto batch = batch_of(make_chat(id, user, "chat " + std::to_string(id)));
  batch.messages.push_back(make_row(id, 1, prompt(std::move(text))));
  return batch;
}

} // namespace

TEST_CASE_FIXTURE(running_store, "what is committed is seen by the reader") {
  REQUIRE(write(commit_atom_v, new_chat(1, ada)) == caf::none);
  auto chat = read<chat_contents>(load_atom_v, ada, int64_t{1});
  REQUIRE(chat);
  CHECK(chat->messages.size() == 1);
  auto list = read<std::vector<chat_record>>(list_atom_v, ada, unix_us{0}, int64_t{0}, 10);
  REQUIRE(list);
  CHECK(list->size() == 1);
  REQUIRE(write(rename_atom_v, ada, int64_t{1}, std::string{"Greetings"}) == caf::none);
  CHECK(read<chat_contents>(load_atom_v, ada, int64_t{1})->chat.title == "Greetings");
  REQUIRE(write(remove_atom_v, ada, int64_t{1}, audit_origin{}) == caf::none);
  CHECK(code_of(read<chat_contents>(load_atom_v, ada, int64_t{1}).error()) == errc::not_found);
}

TEST_CASE_FIXTURE(running_store, "another user's chat is not found, neither to read nor to write") {
  REQUIRE(write(commit_atom_v, new_chat(1, ada)) == caf::none);
  CHECK(code_of(read<chat_contents>(load_atom_v, bob, int64_t{1}).error()) == errc::not_found);
  CHECK(code_of(write(rename_atom_v, bob, int64_t{1}, std::string{"mine"})) == errc::not_found);
  CHECK(code_of(write(remove_atom_v, bob, int64_t{1}, audit_origin{})) == errc::not_found);
  CHECK(code_of(write(commit_atom_v, batch_of(bob, make_row(1, 2, prompt("x"))))) == errc::not_found);
  CHECK(read<std::vector<chat_record>>(list_atom_v, bob, unix_us{0}, int64_t{0}, 10)->empty());
  CHECK(read<std::vector<chat_record>>(list_atom_v, ada, unix_us{0}, int64_t{0}, 10)->size() == 1);
  CHECK(write(commit_atom_v, batch_of(ada, make_row(1, 2, prompt("x")))) == caf::none);
}

TEST_CASE_FIXTURE(running_store, "logins are written by the store and found by the reader") {
  login_record login{"hash of a token", ada, "csrf", now_us(), now_us() + 3'600'000'000};
  REQUIRE(write(login_atom_v, login) == caf::none);
  auto found = read<login_found>(login_atom_v, std::string{"hash of a token"});
  REQUIRE(found);
  CHECK(found->user.name == "ada");
  CHECK(found->login.csrf == "csrf");
  CHECK(read<user_record>(user_atom_v, std::string{"bob"})->id == bob);
  CHECK(code_of(read<user_record>(user_atom_v, std::string{"eve"}).error()) == errc::not_found);
  CHECK(read<done_atom>(ready_atom_v));
  REQUIRE(write(logout_atom_v, std::string{"hash of a token"}, audit_origin{}) == caf::none);
  CHECK(code_of(read<login_found>(login_atom_v, std::string{"hash of a token"}).error()) == errc::not_found);
}

TEST_CASE_FIXTURE(running_store, "an account that is made without a link, its sessions and their end") {
  login_record login{"hash of a token", 0, "csrf", now_us(), now_us() + 3'600'000'000};
  const account_write joined = user_joined{"", "cid", "hash", login, 10};
  REQUIRE(write(user_atom_v, joined) == caf::none);
  auto cid = read<user_record>(user_atom_v, std::string{"cid"});
  REQUIRE(cid);
  CHECK(code_of(write(user_atom_v, joined)) == errc::invalid_input);
  CHECK(read<std::vector<login_record>>(list_atom_v, cid->id)->size() == 1);
  CHECK(read<std::vector<login_record>>(list_atom_v, ada)->empty());
  CHECK(code_of(read<link_found>(link_atom_v, std::string{"no link"}).error()) == errc::not_found);
  REQUIRE(write(user_atom_v, account_write{login_ended{cid->id, "hash of a token"}}) == caf::none);
  CHECK(read<std::vector<login_record>>(list_atom_v, cid->id)->empty());
}

TEST_CASE_FIXTURE(running_store, "500 writes that wait together share transactions, and all are there after a reopen") {
  constexpr int64_t count = 500;
  int64_t answered = 0;
  auto before = disk.synced();
  while_the_store_waits([&] {
    for (int64_t id = 1; id <= count; ++id)
      (*self)->send(store, commit_atom_v, new_chat(id, ada));
  });
  (*self)->receive_for(answered, count)([](done_atom) {});
  CHECK(answered == count);
  // The first group may hold as little as one write; each transaction syncs once, a checkpoint some more.
  CHECK(disk.synced() - before < count / 10);
  stop();
  auto db = open_database(scratch, sqlite_database::mode::read_write);
  CHECK(db->list_chats(ada, {}, 1'000)->size() == count);
  CHECK(db->load_chat(ada, count)->messages.size() == 1);
}

TEST_CASE_FIXTURE(running_store, "a group ends at its limit and goes on with the next one") {
  constexpr int64_t count = static_cast<int64_t>(store_group_writes_max) * 2 + 3;
  int64_t answered = 0;
  auto before = disk.synced();
  while_the_store_waits([&] {
    for (int64_t id = 1; id <= count; ++id)
      (*self)->send(store, commit_atom_v, new_chat(id, ada));
  });
  (*self)->receive_for(answered, count)([](done_atom) {});
  CHECK(disk.synced() - before >= 3);
  CHECK(read<chat_contents>(load_atom_v, ada, count));
}

TEST_CASE_FIXTURE(running_store, "a write that fails answers its own error and leaves the others of its group alone") {
  int done = 0;
  std::vector<errc> failed;
  while_the_store_waits([&] {
    for (int64_t id = 1; id <= 9; ++id) {
      auto batch = new_chat(id, ada);
      if (id % 3 == 0)
        batch.messages.push_back(make_row(id, 1, prompt("the same seq")));
      (*self)->send(store, commit_atom_v, batch);
    }
  });
  int answered = 0;
  (*self)->receive_for(answered, 9)([&](done_atom) { ++done; },
                                    [&](caf::error& err) { failed.push_back(code_of(err)); });
  CHECK(done == 6);
  CHECK(failed == std::vector<errc>(3, errc::storage_failed));
  for (int64_t id = 1; id <= 9; ++id)
    CHECK(static_cast<bool>(read<chat_contents>(load_atom_v, ada, id)) == (id % 3 != 0));
}

TEST_CASE_FIXTURE(running_store, "writes of one sender are stored and answered in the order they were sent") {
  REQUIRE(write(commit_atom_v, new_chat(1, ada)) == caf::none);
  while_the_store_waits([&] {
    (*self)->send(store, rename_atom_v, ada, int64_t{1}, std::string{"first"});
    (*self)->send(store, rename_atom_v, ada, int64_t{1}, std::string{"second"});
    (*self)->send(store, remove_atom_v, ada, int64_t{1}, audit_origin{});
    (*self)->send(store, commit_atom_v, new_chat(1, bob));
  });
  int answered = 0;
  (*self)->receive_for(answered, 4)([](done_atom) {});
  CHECK(read<chat_contents>(load_atom_v, bob, int64_t{1}));
  CHECK_FALSE(read<chat_contents>(load_atom_v, ada, int64_t{1}));
}

TEST_CASE_FIXTURE(running_store, "a commit that fails is the answer to every write of its group, and the next works") {
  REQUIRE(write(commit_atom_v, new_chat(100, ada)) == caf::none);
  std::vector<std::string> failed;
  while_the_store_waits([&] {
    for (int64_t id = 1; id <= 5; ++id)
      (*self)->send(store, commit_atom_v, new_chat(id, ada));
    disk.fill_after(0);
  });
  int answered = 0;
  (*self)->receive_for(answered, 5)([&](done_atom) {}, [&](caf::error& err) { failed.push_back(text_of(err)); });
  REQUIRE(failed.size() == 5);
  CHECK(failed.front().find("full") != std::string::npos);
  CHECK(failed.back().find("full") != std::string::npos);
  disk.make_room();
  CHECK(write(commit_atom_v, new_chat(1, ada)) == caf::none);
  CHECK(read<std::vector<chat_record>>(list_atom_v, ada, unix_us{0}, int64_t{0}, 10)->size() == 2);
}

TEST_CASE_FIXTURE(running_store, "an exit commits and answers what is written before the actor ends") {
  while_the_store_waits([&] {
    (*self)->send(store, commit_atom_v, new_chat(1, ada));
    (*self)->send(store, commit_atom_v, new_chat(2, ada));
  });
  int answered = 0;
  (*self)->receive_for(answered, 1)([](done_atom) {});
  stop();
  auto db = open_database(scratch, sqlite_database::mode::read_write);
  CHECK(db->load_chat(ada, 1));
}

TEST_CASE_FIXTURE(running_store, "ids cost no commit of their own, neither at once nor when a block is used up") {
  REQUIRE(draw(store, draw_runs_atom_v, 1)); // the actor has begun
  int64_t latest = 0;
  auto draw_some = [&](int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      auto run = draw(store, draw_runs_atom_v, 1);
      REQUIRE(run);
      CHECK(*run > latest);
      latest = *run;
    }
  };
  for (int64_t id = 1; id <= 3; ++id) {
    auto before = disk.synced();
    draw_some(run_ids_drawn - 10); // so that less than half of a block is left
    CHECK(disk.synced() == before);
    REQUIRE(write(commit_atom_v, new_chat(id, ada)) == caf::none);
    CHECK(disk.synced() == before + 1);
  }
}

TEST_CASE_FIXTURE(running_store, "who asks for more ids than are there gets them with one commit for all who wait") {
  REQUIRE(draw(store, draw_chat_atom_v));
  const int64_t runs = 3 * run_ids_drawn;
  const int64_t chats = 3 * chat_ids_drawn;
  int64_t answered = 0;
  std::vector<int64_t> drawn;
  auto before = disk.synced();
  while_the_store_waits([&] {
    (*self)->send(store, commit_atom_v, new_chat(1, ada)); // keeps the store's thread
    for (int64_t i = 0; i < runs; ++i)
      (*self)->send(store, draw_runs_atom_v, 1);
  });
  (*self)->receive_for(answered, runs + 1)([](done_atom) {}, [&](int64_t first) { drawn.push_back(first); });
  // The first group may hold few of them; each transaction syncs once, a checkpoint some more.
  CHECK(disk.synced() - before < 10);
  CHECK(std::set<int64_t>(drawn.begin(), drawn.end()).size() == static_cast<size_t>(runs));
  drawn.clear();
  answered = 0;
  for (int64_t i = 0; i < chats; ++i)
    (*self)->send(store, draw_chat_atom_v);
  (*self)->receive_for(answered, chats)([&](int64_t first) { drawn.push_back(first); });
  CHECK(std::set<int64_t>(drawn.begin(), drawn.end()).size() == static_cast<size_t>(chats));
  auto many = draw(store, draw_runs_atom_v, static_cast<int>(5 * run_ids_drawn));
  REQUIRE(many);
  CHECK(*draw(store, draw_runs_atom_v, 1) >= *many + 5 * run_ids_drawn);
}

TEST_CASE_FIXTURE(running_store, "ids that cannot be drawn are an error, and the next ones can") {
  REQUIRE(write(commit_atom_v, new_chat(100, ada)) == caf::none);
  for (auto count : {0, -1})
    CHECK(code_of(draw(store, draw_runs_atom_v, count).error()) == errc::invalid_input);
  disk.fill_after(0);
  auto refused = draw(store, draw_runs_atom_v, static_cast<int>(2 * run_ids_drawn));
  CHECK(code_of(refused.error()) == errc::storage_failed);
  CHECK(text_of(refused.error()).find("full") != std::string::npos);
  CHECK(draw(store, draw_runs_atom_v, 1)); // one that is here already
  disk.make_room();
  CHECK(draw(store, draw_runs_atom_v, static_cast<int>(2 * run_ids_drawn)));
}

TEST_CASE_FIXTURE(running_store, "a store that begins while the disk is full draws when there is room") {
  stop();
  disk.fill_after(0);
  self = std::make_unique<caf::scoped_actor>(system);
  store = spawn_store(system, open_database(scratch, sqlite_database::mode::read_write));
  reader = spawn_store_reader(system, open_database(scratch, sqlite_database::mode::read_only));
  CHECK(code_of(draw(store, draw_chat_atom_v).error()) == errc::storage_failed);
  disk.make_room();
  CHECK(draw(store, draw_chat_atom_v));
  CHECK(draw(store, draw_runs_atom_v, 1));
}

TEST_CASE_FIXTURE(running_store,
                  "two stores on one file draw ids that are nobody else's, and a store that follows too") {
  std::set<int64_t> chats, runs;
  auto draw_from = [&](const store_actor& from) {
    for (int i = 0; i < 3 * chat_ids_drawn; ++i)
      CHECK(chats.insert(*draw(from, draw_chat_atom_v)).second);
    for (int i = 0; i < 10; ++i) {
      auto first = draw(from, draw_runs_atom_v, 50);
      REQUIRE(first);
      for (int64_t id = *first; id < *first + 50; ++id)
        CHECK(runs.insert(id).second);
    }
  };
  auto other = spawn_store(system, open_database(scratch, sqlite_database::mode::read_write));
  for (int i = 0; i < 2; ++i) {
    draw_from(store);
    draw_from(other);
  }
  (*self)->send_exit(other, caf::exit_reason::user_shutdown);
  (*self)->wait_for(other);
  auto next = spawn_store(system, open_database(scratch, sqlite_database::mode::read_write));
  draw_from(next);
  (*self)->send_exit(next, caf::exit_reason::user_shutdown);
  (*self)->wait_for(next);
}

// Run by name, with --no-skip: the number depends on the disk.
TEST_CASE("benchmark: committed batches per second with fsync" * doctest::skip()) {
  running_store world;
  constexpr int64_t chats = 200;
  constexpr int64_t rounds = 200;
  for (int64_t id = 1; id <= chats; ++id)
    REQUIRE(world.write(commit_atom_v, new_chat(id, world.ada)) == caf::none);
  auto before = world.disk.synced();
  auto start = std::chrono::steady_clock::now();
  // As 200 sessions do it: each sends its next node when its last one is committed.
  auto next = [&](int64_t id, int64_t seq) {
    auto batch = batch_of(make_chat(id, world.ada));
    batch.chat->last_seq = seq;
    batch.messages.push_back(make_row(id, seq, answer(std::string(1'000, 'x'))));
    return batch;
  };
  for (int64_t seq = 2; seq < 2 + rounds; ++seq) {
    for (int64_t id = 1; id <= chats; ++id)
      (*world.self)->send(world.store, commit_atom_v, next(id, seq));
    int64_t answered = 0;
    (*world.self)->receive_for(answered, chats)([](done_atom) {});
  }
  auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%lld batches in %.2f s: %.0f batches/s, %lld syncs\n", static_cast<long long>(chats * rounds), seconds,
              static_cast<double>(chats * rounds) / seconds, static_cast<long long>(world.disk.synced() - before));
}
