#include "models/openai_responses_input.hpp"

#include "base/text.hpp"
#include "models/history.hpp"
#include "models/openai_chat_quirks.hpp"
#include "models/openai_responses.hpp"
#include "models/openai_responses_items.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace varro::openai_responses {

namespace {

constexpr call_id_rule call_ids{.length_max = 64};

struct document_type {
  std::string_view media_type;
  std::string_view extension;
};
// What is sent as a file; a file's name tells the vendor how to read it.
// https://developers.openai.com/api/docs/guides/file-inputs
constexpr std::array<document_type, 9> document_types = {{
  {"application/pdf", "pdf"},
  {"text/plain", "txt"},
  {"text/csv", "csv"},
  {"text/html", "html"},
  {"text/markdown", "md"},
  {"application/msword", "doc"},
  {"application/vnd.ms-excel", "xls"},
  {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
  {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
}};

json input_text(std::string text) {
  return json{{"type", "input_text"}, {"text", std::move(text)}};
}

json message(std::string_view role, json content) {
  return json{{"role", role}, {"content", std::move(content)}};
}

// Older histories have the item's id behind the call's, in one text.
struct call_identity {
  std::string call_id;
  std::optional<std::string> item_id;
};

call_identity identity_of(const std::string& tool_call_id) {
  const auto bar = tool_call_id.find('|');
  if (bar == std::string::npos)
    return {accepted_call_id(tool_call_id, call_ids), std::nullopt};
  return {accepted_call_id(tool_call_id.substr(0, bar), call_ids), tool_call_id.substr(bar + 1)};
}

class input_encoder {
public:
  input_encoder(const model_query& query, const input_rules& rules)
    : query_(query), rules_(rules), provider_(provider_name(query.model)), role_(openai_chat::system_role(query.model)),
      vision_(query.model.vision && !query.without_pictures) {}

  json encode() {
    for (const varro::message& any_message : joined(*query_.history)) {
      if (const auto* request = std::get_if<model_request>(&any_message))
        add_request(*request);
      else
        add_response(std::get<model_response>(any_message));
    }
    return std::move(items_);
  }

private:
  void add_request(const model_request& request);
  void add_output(const std::string& tool_call_id, json output);
  json tool_output(const tool_return_part& part) const;
  json prompt_content(const user_prompt_part& part) const;
  json file_item(const user_content& file) const;
  json binary_item(const binary_content& file) const;

  void add_response(const model_response& response);
  void begin_response(const model_response& response);
  bool is_own(const std::optional<std::string>& part_provider) const;
  bool sends_id(const std::optional<std::string>& part_provider) const;
  void add_text(const text_part& part);
  void add_thinking(const thinking_part& part);
  void add_call(const tool_call_part& part);
  void add_builtin(const builtin_tool_call_part& part);
  void add_as_text(const std::string& thought);
  void drop_reasoning_at_end();
  void move_calls_to_end();

  const model_query& query_;
  const input_rules& rules_;
  std::string provider_;
  std::string_view role_;
  bool vision_;
  json items_ = json::array();

  // Of the response that is being encoded.
  const model_response* response_ = nullptr;
  bool with_ids_ = false;
  std::set<std::string> signed_; // ids of reasoning items that can be sent back
  size_t begin_ = 0;             // of its items
  size_t message_ = SIZE_MAX;    // its newest message item with an id
  size_t reasoning_ = SIZE_MAX;
};

// --- requests --------------------------------------------------------------------------------------------------------

json input_encoder::binary_item(const binary_content& file) const {
  if (is_image(file.media_type)) {
    const auto type = picture_type(file.data);
    if (!vision_ || type.empty())
      return input_text(file_note(file));
    return json{{"type", "input_image"},
                {"image_url", data_url(file, type)},
                {"detail", string_member(file.vendor_metadata, "detail").value_or("auto")}};
  }
  const auto* document = std::find_if(document_types.begin(), document_types.end(),
                                      [&](const auto& type) { return type.media_type == file.media_type; });
  // Pages go as pictures besides their text, so a PDF needs a model that sees.
  const bool is_pdf = file.media_type == "application/pdf";
  if (rules_.documents && !query_.without_pictures && document != document_types.end() && !file.data.empty()
      && (vision_ || !is_pdf))
    return json{{"type", "input_file"},
                {"file_data", data_url(file)},
                {"filename", "filename." + std::string(document->extension)}};
  return input_text(reads_as_text(file.media_type) ? inlined_file(file) : file_note(file));
}

json input_encoder::file_item(const user_content& file) const {
  if (const auto* binary = std::get_if<binary_content>(&file))
    return binary_item(*binary);
  if (const auto* url = std::get_if<url_content>(&file)) {
    if (url->kind == "image-url" && vision_)
      return json{{"type", "input_image"},
                  {"image_url", url->url},
                  {"detail", string_member(url->vendor_metadata, "detail").value_or("auto")}};
    if (url->kind == "document-url" && vision_ && rules_.documents)
      return json{{"type", "input_file"}, {"file_url", url->url}};
  } else if (const auto* uploaded = std::get_if<uploaded_file>(&file);
             uploaded && vision_ && uploaded->provider_name == provider_) {
    if (is_image(uploaded->media_type))
      return json{{"type", "input_image"},
                  {"file_id", uploaded->file_id},
                  {"detail", string_member(uploaded->vendor_metadata, "detail").value_or("auto")}};
    return json{{"type", "input_file"}, {"file_id", uploaded->file_id}};
  }
  return input_text(file_note(file));
}

json input_encoder::prompt_content(const user_prompt_part& part) const {
  if (const auto* text = std::get_if<std::string>(&part.content))
    return *text;
  auto content = json::array();
  for (const auto& item : std::get<std::vector<user_content>>(part.content)) {
    if (const auto* text = std::get_if<std::string>(&item))
      content.push_back(input_text(*text));
    else if (const auto* marked = std::get_if<text_content>(&item))
      content.push_back(input_text(marked->content));
    else if (!std::holds_alternative<cache_point>(item))
      content.push_back(file_item(item));
  }
  return content;
}

// Text alone is a string, which every server takes; files stand where they stood among the texts.
json input_encoder::tool_output(const tool_return_part& part) const {
  auto split = split_tool_content(part.content);
  if (split.files.empty())
    return std::move(split.text);
  auto output = json::array();
  std::string texts;
  bool shows = false;
  for (const auto& item : tool_content_items(part.content)) {
    const auto* text = std::get_if<std::string>(&item);
    output.push_back(text ? input_text(*text) : file_item(std::get<user_content>(item)));
    shows = shows || output.back()["type"] != "input_text";
    texts += (texts.empty() ? "" : "\n") + text_member(output.back(), "text");
  }
  return shows ? std::move(output) : json(std::move(texts));
}

void input_encoder::add_output(const std::string& tool_call_id, json output) {
  items_.push_back(json{
    {"type", "function_call_output"}, {"call_id", identity_of(tool_call_id).call_id}, {"output", std::move(output)}});
}

void input_encoder::add_request(const model_request& request) {
  for (const auto& any_part : request.parts) {
    if (const auto* part = std::get_if<tool_return_part>(&any_part))
      add_output(part->tool_call_id, tool_output(*part));
    else if (const auto* part = std::get_if<system_prompt_part>(&any_part))
      items_.push_back(message(role_, part->content));
    else if (const auto* part = std::get_if<user_prompt_part>(&any_part))
      items_.push_back(message("user", prompt_content(*part)));
    else if (const auto* part = std::get_if<retry_prompt_part>(&any_part); part && part->tool_name)
      add_output(part->tool_call_id, retry_text(*part));
    else if (part)
      items_.push_back(message("user", json::array({input_text(retry_text(*part))})));
  }
}

// --- responses -------------------------------------------------------------------------------------------------------

bool input_encoder::is_own(const std::optional<std::string>& part_provider) const {
  return part_provider ? *part_provider == provider_ : response_->provider_name == provider_;
}

bool input_encoder::sends_id(const std::optional<std::string>& part_provider) const {
  return with_ids_ && is_own(part_provider);
}

// The vendor checks that an item with an id comes with the reasoning that led to it. Where a piece of that cannot be
// sent back (the stream broke off before its signature), the others go without their ids.
void input_encoder::begin_response(const model_response& response) {
  response_ = &response;
  begin_ = items_.size();
  message_ = reasoning_ = SIZE_MAX;
  signed_.clear();
  with_ids_ = rules_.traits.reasons();
  if (query_.without_thinking) {
    with_ids_ = false;
    return;
  }
  std::set<std::string> unsigned_ids;
  for (const auto& any_part : response.parts) {
    const auto* part = std::get_if<thinking_part>(&any_part);
    if (!part || !is_own(part->provider_name))
      continue;
    const auto id = part->id.value_or("");
    const bool can_return = (part->signature && part->provider_name == provider_)
      || member(part->provider_details, "raw_content").is_array() || (rules_.stored && rules_.traits.reasons());
    if (can_return)
      signed_.insert(id);
    else
      unsigned_ids.insert(id);
  }
  for (const auto& id : unsigned_ids)
    with_ids_ = with_ids_ && signed_.count(id) > 0;
}

void input_encoder::add_text(const text_part& part) {
  const auto phase = text_member(part.provider_details, "phase");
  const bool sends_phase
    = rules_.traits.phases && part.provider_name == provider_ && (phase == "commentary" || phase == "final_answer");
  if (!part.id || part.id->empty() || !sends_id(part.provider_name)) {
    if (part.content.empty())
      return;
    items_.push_back(message("assistant", part.content));
    if (sends_phase)
      items_.back()["phase"] = phase;
    return;
  }
  if (message_ == SIZE_MAX || items_[message_]["id"] != *part.id) {
    message_ = items_.size();
    items_.push_back(json{{"type", "message"},
                          {"role", "assistant"},
                          {"id", *part.id},
                          {"status", "completed"},
                          {"content", json::array()}});
  }
  auto& item = items_[message_];
  item["content"].push_back(json{{"type", "output_text"}, {"text", part.content}, {"annotations", json::array()}});
  if (sends_phase)
    item["phase"] = phase;
}

void input_encoder::add_as_text(const std::string& thought) {
  if (!is_blank(thought))
    items_.push_back(message("assistant", "<think>\n" + thought + "\n</think>"));
}

void input_encoder::add_thinking(const thinking_part& part) {
  if (query_.without_thinking)
    return;
  const bool own = part.provider_name == provider_;
  const auto& raw = member(part.provider_details, "raw_content");
  const bool has_raw = own && raw.is_array() && !raw.empty();
  const auto id = part.id.value_or(""); // some servers give their reasoning none
  const bool can_return
    = own && signed_.count(id) > 0 && (rules_.traits.reasons() || has_raw || rules_.traits.family.empty());
  if (!can_return) {
    // What this vendor thought and cannot be told again is gone; what another one thought, and what a model that does
    // not reason is to know, is said in words.
    if (!own || !part.id || !rules_.traits.reasons())
      add_as_text(part.content);
    return;
  }
  const bool is_new
    = reasoning_ == SIZE_MAX || text_member(items_[reasoning_], "id") != id || (id.empty() && part.signature);
  if (is_new && !part.signature && part.content.empty() && !has_raw)
    return;
  if (is_new) {
    reasoning_ = items_.size();
    items_.push_back(json{{"type", "reasoning"}, {"summary", json::array()}});
    if (!id.empty())
      items_.back()["id"] = id;
  }
  auto& item = items_[reasoning_];
  if (part.signature)
    item["encrypted_content"] = *part.signature;
  if (!part.content.empty())
    item["summary"].push_back(json{{"type", "summary_text"}, {"text", part.content}});
  if (has_raw) {
    auto content = json::array();
    for (const auto& text : raw)
      if (text.is_string())
        content.push_back(json{{"type", "reasoning_text"}, {"text", text}});
    item["content"] = std::move(content);
  }
}

void input_encoder::add_call(const tool_call_part& part) {
  auto identity = identity_of(part.tool_call_id);
  json item = {{"type", "function_call"},
               {"call_id", std::move(identity.call_id)},
               {"name", accepted_tool_name(part.tool_name)},
               {"arguments", arguments_text(part.args)}};
  const auto id = identity.item_id ? identity.item_id : part.id;
  if (id && !id->empty() && sends_id(part.provider_name))
    item["id"] = *id;
  if (const auto space = text_member(part.provider_details, "namespace");
      !space.empty() && part.provider_name == provider_)
    item["namespace"] = space;
  items_.push_back(std::move(item));
}

void input_encoder::add_builtin(const builtin_tool_call_part& part) {
  if (!sends_id(part.provider_name))
    return;
  const builtin_tool_return_part* result = nullptr;
  std::vector<const file_part*> files;
  for (const auto& any_part : response_->parts) {
    if (const auto* one = std::get_if<builtin_tool_return_part>(&any_part);
        one && one->tool_call_id == part.tool_call_id)
      result = one;
    else if (const auto* file = std::get_if<file_part>(&any_part))
      files.push_back(file);
  }
  if (auto item = item_of(part, result, files, rules_.stored); !item.is_null())
    items_.push_back(std::move(item));
}

// The vendor refuses reasoning that nothing follows.
void input_encoder::drop_reasoning_at_end() {
  while (items_.size() > begin_ && text_member(items_.back(), "type") == "reasoning")
    items_.erase(items_.size() - 1);
}

// DeepSeek joins a call to the message beside it: a text between two calls would part them from their results.
// https://api-docs.deepseek.com/guides/responses_api
void input_encoder::move_calls_to_end() {
  auto calls = json::array();
  for (size_t i = begin_; i < items_.size();)
    if (text_member(items_[i], "type") == "function_call") {
      calls.push_back(std::move(items_[i]));
      items_.erase(i);
    } else {
      ++i;
    }
  for (auto& call : calls)
    items_.push_back(std::move(call));
}

void input_encoder::add_response(const model_response& response) {
  begin_response(response);
  for (const auto& any_part : response.parts) {
    if (const auto* part = std::get_if<text_part>(&any_part)) {
      add_text(*part);
    } else if (const auto* part = std::get_if<thinking_part>(&any_part)) {
      add_thinking(*part);
    } else if (const auto* part = std::get_if<tool_call_part>(&any_part)) {
      add_call(*part);
    } else if (const auto* part = std::get_if<builtin_tool_call_part>(&any_part)) {
      add_builtin(*part);
    } else if (const auto* part = std::get_if<builtin_tool_return_part>(&any_part)) {
      if (const auto& whole = whole_item(*part); whole.is_object() && is_own(part->provider_name))
        items_.push_back(whole);
    } else if (const auto* part = std::get_if<compaction_part>(&any_part); part && part->provider_name == provider_) {
      if (auto item = item_of(*part); !item.is_null())
        items_.push_back(std::move(item));
    }
    // Files of the vendor's own tools go with their calls.
  }
  drop_reasoning_at_end();
  if (provider_ == "deepseek")
    move_calls_to_end();
}

} // namespace

json encode_input(const model_query& query, const input_rules& rules) {
  return input_encoder(query, rules).encode();
}

} // namespace varro::openai_responses
