#include "storage/sqlite/sqlite_search_index_impl.hpp"

#include "models/message_json.hpp"
#include "storage/limits.hpp"
#include "storage/search_grams.hpp"
#include "storage/search_text.hpp"
#include "storage/sqlite/search_schema.hpp"

#include <algorithm>
#include <set>

namespace varro {

namespace {

constexpr int64_t end_seq = -1;

} // namespace

auto sqlite_search_index::impl::changes(std::string_view sql) -> caf::expected<std::vector<change>> {
  std::vector<change> out;
  auto query = db->use(sql);
  query.bind(int64_t{search_step_changes_max});
  if (auto err = query.each_row([&] { out.push_back({query.integer(0), query.integer(1), query.integer(2)}); }))
    return err;
  return out;
}

// What stands there now; nothing where it has gone or says nothing.
auto sqlite_search_index::impl::current(const change& which) -> caf::expected<std::optional<indexed_text>> {
  auto query = db->use(which.seq == search_title_seq
                         ? "SELECT user_id, title FROM source.chats WHERE id = ?1"
                         : "SELECT user_id, json FROM source.messages JOIN source.chats ON chats.id = chat_id"
                           " WHERE chat_id = ?1 AND seq = ?2");
  query.bind(which.chat);
  if (which.seq != search_title_seq)
    query.bind(which.seq);
  auto row = query.step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return std::optional<indexed_text>{};
  indexed_text found{query.integer(0), {}};
  if (which.seq == search_title_seq) {
    found.text = searchable(query.text_view(1));
  } else if (auto content = message_from_text(query.text_view(1))) {
    found.text = searchable_text(*content);
  }
  return found.text.empty() ? std::optional<indexed_text>{} : std::optional{std::move(found)};
}

caf::error sqlite_search_index::impl::add(const change& which) {
  auto found = current(which);
  if (!found)
    return std::move(found.error());
  if (!*found)
    return caf::none;
  auto id = ((*found)->user << search_user_shift) + which.id;
  auto small = folded((*found)->text);
  auto text = db->use("INSERT INTO texts(id, chat_id, seq, text) VALUES (?1, ?2, ?3, ?4)");
  if (auto err = text.bind(id).bind(which.chat).bind(which.seq).bind((*found)->text).run())
    return err;
  if (auto err = db->use("INSERT INTO grams(rowid, text) VALUES (?1, ?2)").bind(id).bind(small).run())
    return err;
  return which.id % search_sample_every == 0 ? count_grams(small) : caf::error{};
}

caf::error sqlite_search_index::impl::count_grams(std::string_view small) {
  for (const auto& gram : different_grams(small)) {
    auto count = db->use("INSERT INTO gram_samples(gram, texts) VALUES (?1, 1)"
                         " ON CONFLICT(gram) DO UPDATE SET texts = texts + 1");
    if (auto err = count.bind(gram).run())
      return err;
  }
  return caf::none;
}

caf::error sqlite_search_index::impl::uncount_grams(std::string_view small) {
  for (const auto& gram : different_grams(small)) {
    auto count = db->use("UPDATE gram_samples SET texts = texts - 1 WHERE gram = ?1");
    if (auto err = count.bind(gram).run())
      return err;
    if (auto err = db->use("DELETE FROM gram_samples WHERE gram = ?1 AND texts <= 0").bind(gram).run())
      return err;
  }
  return caf::none;
}

// An index without texts has to be told what it is to forget.
caf::error sqlite_search_index::impl::remove(int64_t id, std::string_view text) {
  auto small = folded(text);
  auto grams = db->use("INSERT INTO grams(grams, rowid, text) VALUES ('delete', ?1, ?2)");
  if (auto err = grams.bind(id).bind(small).run())
    return err;
  if (id % search_sample_every == 0) // add() counted it: the user's part of the id is a multiple
    if (auto err = uncount_grams(small))
      return err;
  return db->use("DELETE FROM texts WHERE id = ?1").bind(id).run();
}

caf::error sqlite_search_index::impl::remove_text(const change& which) {
  int64_t id = 0;
  std::string text;
  {
    auto query = db->use("SELECT id, text FROM texts WHERE chat_id = ?1 AND seq = ?2");
    auto row = query.bind(which.chat).bind(which.seq).step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      return caf::none;
    id = query.integer(0);
    text = query.text(1);
  }
  return remove(id, text);
}

// False: time is over before all of it is gone.
caf::expected<bool> sqlite_search_index::impl::remove_chat(int64_t chat, clock::time_point until) {
  std::vector<int64_t> seqs;
  {
    auto query = db->use("SELECT seq FROM texts WHERE chat_id = ?1");
    query.bind(chat);
    if (auto err = query.each_row([&] { seqs.push_back(query.integer(0)); }))
      return err;
  }
  for (auto seq : seqs) {
    if (auto err = remove_text({0, chat, seq}))
      return err;
    if (clock::now() >= until && seq != seqs.back())
      return false;
  }
  return true;
}

// `former`: it was there before the index, and newer changes of the same text may have been looked at already.
caf::expected<bool> sqlite_search_index::impl::apply(const change& which, bool former, clock::time_point until) {
  if (which.seq == end_seq)
    return former ? caf::expected<bool>{true} : remove_chat(which.chat, until);
  if (former) {
    auto known = db->use("SELECT 1 FROM texts WHERE chat_id = ?1 AND seq = ?2");
    auto row = known.bind(which.chat).bind(which.seq).step();
    if (!row || *row)
      return row;
  } else if (auto err = remove_text(which)) {
    return err;
  }
  if (auto err = add(which))
    return err;
  return true;
}

// In one transaction, with how far it came. False: time is over. Not IMMEDIATE, which would lock varro.db as well.
caf::expected<bool> sqlite_search_index::impl::apply_all(const std::vector<change>& which, bool former,
                                                         clock::time_point until) {
  if (auto err = db->execute("BEGIN"))
    return err;
  auto undone = [&](caf::error err) {
    db->execute("ROLLBACK");
    return err;
  };
  auto in_time = true;
  for (const auto& each : which) {
    auto done = apply(each, former, until);
    if (!done)
      return undone(std::move(done.error()));
    in_time = *done && clock::now() < until;
    if (!*done)
      break;
    auto place = db->use(former ? "UPDATE progress SET before_that = ?1" : "UPDATE progress SET following = ?1");
    if (auto err = place.bind(each.id).run())
      return undone(std::move(err));
    if (!in_time)
      break;
  }
  if (auto err = db->execute("COMMIT"))
    return undone(std::move(err));
  return in_time;
}

caf::expected<bool> sqlite_search_index::impl::follow(bool former, clock::time_point until) {
  for (;;) {
    auto which = changes(former ? "SELECT id, chat_id, seq FROM source.search_changes"
                                  " WHERE id < (SELECT before_that FROM progress) ORDER BY id DESC LIMIT ?1"
                                : "SELECT id, chat_id, seq FROM source.search_changes"
                                  " WHERE id > (SELECT following FROM progress) ORDER BY id LIMIT ?1");
    if (!which)
      return std::move(which.error());
    if (which->empty())
      return true;
    auto in_time = apply_all(*which, former, until);
    if (!in_time || !*in_time)
      return in_time;
  }
}

caf::expected<bool> sqlite_search_index::catch_up(std::chrono::milliseconds at_most) {
  auto until = impl::clock::now() + at_most;
  auto followed = impl_->follow(false, until);
  if (!followed || !*followed)
    return followed;
  return impl_->follow(true, until);
}

int64_t sqlite_search_index::left() {
  auto query = impl_->db->use("SELECT before_that - 1 FROM progress");
  auto row = query.step();
  return row && *row ? std::max<int64_t>(query.integer(0), 0) : 0;
}

caf::expected<std::unique_ptr<sqlite_search_index>> sqlite_search_index::open(const std::filesystem::path& data_dir) {
  auto db = open_search_file(data_dir);
  if (!db)
    return std::move(db.error());
  auto pimpl = std::make_unique<impl>();
  pimpl->db = std::move(*db);
  return std::unique_ptr<sqlite_search_index>{new sqlite_search_index{std::move(pimpl)}};
}

sqlite_search_index::sqlite_search_index(std::unique_ptr<impl> pimpl) : impl_(std::move(pimpl)) {}

sqlite_search_index::~sqlite_search_index() {
  impl_->db->execute("PRAGMA main.wal_checkpoint(TRUNCATE)");
}

} // namespace varro
