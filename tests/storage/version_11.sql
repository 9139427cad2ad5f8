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
