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
