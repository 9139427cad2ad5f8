CREATE TABLE limits(
  subject TEXT NOT NULL CHECK (subject IN ('user', 'group', 'everybody')),
  user_id INTEGER NOT NULL,
  group_name TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  CHECK ((subject = 'user') = (user_id <> 0)),
  CHECK ((subject = 'group') = (group_name <> '')),
  PRIMARY KEY (subject, user_id, group_name, name)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER limits_end AFTER DELETE ON users BEGIN
  DELETE FROM limits WHERE subject = 'user' AND user_id = old.id;
END;
CREATE TABLE usage_days(
  user_id INTEGER NOT NULL,
  day INTEGER NOT NULL,
  currency TEXT NOT NULL,
  requests INTEGER NOT NULL CHECK (requests >= 0),
  tokens INTEGER NOT NULL CHECK (tokens >= 0),
  cost_nano INTEGER NOT NULL CHECK (cost_nano >= 0),
  processor_us INTEGER NOT NULL CHECK (processor_us >= 0),
  PRIMARY KEY (user_id, day, currency)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_days SELECT user_id, at / 86400000000, currency,
  sum(kind = 'model' AND outcome NOT IN ('refused', 'unsent')),
  CAST(min(total(input_tokens + output_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens),
    4e18) AS INTEGER),
  CAST(min(total(cost_nano), 4e18) AS INTEGER), CAST(min(total(processor_us), 4e18) AS INTEGER)
  FROM usage GROUP BY 1, 2, 3;
