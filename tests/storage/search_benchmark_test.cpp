// What a search, the list of chats and a commit cost beside many chats. Run by name, with --no-skip; VARRO_BENCH_CHATS
// says how many chats of 20 messages (100,000 take a quarter of an hour to write and to index).
#include "storage/limits.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "storage/sqlite/sqlite_search_index.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

using namespace varro;
using namespace varro::test;

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point begin) {
  return std::chrono::duration<double>(clock_type::now() - begin).count();
}

// Words as rare and as common as in a language: the n-th is used 1/n as often as the first.
class language {
public:
  language() {
    constexpr std::string_view letters = "etaoinshrdlucmfwypvbgkjqxz";
    for (size_t i = 0; i < 20'000; ++i) {
      std::string word;
      for (auto left = 2 + random_() % 8; left > 0; --left)
        word += letters[std::min(random_() % letters.size(), random_() % letters.size())];
      words_.push_back(word);
    }
  }
  const std::string& word() {
    auto position = std::pow(static_cast<double>(words_.size()), unit_(random_)) - 1;
    return words_[static_cast<size_t>(position)];
  }
  std::string text(int words) {
    std::string out;
    for (int i = 0; i < words; ++i)
      out += word() + " ";
    return out;
  }
  size_t below(size_t count) {
    return random_() % count;
  }

private:
  std::mt19937_64 random_{1};
  std::uniform_real_distribution<double> unit_{0, 1};
  std::vector<std::string> words_;
};

void print(const char* what, std::vector<double>& times) {
  std::sort(times.begin(), times.end());
  auto at
    = [&](double share) { return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))] * 1e3; };
  std::printf("%s: %zu, p50 %.2f ms, p99 %.2f ms, worst %.2f ms\n", what, times.size(), at(0.5), at(0.99), at(1));
}

int64_t chats_wanted() {
  const auto* given = std::getenv("VARRO_BENCH_CHATS");
  return given == nullptr ? 1'000 : std::max(1, std::atoi(given));
}

} // namespace

TEST_CASE("benchmark: searches and lists among many chats of one user" * doctest::skip()) {
  scratch_dir scratch;
  language words;
  auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  auto user = db->add_user("ada", "hash")->id;
  auto begin = clock_type::now();
  auto chats = chats_wanted();
  for (int64_t id = 1; id <= chats; ++id) {
    if (id % 500 == 1)
      REQUIRE(db->begin() == caf::none);
    auto batch = batch_of(make_chat(id, user, words.text(4), id));
    for (int64_t seq = 1; seq <= 20; ++seq)
      batch.messages.push_back(make_row(id, seq, seq % 2 == 1 ? prompt(words.text(20)) : answer(words.text(60))));
    for (auto& row : batch.messages)
      row.created_at = id;
    REQUIRE(db->apply(batch) == caf::none);
    if (id % 500 == 0 || id == chats)
      REQUIRE(db->commit() == caf::none);
  }
  std::printf("%lld chats of 20 messages written in %.0f s\n", static_cast<long long>(chats), seconds_since(begin));
  begin = clock_type::now();
  auto index = std::move(*sqlite_search_index::open(scratch.path()));
  while (!*index->catch_up(search_step_max)) {
  }
  std::printf("indexed in %.0f s; varro.db %ju MiB, search.db %ju MiB\n", seconds_since(begin),
              std::filesystem::file_size(scratch / "varro.db") >> 20,
              std::filesystem::file_size(scratch / "search.db") >> 20);
  std::vector<double> one_word, two_words, absent, list;
  auto measure = [&](std::vector<double>& times, const std::string& query) {
    auto start = clock_type::now();
    auto found = index->search(user, query, search_chats_max);
    times.push_back(seconds_since(start));
    REQUIRE(found);
  };
  for (int i = 0; i < 1'000; ++i) {
    measure(one_word, words.word() + " ");
    measure(two_words, words.word() + " " + words.word());
    measure(absent, words.word() + std::to_string(words.below(1'000)));
    auto start = clock_type::now();
    REQUIRE(db->list_chats(user, {static_cast<int64_t>(1 + words.below(static_cast<size_t>(chats))), 0}, 200));
    list.push_back(seconds_since(start));
  }
  print("search for a word", one_word);
  print("search for two words", two_words);
  print("search for what is not there", absent);
  print("list of 200 chats", list);
}

TEST_CASE("benchmark: a commit of one message with and without telling the search of it" * doctest::skip()) {
  language words;
  std::vector<double> with, without;
  scratch_dir first, second;
  auto open = [](const scratch_dir& scratch) {
    auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    auto user = db->local_user()->id;
    REQUIRE(db->apply(batch_of(make_chat(1, user))) == caf::none);
    return db;
  };
  auto told = open(first), untold = open(second);
  raw_database{second / "varro.db"}.execute("DROP TRIGGER search_message");
  for (int64_t seq = 1; seq <= 2'000; ++seq) {
    auto batch = batch_of(1, make_row(1, seq, answer(words.text(150))));
    for (auto* each : {&told, &untold}) {
      auto start = clock_type::now();
      REQUIRE((*each)->apply(batch) == caf::none);
      (each == &told ? with : without).push_back(seconds_since(start));
    }
  }
  print("commit with", with);
  print("commit without", without);
}
