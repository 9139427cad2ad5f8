// Chats, messages and batches for tests of the storage and of what stands on it.
#pragma once

#include "storage/records.hpp"

#include <string>
#include <utility>

namespace varro::test {

inline message prompt(std::string text) {
  model_request request;
  request.parts.push_back(user_prompt_part{std::move(text), "2026-01-31T12:00:00Z"});
  request.timestamp = "2026-01-31T12:00:00Z";
  return request;
}

inline message answer(std::string text) {
  model_response response;
  text_part part;
  part.content = std::move(text);
  response.parts.push_back(part);
  response.timestamp = "2026-01-31T12:00:01Z";
  return response;
}

inline chat_record make_chat(int64_t id, int64_t user, std::string title = "a chat", unix_us time = 1'000) {
  chat_record chat;
  chat.id = id;
  chat.user_id = user;
  chat.title = std::move(title);
  chat.model = "offline";
  chat.created_at = time;
  chat.updated_at = time;
  return chat;
}

inline message_row make_row(int64_t chat, int64_t seq, message content, int64_t turn = 1) {
  message_row row;
  row.chat_id = chat;
  row.seq = seq;
  row.turn = turn;
  row.run_id = turn;
  row.content = std::move(content);
  row.created_at = 1'000 + seq;
  return row;
}

inline run_record make_run(int64_t id, int64_t chat, int64_t turn = 1) {
  run_record run;
  run.id = id;
  run.chat_id = chat;
  run.turn = turn;
  run.first_seq = 1;
  run.started_at = 1'000;
  return run;
}

// A batch that creates or updates the chat.
inline write_batch batch_of(const chat_record& chat) {
  write_batch batch;
  batch.chat_id = chat.id;
  batch.chat = chat;
  return batch;
}

// A batch of one message of an existing chat.
inline write_batch batch_of(int64_t user, message_row row) {
  write_batch batch;
  batch.chat_id = row.chat_id;
  batch.user_id = user;
  batch.messages.push_back(std::move(row));
  return batch;
}

} // namespace varro::test
