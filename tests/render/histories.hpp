// Rows and chats for the tests of render/.
#pragma once

#include "config/config.hpp"
#include "models/cell.hpp"
#include "models/history.hpp"
#include "render/blocks.hpp"

namespace varro::test {

inline message_row row_of(int64_t seq, message content, int64_t run_id = 1) {
  message_row row;
  row.chat_id = 42;
  row.seq = seq;
  row.turn = run_id;
  row.run_id = run_id;
  row.content = std::move(content);
  return row;
}

inline message_row request_row(int64_t seq, std::vector<request_part> parts, int64_t run_id = 1) {
  model_request request;
  request.parts = std::move(parts);
  return row_of(seq, std::move(request), run_id);
}

inline message_row response_row(int64_t seq, std::vector<response_part> parts, int64_t run_id = 1) {
  model_response response;
  response.parts = std::move(parts);
  return row_of(seq, std::move(response), run_id);
}

inline user_prompt_part prompt(std::string text) {
  user_prompt_part part;
  part.content = std::move(text);
  return part;
}

inline text_part text(std::string content) {
  text_part part;
  part.content = std::move(content);
  return part;
}

inline thinking_part thinking(std::string content) {
  thinking_part part;
  part.content = std::move(content);
  return part;
}

inline tool_call_part call(std::string tool, json args, std::string id) {
  tool_call_part part;
  part.tool_name = std::move(tool);
  part.args = std::move(args);
  part.tool_call_id = std::move(id);
  return part;
}

inline tool_call_part python_call(std::string code, std::string id) {
  return call("python", json{{"code", std::move(code)}}, std::move(id));
}

inline tool_return_part tool_return(std::string tool, json content, std::string id) {
  tool_return_part part;
  part.tool_name = std::move(tool);
  part.content = std::move(content);
  part.tool_call_id = std::move(id);
  return part;
}

inline tool_return_part cell_return(const cell_result& result, std::string id) {
  auto part = tool_return("python", make_tool_content(cell_text(result), cell_images(result)), std::move(id));
  part.metadata = cell_metadata(result);
  return part;
}

inline retry_prompt_part retry(json content, std::string id) {
  retry_prompt_part part;
  part.content = std::move(content);
  part.tool_name = "python";
  part.tool_call_id = std::move(id);
  return part;
}

inline run_record run_of(int64_t id, int64_t first_seq, std::string status, int64_t end_seq = 0,
                         std::string error = {}) {
  run_record run;
  run.id = id;
  run.chat_id = 42;
  run.turn = id;
  run.first_seq = first_seq;
  run.status = std::move(status);
  run.end_seq = end_seq;
  run.error = std::move(error);
  return run;
}

inline model_config model_of(std::string id, std::string label, provider_kind kind) {
  model_config model;
  model.id = std::move(id);
  model.label = std::move(label);
  model.kind = kind;
  return model;
}

// A PNG's head: 640 × 480.
inline std::string png_bytes() {
  return std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0", 24);
}

inline std::string all_html(const std::vector<block>& blocks) {
  std::string html;
  for (const auto& item : blocks)
    html += item.html.str();
  return html;
}

} // namespace varro::test
