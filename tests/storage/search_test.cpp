#include "storage/sqlite/sqlite_search_index.hpp"

#include "models/history.hpp"
#include "storage/limits.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace varro;
using namespace varro::test;

namespace fs = std::filesystem;

namespace {

message call_of(std::string code) {
  model_response response;
  tool_call_part call;
  call.tool_name = "python";
  call.tool_call_id = "c1";
  call.args = json{{"code", std::move(code)}};
  response.parts.push_back(call);
  return response;
}

message result_of(std::string text) {
  model_request request;
  tool_return_part result;
  result.tool_name = "python";
  result.tool_call_id = "c1";
  result.content = make_tool_content(std::move(text), {});
  request.parts.push_back(result);
  return request;
}

struct searched {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db;
  std::unique_ptr<sqlite_search_index> index;
  int64_t ada = 0;
  int64_t bob = 0;

  searched() {
    db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    ada = db->add_user("ada", "hash")->id;
    bob = db->add_user("bob", "hash")->id;
    reopen();
  }

  void reopen() {
    index.reset();
    auto opened = sqlite_search_index::open(scratch.path());
    REQUIRE(opened);
    index = std::move(*opened);
  }

  void put(int64_t chat, int64_t user, message_history contents, std::string title = "a chat") {
    auto batch = batch_of(make_chat(chat, user, std::move(title), chat));
    for (auto& content : contents)
      batch.messages.push_back(make_row(chat, static_cast<int64_t>(batch.messages.size()) + 1, std::move(content)));
    for (auto& row : batch.messages)
      row.created_at = chat;
    REQUIRE(db->apply(batch) == caf::none);
  }

  found_chats search(int64_t user, std::string_view query, int limit = 100) {
    while (!*index->catch_up(search_step_max)) {
    }
    auto found = index->search(user, query, limit);
    REQUIRE(found);
    return std::move(*found);
  }

  std::vector<int64_t> found(int64_t user, std::string_view query, int limit = 100) {
    std::vector<int64_t> ids;
    for (auto& each : search(user, query, limit).chats)
      ids.push_back(each.chat.id);
    return ids;
  }

  std::string excerpt_of(int64_t user, std::string_view query) {
    auto all = search(user, query);
    REQUIRE(all.chats.size() == 1);
    auto& text = all.chats[0].text;
    return text.before + "[" + text.match + "]" + text.after;
  }

  std::string indexed() {
    return raw_database{scratch / "search.db"}.text("SELECT count(*) FROM texts");
  }
};

using ids = std::vector<int64_t>;

} // namespace

TEST_CASE_FIXTURE(searched, "code and results are found as they were written") {
  put(1, ada, {call_of("df = pd.DataFrame({\"x\": [1]})\nprint(df)")});
  put(2, ada, {result_of("ZeroDivisionError: division by zero")});
  CHECK(found(ada, "pd.dataframe({\"X\"") == ids{1});
  CHECK(found(ada, ")\nprint") == ids{1});
  CHECK(found(ada, "zerodivision") == ids{2});
  CHECK(found(ada, "tool_call_id") == ids{});
  CHECK(excerpt_of(ada, "ZERODIVISIONerror") == "[ZeroDivisionError]: division by zero");
}

TEST_CASE_FIXTURE(searched, "a match is shown as it was written, with what stands around it, in any script") {
  put(1, ada, {prompt(std::string(200, 'a') + " Größe der ÄPFEL und Birnen " + std::string(200, 'b'))});
  auto text = search(ada, "der äpfel").chats.at(0).text;
  CHECK(text.match == "der ÄPFEL");
  CHECK(text.before == "…" + std::string(53, 'a') + " Größe ");
  CHECK(text.after == " und Birnen " + std::string(48, 'b') + "…");
  CHECK(search(ada, "a chat").chats.at(0).seq == 0);
}

TEST_CASE_FIXTURE(searched, "characters whose other case has another length keep the places of those that follow") {
  put(1, ada, {prompt("ẞẞẞ İİ ȺȺ needle ẞ")});
  CHECK(excerpt_of(ada, "NEEDLE") == "ẞẞẞ İİ ȺȺ [needle] ẞ");
}

TEST_CASE_FIXTURE(searched, "only the owner finds a text, in the order of the chats' last changes") {
  put(1, ada, {prompt("about whales")});
  put(2, bob, {prompt("about whales")});
  put(3, ada, {prompt("more about whales"), answer("whales indeed")});
  CHECK(found(ada, "whales") == ids{3, 1});
  CHECK(found(bob, "whales") == ids{2});
  CHECK(found(ada, "whales", 1) == ids{3});
}

TEST_CASE_FIXTURE(searched, "a replaced turn is not found until its branch is shown again") {
  auto batch = batch_of(make_chat(1, ada));
  batch.run = make_run(1, 1);
  batch.messages.push_back(make_row(1, 1, prompt("elephants")));
  REQUIRE(db->apply(batch) == caf::none);
  CHECK(found(ada, "elephants") == ids{1});
  auto edit = batch_of(ada, make_row(1, 2, prompt("giraffes")));
  edit.messages[0].run_id = 2;
  edit.supersede_from_turn = 1;
  edit.run = make_run(2, 1);
  REQUIRE(db->apply(edit) == caf::none);
  CHECK(found(ada, "elephants") == ids{});
  CHECK(found(ada, "giraffes") == ids{1});
  write_batch back;
  back.chat_id = 1;
  back.user_id = ada;
  back.activate_run = 1;
  REQUIRE(db->apply(back) == caf::none);
  CHECK(found(ada, "elephants") == ids{1});
  CHECK(found(ada, "giraffes") == ids{});
}

TEST_CASE_FIXTURE(searched, "a deleted chat's texts leave the index, and a new chat of its id brings its own") {
  put(1, ada, {prompt("elephants"), answer("They are large.")});
  CHECK(found(ada, "elephants") == ids{1});
  CHECK(indexed() == "3");
  REQUIRE(db->delete_chat(ada, 1) == caf::none);
  CHECK(found(ada, "elephants") == ids{});
  CHECK(indexed() == "0");
  put(1, ada, {prompt("giraffes")});
  CHECK(found(ada, "elephants") == ids{});
  CHECK(found(ada, "giraffes") == ids{1});
}

TEST_CASE_FIXTURE(searched, "a new title takes the old one's place") {
  put(1, ada, {}, "Elephants");
  CHECK(found(ada, "elephants") == ids{1});
  REQUIRE(db->rename_chat(ada, 1, "Giraffes") == caf::none);
  CHECK(found(ada, "elephants") == ids{});
  CHECK(excerpt_of(ada, "giraffes") == "[Giraffes]");
  CHECK(indexed() == "1");
}

TEST_CASE_FIXTURE(searched, "any text is a query: operators, quotes, NUL and broken bytes are what they are") {
  put(1, ada,
      {prompt("a NEAR(b c, 3) AND \"quoted\" OR title:x* - ^start {col} : \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")});
  for (std::string_view query :
       {"near(b c, 3)", "and \"quoted\" or", "title:x*", "- ^start", "{col} :", "\" OR", "\"qu", "ted\""})
    CHECK(found(ada, query) == ids{1});
  for (std::string_view query : {"\"\"\"", "NOT quoted", "x* -^", "* *", "%%%", "___"})
    CHECK(found(ada, query) == ids{});
  // Each byte that is no UTF-8, and NUL, is one replacement character, in texts and in queries.
  CHECK(found(ada, std::string_view{"\0\xff\0", 3}) == ids{1});
  CHECK(found(ada, std::string_view{"start\0", 6}) == ids{});
}

TEST_CASE_FIXTURE(searched, "a text with NUL is found before and after it") {
  put(1, ada, {prompt(std::string{"before\0behind", 13})});
  CHECK(found(ada, "before") == ids{1});
  CHECK(found(ada, "behind") == ids{1});
}

TEST_CASE_FIXTURE(searched, "less than three characters are looked for in titles only") {
  put(1, ada, {prompt("ab")}, "zz");
  put(2, ada, {prompt("zz")}, "AB");
  put(3, ada, {}, "öä");
  CHECK(found(ada, "ab") == ids{2});
  CHECK(found(ada, "ÖÄ") == ids{3});
  CHECK(found(ada, "Ä") == ids{3});
  CHECK(found(ada, "b") == ids{2});
  CHECK(found(ada, "") == ids{});
}

TEST_CASE_FIXTURE(searched, "the length of a query has a limit") {
  put(1, ada, {prompt(std::string(3'000, 'a'))});
  CHECK(index->search(ada, std::string(search_query_bytes_max, 'a'), 10));
  CHECK(found(ada, std::string(search_query_bytes_max, 'a')) == ids{1});
  CHECK(code_of(index->search(ada, std::string(search_query_bytes_max + 1, 'a'), 10).error()) == errc::invalid_input);
  CHECK(code_of(index->search(ada, std::string(1u << 20, 'a'), 10).error()) == errc::invalid_input);
}

TEST_CASE_FIXTURE(searched, "of long texts the beginning is searched, up to the limits") {
  put(1, ada, {prompt(std::string(search_row_bytes_max - 6, 'a') + "needle" + "beyond")});
  put(2, ada, {result_of(std::string(search_tool_bytes_max - 6, 'a') + "noodle" + "beyond")});
  CHECK(found(ada, "needle") == ids{1});
  CHECK(found(ada, "noodle") == ids{2});
  CHECK(found(ada, "ebeyond") == ids{});
}

TEST_CASE_FIXTURE(searched, "two words are found where the one follows the other, whatever stands around the space") {
  put(1, ada, {prompt("the mean of the column"), answer("column the mean")});
  put(2, ada, {prompt("column, mean; the of"), answer("of column the  mean")});
  put(3, ada, {prompt("he mea"), answer("a b c d")});
  CHECK(found(ada, "the mean") == ids{1});
  CHECK(found(ada, "he mea") == ids{3, 1});
  CHECK(found(ada, "the  mean") == ids{2});
  CHECK(found(ada, "e m") == ids{3, 1});
  CHECK(found(ada, "a b c") == ids{3});
  CHECK(found(ada, "mean the").empty());
}

TEST_CASE_FIXTURE(searched, "an index of an earlier version is made anew") {
  put(1, ada, {prompt("hello there"), answer("world")});
  CHECK(found(ada, "hello there") == ids{1});
  index.reset();
  raw_database{scratch / "search.db"}.execute("DELETE FROM texts; PRAGMA user_version = 1");
  reopen();
  CHECK(found(ada, "hello there") == ids{1});
  CHECK(indexed() == "3");
}

TEST_CASE_FIXTURE(searched, "no more chats are found than the limit") {
  REQUIRE(db->begin() == caf::none);
  for (int64_t id = 1; id <= search_chats_max + 1; ++id)
    put(id, ada, {prompt("whales")});
  REQUIRE(db->commit() == caf::none);
  CHECK(found(ada, "whales", 1'000'000).size() == search_chats_max);
  CHECK(found(ada, "whales", search_chats_max - 1).size() == search_chats_max - 1);
  CHECK(found(ada, "whales", -1).empty());
}

TEST_CASE_FIXTURE(searched, "a search that is stopped answers with what it has, and says so") {
  for (int64_t id = 1; id <= 20; ++id)
    put(id, ada, {prompt("whales")});
  REQUIRE(found(ada, "whales").size() == 20);
  auto looks = 0;
  auto stopped = index->search(ada, "whales", 100, [&] { return ++looks > 5; });
  REQUIRE(stopped);
  CHECK_FALSE(stopped->complete);
  CHECK(stopped->chats.size() < 20);
  CHECK(index->search(ada, "whales", 100)->complete);
  CHECK(found(ada, "whales").size() == 20);
}

TEST_CASE_FIXTURE(searched, "an index that is missing or damaged is made anew from the database, newest texts first") {
  put(1, ada, {prompt("whales")}, "old");
  put(2, ada, {prompt("dolphins")}, "new");
  CHECK(found(ada, "whales") == ids{1});
  index.reset();
  SUBCASE("missing") {
    for (auto name : {"search.db", "search.db-wal", "search.db-shm"})
      fs::remove(scratch / name);
  }
  SUBCASE("damaged") {
    std::ofstream{scratch / "search.db", std::ios::trunc} << std::string(8'192, 'x');
  }
  SUBCASE("of another version") {
    raw_database{scratch / "search.db"}.execute("PRAGMA user_version = 99");
  }
  reopen();
  CHECK(index->left() == 4);
  put(3, ada, {prompt("seals")});
  REQUIRE(index->catch_up(std::chrono::milliseconds{0})); // one change a step
  CHECK(index->search(ada, "a chat", 10)->chats.size() == 1);
  CHECK(found(ada, "whales") == ids{1});
  CHECK(found(ada, "dolphins") == ids{2});
  CHECK(found(ada, "seals") == ids{3});
  CHECK(index->left() == 0);
  CHECK(indexed() == "6");
}

TEST_CASE_FIXTURE(searched, "a chat that ended before the index was made is not found") {
  put(1, ada, {prompt("whales")});
  put(2, ada, {prompt("whales")});
  REQUIRE(db->delete_chat(ada, 1) == caf::none);
  index.reset();
  fs::remove(scratch / "search.db");
  reopen();
  CHECK(found(ada, "whales") == ids{2});
}

TEST_CASE_FIXTURE(searched, "a backup of the database that is put back is followed") {
  put(1, ada, {prompt("whales")});
  db.reset();
  fs::copy_file(scratch / "varro.db", scratch / "backup.db");
  db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  put(2, ada, {prompt("dolphins")});
  CHECK(found(ada, "dolphins") == ids{2});
  index.reset();
  db.reset();
  fs::rename(scratch / "backup.db", scratch / "varro.db");
  db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  reopen();
  CHECK(found(ada, "dolphins") == ids{});
  put(2, ada, {prompt("seals")});
  CHECK(found(ada, "seals") == ids{2});
  CHECK(found(ada, "whales") == ids{1});
}

TEST_CASE_FIXTURE(searched, "the index never holds the database's writer up") {
  put(1, ada, {prompt("whales")});
  REQUIRE(db->begin() == caf::none);
  CHECK(found(ada, "whales") == ids{1}); // while a write is open
  put(2, ada, {prompt("seals")});
  CHECK(found(ada, "seals") == ids{});
  REQUIRE(db->commit() == caf::none);
  CHECK(found(ada, "seals") == ids{2});
}
