ALTER TABLE chats ADD COLUMN history_bytes INTEGER NOT NULL DEFAULT 0 CHECK (history_bytes >= 0);
UPDATE chats SET history_bytes = coalesce((SELECT sum(length(CAST(json AS BLOB))) FROM messages
  WHERE chat_id = chats.id), 0);
CREATE INDEX chats_with_history ON chats(user_id, history_bytes) WHERE history_bytes > 0;
