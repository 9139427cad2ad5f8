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
