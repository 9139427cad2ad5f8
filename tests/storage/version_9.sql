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
