// The questions that a search index answers; sqlite_search_index.cpp brings it up to date.
#include "storage/limits.hpp"
#include "storage/search_grams.hpp"
#include "storage/search_text.hpp"
#include "storage/sqlite/sqlite_search_index_impl.hpp"

#include <algorithm>
#include <set>
#include <unordered_set>

#include <sqlite3.h>

namespace varro {

namespace {

constexpr int instructions_between_looks = 1'000; // of SQLite's machine, tens of microseconds

// FTS5's words for "all of these": each in quotes, in which only a quote has a meaning.
std::string all_of(const std::vector<std::string>& grams) {
  std::string out;
  for (const auto& gram : grams) {
    out += out.empty() ? "\"" : " AND \"";
    for (char c : gram)
      out += c == '"' ? std::string{"\"\""} : std::string{c};
    out += '"';
  }
  return out;
}

chat_record chat_from(const statement& row) {
  return {row.integer(0), row.integer(1), row.text(2), row.text(3), row.integer(4),
          row.integer(5), row.integer(6), row.text(7), row.text(8)};
}

} // namespace

class search_watch {
public:
  search_watch(connection& db, std::function<bool()> over) : db_(db), over_(std::move(over)) {
    sqlite3_progress_handler(
      db.native(), instructions_between_looks,
      [](void* self) { return static_cast<search_watch*>(self)->over_() ? 1 : 0; }, this);
  }
  ~search_watch() {
    sqlite3_progress_handler(db_.native(), 0, nullptr, nullptr);
  }
  search_watch(const search_watch&) = delete;
  search_watch& operator=(const search_watch&) = delete;
  bool over() const {
    return over_();
  }

private:
  connection& db_;
  std::function<bool()> over_;
};

// The lists of common grams are long: the rarest ones say enough, since the texts themselves are compared.
caf::expected<std::vector<std::string>> sqlite_search_index::impl::rarest(std::string_view small) {
  std::vector<std::pair<int64_t, std::string>> counted;
  for (auto gram : different_grams(small)) {
    auto query = db->use("SELECT texts FROM gram_samples WHERE gram = ?1");
    auto row = query.bind(gram).step();
    if (!row)
      return std::move(row.error());
    counted.emplace_back(*row ? query.integer(0) : 0, gram);
  }
  std::sort(counted.begin(), counted.end());
  std::vector<std::string> out;
  for (size_t i = 0; i < std::min(counted.size(), search_grams_max); ++i)
    out.push_back(std::move(counted[i].second));
  return out;
}

caf::error sqlite_search_index::impl::find_titles(int64_t user, const std::string& small, size_t limit,
                                                  search_watch& end, found_chats& found) {
  auto query = db->use("SELECT id, user_id, title, model, last_seq, created_at, updated_at, python, effort"
                       " FROM source.chats WHERE user_id = ?1 ORDER BY updated_at DESC, id DESC LIMIT ?2");
  query.bind(user).bind(int64_t{search_short_chats_max});
  while (found.chats.size() < limit && !end.over()) {
    auto row = query.step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      return caf::none;
    if (auto text = excerpt(searchable(query.text_view(2)), small); !text.match.empty())
      found.chats.push_back({chat_from(query), search_title_seq, std::move(text)});
  }
  return caf::none;
}

// The chat of a text that matched, where it is the user's and shows that text; its title may have changed since the
// index has seen it.
caf::expected<std::optional<found_chat>> sqlite_search_index::impl::shown(int64_t user, int64_t chat, int64_t seq,
                                                                          std::string_view small, found_text text) {
  auto query = db->use("SELECT id, user_id, title, model, last_seq, created_at, updated_at, python, effort"
                       " FROM source.chats WHERE id = ?1 AND user_id = ?2 AND (?3 = 0 OR EXISTS (SELECT 1"
                       " FROM source.messages WHERE chat_id = ?1 AND seq = ?3 AND superseded = 0))");
  auto row = query.bind(chat).bind(user).bind(seq).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return std::optional<found_chat>{};
  if (seq == search_title_seq)
    text = excerpt(searchable(query.text_view(2)), small);
  return text.match.empty() ? std::optional<found_chat>{}
                            : std::optional{found_chat{chat_from(query), seq, std::move(text)}};
}

caf::error sqlite_search_index::impl::find_texts(int64_t user, const std::string& small, size_t limit,
                                                 search_watch& end, found_chats& found) {
  auto grams = rarest(small);
  if (!grams)
    return std::move(grams.error());
  // CROSS: in this order. Most texts that have the grams of two words do not have them beside each other: what else has
  // to be known of a text is asked when it matches.
  auto query = db->use("SELECT chat_id, seq, texts.text FROM grams CROSS JOIN texts ON texts.id = grams.rowid"
                       " WHERE grams MATCH ?1 AND grams.rowid BETWEEN ?2 AND ?3 ORDER BY grams.rowid DESC");
  query.bind(all_of(*grams)).bind(user << search_user_shift).bind(((user + 1) << search_user_shift) - 1);
  std::unordered_set<int64_t> seen;
  while (found.chats.size() < limit && !end.over()) {
    auto row = query.step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      return caf::none;
    auto chat = query.integer(0);
    if (seen.contains(chat))
      continue;
    auto text = excerpt(query.text_view(2), small);
    if (text.match.empty())
      continue;
    auto match = shown(user, chat, query.integer(1), small, std::move(text));
    if (!match)
      return std::move(match.error());
    if (!*match)
      continue;
    seen.insert(chat);
    found.chats.push_back(std::move(**match));
  }
  return caf::none;
}

caf::expected<found_chats> sqlite_search_index::search(int64_t user_id, std::string_view query, int limit,
                                                       const std::function<bool()>& stop) {
  if (query.size() > search_query_bytes_max)
    return fail(errc::invalid_input,
                "The search text has more than " + std::to_string(search_query_bytes_max) + " bytes.");
  auto small = folded(searchable(query));
  auto most = static_cast<size_t>(std::clamp(limit, 0, search_chats_max));
  found_chats found;
  if (small.empty() || most == 0)
    return found;
  auto until = impl::clock::now() + search_time_max;
  search_watch end{*impl_->db, [&] { return impl::clock::now() >= until || (stop && stop()); }};
  auto is_short = character_starts(small).size() <= search_gram_characters;
  auto err = is_short ? impl_->find_titles(user_id, small, most, end, found)
                      : impl_->find_texts(user_id, small, most, end, found);
  found.complete = found.chats.size() == most || !end.over();
  if (err && found.complete)
    return err;
  std::sort(found.chats.begin(), found.chats.end(), [](const found_chat& a, const found_chat& b) {
    return std::pair{a.chat.updated_at, a.chat.id} > std::pair{b.chat.updated_at, b.chat.id};
  });
  return found;
}

} // namespace varro
