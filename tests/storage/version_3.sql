ALTER TABLE chats ADD COLUMN python TEXT NOT NULL DEFAULT '';
ALTER TABLE chats ADD COLUMN workspace_bytes INTEGER NOT NULL DEFAULT 0 CHECK (workspace_bytes >= 0);
CREATE INDEX chats_with_files ON chats(user_id, workspace_bytes) WHERE workspace_bytes > 0;
