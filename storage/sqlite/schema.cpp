#include "storage/sqlite/schema.hpp"

#include <array>
#include <utility>

namespace varro {

namespace {

// Version 1.
//
// Ids of chats, runs and users come from AUTOINCREMENT's own table, which remembers the greatest id that was ever
// inserted (ids.cpp): an id of a deleted chat does not come back.
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

// Version 6: what the rows of a chat hold, those of abandoned branches too. It counts for the quota of its user.
constexpr const char* version_6 = R"sql(
ALTER TABLE chats ADD COLUMN history_bytes INTEGER NOT NULL DEFAULT 0 CHECK (history_bytes >= 0);
UPDATE chats SET history_bytes = coalesce((SELECT sum(length(CAST(json AS BLOB))) FROM messages
  WHERE chat_id = chats.id), 0);
CREATE INDEX chats_with_history ON chats(user_id, history_bytes) WHERE history_bytes > 0;
)sql";

// Version 7: who looks after the server, links that make accounts or change passwords, and what browser sessions tell
// about themselves. Who had an account has the role "user"; the local user, who may do everything, is an admin. A
// session of before lasts as it did until its next use, from then on it ends by idleness, too.
constexpr const char* version_7 = R"sql(
ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin'));
UPDATE users SET role = 'admin' WHERE name = 'local' AND password_hash = '';
CREATE TABLE links(
  token_hash TEXT NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('first_admin', 'invitation', 'reset')),
  role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
  user_id INTEGER REFERENCES users(id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  CHECK ((purpose = 'reset') = (user_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_user ON links(user_id) WHERE user_id IS NOT NULL;
CREATE INDEX links_by_expiry ON links(expires_at);
ALTER TABLE logins ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN ends_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN agent TEXT NOT NULL DEFAULT '';
UPDATE logins SET last_used_at = created_at, ends_at = expires_at;
)sql";

// Version 8: the ledger of usage (storage/usage_row.hpp). No row refers to another table, so that none goes with a chat
// or a user. What was used before is only in runs.usage.
constexpr const char* version_8 = R"sql(
CREATE TABLE usage(
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  chat_id INTEGER NOT NULL,
  run_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('model', 'cell')),
  outcome TEXT NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  vendor_id TEXT NOT NULL,
  input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
  output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
  cache_read_tokens INTEGER NOT NULL CHECK (cache_read_tokens >= 0),
  cache_write_5m_tokens INTEGER NOT NULL CHECK (cache_write_5m_tokens >= 0),
  cache_write_1h_tokens INTEGER NOT NULL CHECK (cache_write_1h_tokens >= 0),
  estimated INTEGER NOT NULL CHECK (estimated IN (0, 1)),
  cost_nano INTEGER CHECK (cost_nano >= 0),
  currency TEXT NOT NULL,
  processor_us INTEGER CHECK (processor_us >= 0),
  wall_us INTEGER NOT NULL CHECK (wall_us >= 0)
) STRICT;
CREATE INDEX usage_by_user ON usage(user_id, at);
CREATE INDEX usage_by_time ON usage(at);
)sql";

// Version 9: the audit (storage/audit_chain.hpp), which grows at its end and is never changed. Names and addresses are
// beside it, so that they can be forgotten; they are never changed either. A replacing INSERT fires no trigger of the
// row that it takes away, so that one is refused by its number.
constexpr const char* version_9 = R"sql(
CREATE TABLE audit(
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor_id INTEGER NOT NULL,
  actor_mark TEXT NOT NULL,
  way TEXT NOT NULL,
  address_mark TEXT NOT NULL,
  action TEXT NOT NULL,
  subject_id INTEGER NOT NULL,
  subject_mark TEXT NOT NULL,
  subject TEXT NOT NULL,
  details TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_actor ON audit(actor_id);
CREATE INDEX audit_by_subject ON audit(subject_id);
CREATE TRIGGER audit_appended BEFORE INSERT ON audit
  WHEN new.id <> coalesce((SELECT max(id) FROM audit), 0) + 1 BEGIN
  SELECT RAISE(ABORT, 'the audit grows at its end');
END;
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'a row of the audit is never changed');
END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN
  SELECT RAISE(ABORT, 'a row of the audit is never deleted');
END;
CREATE TABLE audit_texts(
  mark TEXT NOT NULL PRIMARY KEY,
  user_id INTEGER NOT NULL,
  salt TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_texts_of_user ON audit_texts(user_id, text);
CREATE TRIGGER audit_text_new BEFORE INSERT ON audit_texts
  WHEN EXISTS (SELECT 1 FROM audit_texts WHERE mark = new.mark) BEGIN
  SELECT RAISE(ABORT, 'a text of the audit is never replaced');
END;
CREATE TRIGGER audit_text_unchanged BEFORE UPDATE ON audit_texts BEGIN
  SELECT RAISE(ABORT, 'a text of the audit is never changed');
END;
)sql";

// Version 10: tokens of programs (storage/token_record.hpp).
constexpr const char* version_10 = R"sql(
CREATE TABLE tokens(
  token_hash TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_user ON tokens(user_id);
CREATE INDEX tokens_by_expiry ON tokens(expires_at);
)sql";

// Version 11: users for whom somebody else vouches, and groups.
constexpr const char* version_11 = R"sql(
ALTER TABLE users ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN mail TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX users_by_identity ON users(issuer, subject) WHERE subject <> '';
CREATE TABLE user_groups(
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name <> ''),
  source TEXT NOT NULL CHECK (source IN ('local', 'login')),
  PRIMARY KEY (user_id, name, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_groups_by_name ON user_groups(name);
)sql";

// Version 12: users who are being erased, or were (storage/erasures.hpp). Which of their chats are gone is kept until
// their files are, and nobody makes a user who is being erased somebody again.
constexpr const char* version_12 = R"sql(
CREATE TABLE erasures(
  user_id INTEGER NOT NULL PRIMARY KEY,
  step TEXT NOT NULL CHECK (step IN ('chats', 'account', 'search', 'vacuum', 'done')),
  asked_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX erasures_open ON erasures(asked_at) WHERE step <> 'done';
CREATE TABLE erased_chats(
  chat_id INTEGER NOT NULL PRIMARY KEY,
  user_id INTEGER NOT NULL
) STRICT;
CREATE TRIGGER erased_chat AFTER DELETE ON chats
WHEN EXISTS (SELECT 1 FROM erasures WHERE user_id = old.user_id) BEGIN
  INSERT OR IGNORE INTO erased_chats(chat_id, user_id) VALUES (old.id, old.user_id);
END;
CREATE TRIGGER erased_user BEFORE UPDATE OF disabled ON users
WHEN new.disabled = 0 AND EXISTS (SELECT 1 FROM erasures WHERE user_id = new.id) BEGIN
  SELECT RAISE(ABORT, 'this user is being erased');
END;
)sql";

// Version 13: what users and groups may use, as it is set while a server runs (storage/limit_book.hpp); and what the
// rows of the ledger add up to, of each user and day of UTC, so that looking at a limit costs the same whatever was
// used before. A user's limits go with the user, the sums stay as the ledger does.
constexpr const char* version_13 = R"sql(
CREATE TABLE limits(
  subject TEXT NOT NULL CHECK (subject IN ('user', 'group', 'everybody')),
  user_id INTEGER NOT NULL,
  group_name TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  CHECK ((subject = 'user') = (user_id <> 0)),
  CHECK ((subject = 'group') = (group_name <> '')),
  PRIMARY KEY (subject, user_id, group_name, name)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER limits_end AFTER DELETE ON users BEGIN
  DELETE FROM limits WHERE subject = 'user' AND user_id = old.id;
END;
CREATE TABLE usage_days(
  user_id INTEGER NOT NULL,
  day INTEGER NOT NULL,
  currency TEXT NOT NULL,
  requests INTEGER NOT NULL CHECK (requests >= 0),
  tokens INTEGER NOT NULL CHECK (tokens >= 0),
  cost_nano INTEGER NOT NULL CHECK (cost_nano >= 0),
  processor_us INTEGER NOT NULL CHECK (processor_us >= 0),
  PRIMARY KEY (user_id, day, currency)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_days SELECT user_id, at / 86400000000, currency,
  sum(kind = 'model' AND outcome NOT IN ('refused', 'unsent')),
  CAST(min(total(input_tokens + output_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens),
    4e18) AS INTEGER),
  CAST(min(total(cost_nano), 4e18) AS INTEGER), CAST(min(total(processor_us), 4e18) AS INTEGER)
  FROM usage GROUP BY 1, 2, 3;
)sql";

// Version 14: logins at a provider of OpenID Connect. Each goes with its browser session.
constexpr const char* version_14 = R"sql(
CREATE TABLE oidc_logins(
  token_hash TEXT NOT NULL PRIMARY KEY REFERENCES logins(token_hash) ON DELETE CASCADE,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL CHECK (subject <> ''),
  session TEXT NOT NULL,
  sealed TEXT NOT NULL,
  checked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oidc_logins_by_check ON oidc_logins(checked_at);
CREATE INDEX oidc_logins_by_subject ON oidc_logins(subject);
CREATE INDEX oidc_logins_by_session ON oidc_logins(session) WHERE session <> '';
)sql";

// Version 15: what users have uploaded on each day, and what a chat's snapshots and earlier files hold. What was
// uploaded before is in no sum; chats of before are measured with their next cell.
constexpr const char* version_15 = R"sql(
ALTER TABLE usage_days ADD COLUMN upload_bytes INTEGER NOT NULL DEFAULT 0 CHECK (upload_bytes >= 0);
ALTER TABLE chats ADD COLUMN snapshot_bytes INTEGER NOT NULL DEFAULT 0 CHECK (snapshot_bytes >= 0);
ALTER TABLE chats ADD COLUMN versions_bytes INTEGER NOT NULL DEFAULT 0 CHECK (versions_bytes >= 0);
CREATE INDEX chats_with_kept ON chats(user_id, snapshot_bytes, versions_bytes)
  WHERE snapshot_bytes + versions_bytes > 0;
)sql";

// Version 16: when the owner of a chat looked at it last, and when its files were deleted because nobody had used it
// (0: never). The jobs that delete such chats and files (storage/retention.hpp), and the chats whose files have yet to
// follow their rows.
constexpr const char* version_16 = R"sql(
ALTER TABLE chats ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN files_deleted_at INTEGER NOT NULL DEFAULT 0;
CREATE TABLE retention_jobs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  begun_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL DEFAULT 0,
  chats INTEGER NOT NULL DEFAULT 0,
  attachments INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE retired_chats(
  chat_id INTEGER NOT NULL PRIMARY KEY,
  user_id INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
)sql";

// Version 17: requests of users that are carried out once (storage/idempotency.hpp), and what they came to. The chat
// may be gone; so it is no reference.
constexpr const char* version_17 = R"sql(
CREATE TABLE idempotency_keys(
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  at INTEGER NOT NULL,
  chat_id INTEGER NOT NULL,
  run_id INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys(at);
)sql";

constexpr std::array migrations{version_1,  version_2,  version_3,  version_4,  version_5,  version_6,
                                version_7,  version_8,  version_9,  version_10, version_11, version_12,
                                version_13, version_14, version_15, version_16, version_17};

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
