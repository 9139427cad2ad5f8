#include "storage/sqlite/search_schema.hpp"

#include "base/log.hpp"
#include "storage/data_dir.hpp"
#include "storage/sqlite/gram_tokenizer.hpp"

#include <utility>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr int64_t schema_version = 2;

// texts.id = the user's id << 40 | search_changes.id, so that a user's texts stand together, the newest last.
//
// The grams are an index without positions and without the texts (detail, content): they say which texts to compare,
// in a fraction of the bytes. Texts are folded before they get here, so that case means the same in all places.
//
// following: what comes after this change is not looked at yet; before_that: nor what comes before this one.
constexpr const char* schema = R"sql(
CREATE TABLE texts(
  id INTEGER PRIMARY KEY,
  chat_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (chat_id, seq)
) STRICT;
CREATE VIRTUAL TABLE grams USING fts5(text, content='', columnsize=0, detail='none',
  tokenize='grams');
CREATE TABLE gram_samples(
  gram TEXT NOT NULL PRIMARY KEY,
  texts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE progress(
  following INTEGER NOT NULL,
  before_that INTEGER NOT NULL
) STRICT;
INSERT INTO progress SELECT coalesce(max(id), 0), coalesce(max(id), 0) + 1 FROM source.search_changes;
PRAGMA user_version = 2; -- schema_version
)sql";

caf::error create(connection& db) {
  if (auto err = db.execute("BEGIN"))
    return err;
  if (auto err = db.execute(schema)) {
    db.execute("ROLLBACK");
    return err;
  }
  return db.execute("COMMIT");
}

// What an index may not have seen, since varro.db never had it: a backup of varro.db was put back.
caf::error check_follows(connection& db) {
  auto ahead = db.number("SELECT following > (SELECT coalesce(max(id), 0) FROM source.search_changes) FROM progress");
  if (!ahead)
    return std::move(ahead.error());
  return *ahead == 0 ? caf::error{} : fail(errc::storage_failed, db.file() + " has seen a newer varro.db");
}

caf::expected<std::unique_ptr<connection>> try_open(const fs::path& data_dir) {
  auto file = data_dir / "search.db";
  if (auto err = create_private_file(file))
    return err;
  auto opened = connection::open(file, false);
  if (!opened)
    return std::move(opened.error());
  auto& db = **opened;
  if (auto err = add_gram_tokenizer(db))
    return err;
  // A part of it may be lost with the machine's power, since all of it can be made again; it is sound all the same.
  if (auto err = db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"))
    return err;
  if (auto err = db.use("ATTACH ?1 AS source").bind((data_dir / "varro.db").string()).run())
    return err;
  auto version = db.number("SELECT user_version FROM pragma_user_version");
  if (!version)
    return std::move(version.error());
  if (*version != 0 && *version != schema_version)
    return fail(errc::storage_failed, file.string() + " is of another version");
  if (*version == 0)
    if (auto err = create(db))
      return err;
  if (auto err = check_follows(db))
    return err;
  return opened;
}

void remove_file(const fs::path& data_dir) {
  std::error_code ignored;
  for (const auto* name : {"search.db", "search.db-wal", "search.db-shm"})
    fs::remove(data_dir / name, ignored);
}

} // namespace

caf::expected<std::unique_ptr<connection>> open_search_file(const fs::path& data_dir) {
  auto opened = try_open(data_dir);
  if (opened)
    return opened;
  log(log_level::warning, "the search index is made anew: " + text_of(opened.error()));
  remove_file(data_dir);
  return try_open(data_dir);
}

} // namespace varro
