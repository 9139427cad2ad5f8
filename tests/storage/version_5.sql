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
