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
