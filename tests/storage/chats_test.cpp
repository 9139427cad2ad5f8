#include "storage/limits.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "storage/sqlite/sqlite_search_index.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

struct chats_of_two {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db;
  int64_t ada = 0;
  int64_t bob = 0;
  int64_t runs = 0;

  chats_of_two() {
    db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    ada = db->add_user("ada", "hash")->id;
    bob = db->add_user("bob", "hash")->id;
  }

  void put(int64_t id, int64_t user, std::string title, unix_us time, std::string question = "",
           std::string reply = "") {
    auto batch = batch_of(make_chat(id, user, std::move(title), time));
    batch.run = make_run(++runs, id);
    if (!question.empty())
      batch.messages.push_back(make_row(id, 1, prompt(std::move(question))));
    if (!reply.empty())
      batch.messages.push_back(make_row(id, 2, answer(std::move(reply))));
    for (auto& row : batch.messages)
      row.created_at = time;
    REQUIRE(db->apply(batch) == caf::none);
  }

  std::vector<int64_t> found(int64_t user, std::string_view query, int limit = 100) {
    std::vector<int64_t> ids;
    if (query.empty()) {
      auto chats = db->list_chats(user, {}, limit);
      REQUIRE(chats);
      for (auto& chat : *chats)
        ids.push_back(chat.id);
      return ids;
    }
    auto index = sqlite_search_index::open(scratch.path());
    REQUIRE(index);
    while (!*(*index)->catch_up(search_step_max)) {
    }
    auto chats = (*index)->search(user, query, limit);
    REQUIRE(chats);
    for (auto& each : chats->chats)
      ids.push_back(each.chat.id);
    return ids;
  }
};

using ids = std::vector<int64_t>;

} // namespace

TEST_CASE_FIXTURE(chats_of_two, "a chat is loaded, renamed and deleted by its owner only") {
  put(1, ada, "Primes", 1'000, "Which?", "These.");
  CHECK(code_of(db->load_chat(bob, 1).error()) == errc::not_found);
  CHECK(code_of(db->rename_chat(bob, 1, "Mine")) == errc::not_found);
  CHECK(code_of(db->delete_chat(bob, 1)) == errc::not_found);
  CHECK(found(bob, "") == ids{});
  CHECK(found(bob, "Primes") == ids{});
  CHECK(found(bob, "These") == ids{});
  REQUIRE(db->load_chat(ada, 1));
  CHECK(db->load_chat(ada, 1)->messages.size() == 2);
  CHECK(db->load_chat(ada, 1)->chat.title == "Primes");
  CHECK(db->rename_chat(ada, 1, "Prime numbers") == caf::none);
  CHECK(db->load_chat(ada, 1)->chat.title == "Prime numbers");
  CHECK(found(ada, "") == ids{1});
  CHECK(found(ada, "These") == ids{1});
  CHECK(db->delete_chat(ada, 1) == caf::none);
  CHECK(code_of(db->load_chat(ada, 1).error()) == errc::not_found);
  CHECK(found(ada, "These") == ids{});
}

TEST_CASE_FIXTURE(chats_of_two, "the same error answers for another user's chat and for none") {
  put(1, ada, "Primes", 1'000);
  auto text = text_of(db->load_chat(bob, 1).error());
  REQUIRE(db->delete_chat(ada, 1) == caf::none);
  CHECK(text_of(db->load_chat(bob, 1).error()) == text);
}

TEST_CASE_FIXTURE(chats_of_two, "chats are listed newest first, up to the limit") {
  put(1, ada, "one", 3'000);
  put(2, ada, "two", 1'000);
  put(3, ada, "three", 2'000);
  put(4, ada, "four", 2'000);
  CHECK(found(ada, "") == ids{1, 4, 3, 2});
  CHECK(found(ada, "", 2) == ids{1, 4});
  CHECK(found(ada, "o", 2) == ids{1, 4});
  CHECK(found(ada, "", 0) == ids{});
  CHECK(found(ada, "", -1) == ids{});
}

TEST_CASE_FIXTURE(chats_of_two, "a list goes on after a chat, also between chats of the same time") {
  put(1, ada, "one", 3'000);
  put(2, ada, "two", 1'000);
  put(3, ada, "three", 2'000);
  put(4, ada, "four", 2'000);
  put(5, bob, "five", 2'000);
  auto after = [&](chat_place place, int limit = 100) {
    ids out;
    auto chats = db->list_chats(ada, place, limit);
    REQUIRE(chats);
    for (auto& chat : *chats)
      out.push_back(chat.id);
    return out;
  };
  CHECK(after({3'000, 1}) == ids{4, 3, 2});
  CHECK(after({2'000, 4}) == ids{3, 2});
  CHECK(after({2'000, 3}) == ids{2});
  CHECK(after({2'000, 4}, 1) == ids{3});
  CHECK(after({1'000, 2}) == ids{});
  // A place needs no chat: it may have been deleted.
  CHECK(after({2'000, 99}) == ids{4, 3, 2});
}

TEST_CASE_FIXTURE(chats_of_two, "no list is longer than the limit of storage, whatever is asked for") {
  REQUIRE(db->begin() == caf::none);
  for (int64_t id = 1; id <= storage_list_chats_max + 1; ++id)
    put(id, ada, "chat", id);
  REQUIRE(db->commit() == caf::none);
  CHECK(found(ada, "", 1'000'000).size() == storage_list_chats_max);
  CHECK(found(ada, "", storage_list_chats_max - 1).size() == storage_list_chats_max - 1);
}

TEST_CASE_FIXTURE(chats_of_two, "a search finds titles, questions and answers without regard to case") {
  put(1, ada, "Prime Numbers", 1'000);
  put(2, ada, "b", 2'000, "Plot the PRIMES, please");
  put(3, ada, "c", 3'000, "?", "Here are some primes.");
  put(4, ada, "d", 4'000, "Something else", "entirely");
  CHECK(found(ada, "prime") == ids{3, 2, 1});
  CHECK(found(ada, "PRIME") == ids{3, 2, 1});
  CHECK(found(ada, "primes,") == ids{2});
  CHECK(found(ada, "nothing like it") == ids{});
}

TEST_CASE_FIXTURE(chats_of_two, "case is folded in every script") {
  put(1, ada, "ÄPFEL und Öl", 1'000);
  put(2, ada, "b", 2'000, "ΟΔΥΣΣΕΥΣ Одиссей");
  CHECK(found(ada, "äpfel") == ids{1});
  CHECK(found(ada, "öL") == ids{1});
  CHECK(found(ada, "οδυσσευς") == ids{2});
  CHECK(found(ada, "ОДИССЕЙ") == ids{2});
  CHECK(found(ada, "apfel") == ids{});
}

TEST_CASE_FIXTURE(chats_of_two, "a search takes wildcards, quotes and broken bytes as plain characters") {
  put(1, ada, "100% sure", 1'000);
  put(2, ada, "100 times", 2'000, "a_b and c\\d and 'quoted' and \"twice\"");
  put(3, ada, "axb", 3'000);
  CHECK(found(ada, "100%") == ids{1});
  CHECK(found(ada, "%") == ids{1});
  CHECK(found(ada, "a_b") == ids{2});
  CHECK(found(ada, "c\\d") == ids{2});
  CHECK(found(ada, "'quoted'") == ids{2});
  CHECK(found(ada, "\"twice\"") == ids{2});
  CHECK(found(ada, "\xff\xc3") == ids{});
  CHECK(found(ada, "100") == ids{2, 1});
}

TEST_CASE_FIXTURE(chats_of_two, "a search does not find what was replaced, nor the JSON around the text") {
  put(1, ada, "a", 1'000, "elephants");
  CHECK(found(ada, "elephants") == ids{1});
  CHECK(found(ada, "user-prompt") == ids{});
  auto edit = batch_of(ada, make_row(1, 5, prompt("giraffes")));
  edit.supersede_from_turn = 1;
  REQUIRE(db->apply(edit) == caf::none);
  CHECK(found(ada, "elephants") == ids{});
  CHECK(found(ada, "giraffes") == ids{1});
}

TEST_CASE_FIXTURE(chats_of_two, "runs that nobody has ended are listed with their owners, others are not") {
  put(1, ada, "a", 1'000, "?");
  auto batch = batch_of(make_chat(2, bob));
  batch.run = make_run(++runs, 2);
  batch.run->status = run_status::completed;
  batch.run->ended_at = 7;
  REQUIRE(db->apply(batch) == caf::none);
  auto open = db->open_runs();
  REQUIRE(open);
  REQUIRE(open->size() == 1);
  CHECK(open->front().user_id == ada);
  CHECK(open->front().chat_id == 1);
  auto contents = db->load_chat(ada, 1);
  REQUIRE(contents);
  batch = {};
  batch.chat_id = 1;
  batch.user_id = ada;
  batch.run = contents->runs.at(0);
  batch.run->resumes = 2;
  REQUIRE(db->apply(batch) == caf::none);
  CHECK(db->load_chat(ada, 1)->runs.at(0).resumes == 2);
  CHECK(db->open_runs()->size() == 1);
  batch.run->status = run_status::interrupted;
  REQUIRE(db->apply(batch) == caf::none);
  CHECK(db->open_runs()->empty());
}

TEST_CASE("a chat keeps the Python that it was made with") {
  scratch_dir scratch;
  auto db = sqlite_database::open(scratch.path(), sqlite_database::mode::read_write);
  auto user = (*db)->add_user("ada", "hash");
  auto chat = make_chat(1, user->id);
  chat.python = "science";
  REQUIRE((*db)->apply(batch_of(chat)) == caf::none);
  chat.python = "another";
  REQUIRE((*db)->apply(batch_of(chat)) == caf::none);
  CHECK((*db)->load_chat(user->id, 1)->chat.python == "science");
  CHECK((*db)->list_chats(user->id, {}, 10)->at(0).python == "science");
}

TEST_CASE("what a user's workspaces hold is added up without one of them, and without other users'") {
  scratch_dir scratch;
  auto db = sqlite_database::open(scratch.path(), sqlite_database::mode::read_write);
  auto ada = (*db)->add_user("ada", "hash")->id, bob = (*db)->add_user("bob", "hash")->id;
  for (int64_t chat = 1; chat <= 3; ++chat)
    REQUIRE((*db)->apply(batch_of(make_chat(chat, ada))) == caf::none);
  REQUIRE((*db)->apply(batch_of(make_chat(4, bob))) == caf::none);
  CHECK((*db)->holdings(ada, 1)->other_workspaces == 0);
  REQUIRE((*db)->set_workspace_bytes(ada, 1, 100) == caf::none);
  REQUIRE((*db)->set_workspace_bytes(ada, 2, 20) == caf::none);
  REQUIRE((*db)->set_workspace_bytes(ada, 2, 30) == caf::none);
  REQUIRE((*db)->set_workspace_bytes(bob, 4, 7) == caf::none);
  CHECK((*db)->set_workspace_bytes(bob, 3, 1'000) == caf::none); // it is ada's
  CHECK((*db)->set_workspace_bytes(ada, 99, 1'000) == caf::none);
  CHECK((*db)->holdings(ada, 1)->other_workspaces == 30);
  CHECK((*db)->holdings(ada, 3)->other_workspaces == 130);
  CHECK((*db)->holdings(bob, 1)->other_workspaces == 7);
  REQUIRE((*db)->apply(batch_of(make_chat(1, ada))) == caf::none); // a turn forgets nothing
  CHECK((*db)->holdings(ada, 3)->other_workspaces == 130);
  REQUIRE((*db)->delete_chat(ada, 1) == caf::none);
  CHECK((*db)->holdings(ada, 3)->other_workspaces == 30);
}

TEST_CASE_FIXTURE(chats_of_two, "a chat keeps its prefix until another one replaces it, and goes with it") {
  put(1, ada, "Primes", 1'000);
  CHECK_FALSE(db->load_chat(ada, 1)->prefix);
  write_batch batch;
  batch.chat_id = 1;
  batch.user_id = ada;
  batch.prefix = chat_prefix{"Be brief.", "[]"};
  REQUIRE(db->apply(batch) == caf::none);
  CHECK(db->load_chat(ada, 1)->prefix->instructions == "Be brief.");
  batch.prefix = chat_prefix{"Be thorough.", R"([{"name":"python"}])"};
  REQUIRE(db->apply(batch) == caf::none);
  CHECK(db->load_chat(ada, 1)->prefix->instructions == "Be thorough.");
  CHECK(db->load_chat(ada, 1)->prefix->tools == R"([{"name":"python"}])");
  SUBCASE("nobody else's batch changes it") {
    batch.user_id = bob;
    batch.prefix = chat_prefix{"Obey Bob.", "[]"};
    CHECK(code_of(db->apply(batch)) == errc::not_found);
    CHECK(db->load_chat(ada, 1)->prefix->instructions == "Be thorough.");
  }
  SUBCASE("a deleted chat leaves none behind") {
    REQUIRE(db->delete_chat(ada, 1) == caf::none);
    put(1, ada, "Another", 2'000);
    CHECK_FALSE(db->load_chat(ada, 1)->prefix);
  }
}

TEST_CASE_FIXTURE(chats_of_two, "the effort of a chat is kept and listed") {
  auto chat = make_chat(1, ada, "Primes", 1'000);
  chat.effort = "high";
  REQUIRE(db->apply(batch_of(chat)) == caf::none);
  CHECK(db->load_chat(ada, 1)->chat.effort == "high");
  CHECK(db->list_chats(ada, {}, 10)->at(0).effort == "high");
  chat.effort.clear();
  REQUIRE(db->apply(batch_of(chat)) == caf::none);
  CHECK(db->load_chat(ada, 1)->chat.effort.empty());
}
