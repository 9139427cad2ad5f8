CREATE TABLE usage(
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  chat_id INTEGER NOT NULL,
  run_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('model', 'cell')),
  outcome TEXT NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  vendor_id TEXT NOT NULL,
  input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
  output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
  cache_read_tokens INTEGER NOT NULL CHECK (cache_read_tokens >= 0),
  cache_write_5m_tokens INTEGER NOT NULL CHECK (cache_write_5m_tokens >= 0),
  cache_write_1h_tokens INTEGER NOT NULL CHECK (cache_write_1h_tokens >= 0),
  estimated INTEGER NOT NULL CHECK (estimated IN (0, 1)),
  cost_nano INTEGER CHECK (cost_nano >= 0),
  currency TEXT NOT NULL,
  processor_us INTEGER CHECK (processor_us >= 0),
  wall_us INTEGER NOT NULL CHECK (wall_us >= 0)
) STRICT;
CREATE INDEX usage_by_user ON usage(user_id, at);
CREATE INDEX usage_by_time ON usage(at);
