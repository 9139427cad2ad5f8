#include "models/openai_responses_answer.hpp"

#include "models/message_json.hpp"
#include "models/openai_responses_details.hpp"
#include "models/openai_responses_items.hpp"
#include "models/vendor_json.hpp"

namespace varro::openai_responses {

namespace {

std::string index_key(int64_t index) {
  return "#" + std::to_string(index);
}

} // namespace

answer::answer(std::string provider_name) : provider_(std::move(provider_name)) {}

// --- slots -----------------------------------------------------------------------------------------------------------

std::string answer::key_of(const json& event) const {
  auto id = text_member(event, "item_id");
  if (!id.empty() && items_.count(id))
    return id;
  const auto index = integer_member(event, "output_index");
  if (const auto known = index ? keys_by_index_.find(*index) : keys_by_index_.end(); known != keys_by_index_.end())
    return known->second;
  return id.empty() ? index_key(index.value_or(0)) : id;
}

std::optional<std::string> answer::id_of(const std::string& key) const {
  return key.empty() || key.front() == '#' ? std::nullopt : std::optional(key);
}

template <class Part>
Part* answer::find(const std::string& key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : std::get_if<Part>(&slots_[found->second]);
}

void answer::put(const std::string& key, response_part part) {
  if (slots_.size() >= answer_parts_max) {
    overflow_ = true;
    return;
  }
  by_key_[key] = slots_.size();
  slots_.push_back(std::move(part));
}

// Made when it is not there; past the limit what comes is written to the last one, and the answer is refused anyway.
template <class Part>
Part& answer::slot(const std::string& key) {
  if (auto* part = find<Part>(key))
    return *part;
  put(key, Part{});
  if (auto* part = find<Part>(key))
    return *part;
  static thread_local Part discarded;
  discarded = Part{};
  return discarded;
}

thinking_part& answer::thinking(const std::string& key, const std::string& item_key) {
  auto& part = slot<thinking_part>(key);
  part.id = id_of(item_key);
  part.provider_name = provider_;
  return part;
}

// --- events ----------------------------------------------------------------------------------------------------------

bool answer::add_event(std::string_view type, const json& event) {
  if (type == "response.output_item.added")
    begin_item(event);
  else if (type == "response.output_item.done")
    end_item(event);
  else if (type == "response.output_text.delta")
    take_text(event);
  else if (type == "response.output_text.done")
    end_text(event);
  else if (type == "response.function_call_arguments.delta")
    take_arguments(event, false);
  else if (type == "response.function_call_arguments.done")
    take_arguments(event, true);
  else if (type == "response.reasoning_summary_part.added")
    take_summary(event, text_member(member(event, "part"), "text"));
  else if (type == "response.reasoning_summary_text.delta")
    take_summary(event, text_member(event, "delta"));
  else if (type == "response.reasoning_text.delta")
    take_raw_reasoning(event);
  else if (type == "response.refusal.delta")
    take_refusal(event, false);
  else if (type == "response.refusal.done")
    take_refusal(event, true);
  else if (type == "response.image_generation_call.partial_image")
    take_partial_picture(event);
  return !overflow_;
}

void answer::begin_item(const json& event) {
  const auto& item = member(event, "item");
  const auto index = integer_member(event, "output_index").value_or(static_cast<int64_t>(items_.size()));
  auto key = text_member(item, "id");
  if (key.empty())
    key = index_key(index);
  if (items_.size() >= answer_parts_max) {
    overflow_ = true;
    return;
  }
  keys_by_index_[index] = key;
  items_.insert(key);
  const auto type = text_member(item, "type");
  if (type == "message") {
    if (auto phase = text_member(item, "phase"); !phase.empty())
      phases_[key] = std::move(phase);
  } else if (type == "function_call") {
    if (!by_key_.count(key))
      add_function_call(item, key);
  } else if (type != "reasoning" && is_vendor_item(type)) {
    begin_vendor_item(item, key);
  }
}

void answer::begin_vendor_item(const json& item, const std::string& key) {
  const auto type = text_member(item, "type");
  auto made = parts_of_item(item, provider_, true);
  if (made.call && !by_key_.count(key + "-call"))
    put(key + "-call", std::move(*made.call));
  // These hold everything from their beginning on.
  if (made.result && (type == "tool_search_output" || type == "compaction") && !by_key_.count(key + "-return"))
    put(key + "-return", std::move(*made.result));
}

void answer::end_vendor_item(const json& item, const std::string& key) {
  auto made = parts_of_item(item, provider_, true);
  const auto set = [this](const std::string& at, response_part part) {
    if (const auto known = by_key_.find(at); known != by_key_.end())
      slots_[known->second] = std::move(part);
    else
      put(at, std::move(part));
  };
  if (made.call)
    set(key + "-call", std::move(*made.call));
  for (size_t i = 0; i < made.files.size(); ++i)
    set(key + "-file" + std::to_string(i), std::move(made.files[i]));
  if (made.result)
    set(key + "-return", std::move(*made.result));
}

void answer::end_item(const json& event) {
  const auto& item = member(event, "item");
  const auto type = text_member(item, "type");
  auto key = text_member(item, "id");
  if (key.empty() || !items_.count(key))
    key = key_of(json{{"item_id", key}, {"output_index", member(event, "output_index")}});
  if (type == "message") {
    // A server that sends its text only now.
    if (!find<text_part>(key) && !refused_)
      add_message(item);
  } else if (type == "reasoning") {
    if (!by_key_.count(key))
      add_reasoning(item);
    else if (auto signature = text_member(item, "encrypted_content"); !signature.empty())
      thinking(key, key).signature = std::move(signature); // only now is it whole
  } else if (type == "function_call") {
    auto* call = find<tool_call_part>(key);
    if (!call)
      add_function_call(item, key);
    else if (call->args == json(""))
      call->args = text_member(item, "arguments");
  } else if (is_vendor_item(type)) {
    end_vendor_item(item, key);
  }
}

void answer::take_text(const json& event) {
  const auto& delta = member(event, "delta");
  if (!delta.is_string())
    return; // gateways send null
  const auto key = key_of(event);
  auto& part = slot<text_part>(key);
  part.content += delta.get_ref<const std::string&>();
  part.id = id_of(key);
  part.provider_name = provider_;
}

void answer::end_text(const json& event) {
  const auto key = key_of(event);
  auto* part = find<text_part>(key);
  if (!part) {
    auto text = text_member(event, "text");
    if (text.empty())
      return;
    part = &slot<text_part>(key);
    part->content = std::move(text);
    part->id = id_of(key);
    part->provider_name = provider_;
  }
  if (const auto& logprobs = member(event, "logprobs"); is_filled_list(logprobs))
    set_detail(part->provider_details, "logprobs", logprobs_of(logprobs, false));
  if (const auto phase = phases_.find(key); phase != phases_.end())
    set_detail(part->provider_details, "phase", phase->second);
}

void answer::take_arguments(const json& event, bool whole) {
  auto* call = find<tool_call_part>(key_of(event));
  if (!call || !call->args.is_string())
    return;
  auto& args = call->args.get_ref<std::string&>();
  if (!whole)
    args += text_member(event, "delta");
  else if (args.empty())
    args = text_member(event, "arguments");
}

// The first summary shares its part with the unencrypted reasoning and the signature.
void answer::take_summary(const json& event, std::string_view text) {
  const auto key = key_of(event);
  const auto index = integer_member(event, "summary_index").value_or(0);
  thinking(index == 0 ? key : key + "-" + std::to_string(index), key).content += text;
}

void answer::take_raw_reasoning(const json& event) {
  const auto index = integer_member(event, "content_index").value_or(0);
  if (index < 0 || index >= raw_pieces_max) {
    overflow_ = true;
    return;
  }
  const auto key = key_of(event);
  auto& details = thinking(key, key).provider_details;
  if (!member(details, "raw_content").is_array())
    set_detail(details, "raw_content", json::array());
  auto& raw = details["raw_content"];
  while (raw.size() <= static_cast<size_t>(index))
    raw.push_back("");
  raw[static_cast<size_t>(index)].get_ref<std::string&>() += text_member(event, "delta");
}

void answer::take_partial_picture(const json& event) {
  const auto key = key_of(event);
  auto part = picture_part(member(event, "partial_image_b64"), text_member(event, "output_format"), key);
  slot<file_part>(key + "-file0") = std::move(part);
}

void answer::take_refusal(const json& event, bool whole) {
  refused_ = true;
  if (whole)
    refusal_ = text_member(event, "refusal");
  else
    refusal_ += text_member(event, "delta");
}

std::vector<response_part> answer::parts(bool with_calls) const {
  std::vector<response_part> parts;
  for (const auto& part : slots_) {
    const bool is_call
      = std::holds_alternative<tool_call_part>(part) || std::holds_alternative<builtin_tool_call_part>(part);
    if (is_call && !with_calls)
      continue;
    if (const auto* call = std::get_if<tool_call_part>(&part); call && call->tool_name.empty())
      continue;
    parts.push_back(part);
  }
  if (!refusal_.empty()) {
    text_part part;
    part.content = refusal_;
    part.provider_name = provider_;
    parts.emplace_back(std::move(part));
  }
  return parts;
}

} // namespace varro::openai_responses
