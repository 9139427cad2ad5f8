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
