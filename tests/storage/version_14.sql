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
