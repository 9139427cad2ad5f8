#include "storage/sqlite/schema.hpp"

#include <array>
#include <utility>

namespace varro {

namespace {

// Version 1.
//
// Ids of chats, runs and users come from AUTOINCREMENT's own table, which remembers the greatest id that was ever
// inserted: an id of a deleted chat does not come back.
//
// messages is a table with rowids although its key is (chat_id, seq): rows are appended at the table's end and may be
// large (plots), which a WITHOUT ROWID tree would carry in its inner nodes. `folded` stands before `json`, so that a
// search does not walk through the pages of the large column.
constexpr const char* version_1 = R"sql(
CREATE TABLE users(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  password_hash TEXT NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE logins(
  token_hash TEXT NOT NULL PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  csrf TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_by_user ON logins(user_id);
CREATE INDEX logins_by_expiry ON logins(expires_at);

CREATE TABLE chats(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  model TEXT NOT NULL,
  last_seq INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX chats_by_user ON chats(user_id, updated_at DESC, id DESC);

CREATE TABLE runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_id INTEGER NOT NULL REFERENCES chats(id) ON DELETE CASCADE,
  turn INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled', 'interrupted')),
  end_seq INTEGER NOT NULL,
  error TEXT NOT NULL,
  usage TEXT NOT NULL,
  model_requests INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  superseded INTEGER NOT NULL CHECK (superseded IN (0, 1))
) STRICT;
CREATE INDEX runs_by_chat ON runs(chat_id, id);
CREATE INDEX runs_running ON runs(id) WHERE status = 'running';

CREATE TABLE messages(
  chat_id INTEGER NOT NULL REFERENCES chats(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL CHECK (seq > 0),
  turn INTEGER NOT NULL,
  run_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('request', 'response')),
  created_at INTEGER NOT NULL,
  superseded INTEGER NOT NULL CHECK (superseded IN (0, 1)),
  folded TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (chat_id, seq)
) STRICT;
)sql";

// Version 2: how often a run was taken up again after a crash, and which run it follows: runs of one chat are a tree,
// whose one path from the root is not superseded; and where in a chat's snapshot file the namespace after a cell is.
// Version 1 kept no parents; when a run began, the newest one of the turn before was the active one. What a former
// process left open is "running" until its session has closed it or gone on.
constexpr const char* version_2 = R"sql(
ALTER TABLE runs ADD COLUMN resumes INTEGER NOT NULL DEFAULT 0 CHECK (resumes >= 0);
ALTER TABLE runs ADD COLUMN parent INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET parent = coalesce((SELECT max(former.id) FROM runs AS former WHERE former.chat_id = runs.chat_id
  AND former.turn = runs.turn - 1 AND former.id < runs.id), 0);
CREATE TABLE snapshots(
  chat_id INTEGER NOT NULL REFERENCES chats(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL CHECK (seq > 0),
  footer INTEGER NOT NULL CHECK (footer >= 0),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (chat_id, seq)
) STRICT, WITHOUT ROWID;
UPDATE runs SET status = 'running' WHERE status = 'interrupted' AND end_seq = 0 AND superseded = 0;
)sql";

// Version 3: the Python that a chat's shells run (empty: the default one), and what its workspace held when it was
// measured last. Few chats have files: the index is what a user's sum is made from.
constexpr const char* version_3 = R"sql(
ALTER TABLE chats ADD COLUMN python TEXT NOT NULL DEFAULT '';
ALTER TABLE chats ADD COLUMN workspace_bytes INTEGER NOT NULL DEFAULT 0 CHECK (workspace_bytes >= 0);
CREATE INDEX chats_with_files ON chats(user_id, workspace_bytes) WHERE workspace_bytes > 0;
)sql";

// Version 4: how hard a chat's model shall think, and what stands before the first message of a chat in each request
// (chat_prefix). Earlier chats have none until their next run.
constexpr const char* version_4 = R"sql(
ALTER TABLE chats ADD COLUMN effort TEXT NOT NULL DEFAULT '';
CREATE TABLE chat_prefixes(
  chat_id INTEGER NOT NULL PRIMARY KEY REFERENCES chats(id) ON DELETE CASCADE,
  instructions TEXT NOT NULL,
  tools TEXT NOT NULL
) STRICT;
)sql";

// Version 5: what the search index (search_index.hpp) has to look at again, in order: a message, the title (seq 0) or
// the end of a chat (seq -1). Written with the change itself, by triggers, so that nothing is found late or for ever.
// All that was there before is to be looked at once. messages.folded, which was searched before, is empty from now on.
constexpr const char* version_5 = R"sql(
CREATE TABLE search_changes(
  id INTEGER PRIMARY KEY,
  chat_id INTEGER NOT NULL,
  seq INTEGER NOT NULL
) STRICT;
INSERT INTO search_changes(chat_id, seq) SELECT id, 0 FROM chats ORDER BY id;
INSERT INTO search_changes(chat_id, seq) SELECT chat_id, seq FROM messages ORDER BY chat_id, seq;
CREATE TRIGGER search_message AFTER INSERT ON messages BEGIN
  INSERT INTO search_changes(chat_id, seq) VALUES (new.chat_id, new.seq);
END;
CREATE TRIGGER search_chat AFTER INSERT ON chats BEGIN
  INSERT INTO search_changes(chat_id, seq) VALUES (new.id, 0);
END;
CREATE TRIGGER search_title AFTER UPDATE OF title ON chats WHEN old.title <> new.title BEGIN
  INSERT INTO search_changes(chat_id, seq) VALUES (new.id, 0);
END;
CREATE TRIGGER search_end AFTER DELETE ON chats BEGIN
  INSERT INTO search_changes(chat_id, seq) VALUES (old.id, -1);
END;
)sql";

constexpr std::array migrations{version_1, version_2, version_3, version_4, version_5};

// Ends an open transaction whatever happens in between.
struct undo_unless_done {
  connection& db;
  bool done = false;
  ~undo_unless_done() {
    if (!done && db.in_transaction())
      db.execute("ROLLBACK");
  }
};

// Takes one step and returns the version reached; a version at the end means that nothing was left to do.
caf::expected<int> migrate_once(connection& db, std::span<const char* const> steps) {
  // IMMEDIATE, and the version read again inside: another process may be doing the same.
  if (auto err = db.execute("BEGIN IMMEDIATE"))
    return err;
  undo_unless_done guard{db};
  auto version = read_schema_version(db);
  if (!version)
    return std::move(version.error());
  auto count = static_cast<int>(steps.size());
  if (*version >= count)
    return *version;
  if (auto err = db.execute(steps[static_cast<size_t>(*version)]))
    return err;
  auto orphans = db.number("SELECT count(*) FROM pragma_foreign_key_check");
  if (!orphans)
    return std::move(orphans.error());
  auto next = *version + 1;
  if (*orphans != 0)
    return fail(errc::storage_failed,
                "database " + db.file() + ": migration " + std::to_string(next) + " would leave "
                  + std::to_string(*orphans) + " rows without their owner; nothing was changed");
  if (auto err = db.execute(("PRAGMA user_version = " + std::to_string(next)).c_str()))
    return err;
  if (auto err = db.execute("COMMIT"))
    return err;
  guard.done = true;
  return next;
}

} // namespace

std::span<const char* const> schema_migrations() {
  return migrations;
}

caf::expected<int> read_schema_version(connection& db) {
  auto version = db.number("SELECT user_version FROM pragma_user_version");
  if (!version)
    return std::move(version.error());
  auto foreign = *version < 0;
  if (*version == 0) {
    auto tables = db.number("SELECT count(*) FROM sqlite_schema");
    if (!tables)
      return std::move(tables.error());
    foreign = *tables != 0;
  }
  if (foreign)
    return fail(errc::storage_failed,
                "database " + db.file()
                  + ": belongs to another program; choose another data directory, nothing was"
                    " changed");
  return static_cast<int>(*version);
}

caf::error migrate(connection& db, std::span<const char* const> steps) {
  auto version = read_schema_version(db);
  if (!version)
    return std::move(version.error());
  auto count = static_cast<int>(steps.size());
  while (*version < count) {
    version = migrate_once(db, steps);
    if (!version)
      return std::move(version.error());
  }
  if (*version > count)
    return fail(errc::storage_failed,
                "database " + db.file() + ": was written by a newer Varro (schema " + std::to_string(*version)
                  + ", this one knows " + std::to_string(count) + "); use that one, nothing was changed");
  return caf::none;
}

} // namespace varro
