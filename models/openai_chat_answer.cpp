#include "models/openai_chat_answer.hpp"

#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <array>

namespace varro::openai_chat {

namespace {

constexpr std::string_view think_open = "<think>";
constexpr std::string_view think_close = "</think>";
constexpr std::array<const char*, 2> reasoning_fields = {"reasoning", "reasoning_content"};

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

} // namespace

answer::answer(const quirks& row, std::string provider_name) : row_(row), provider_(std::move(provider_name)) {}

bool answer::has_content() const {
  return !slots_.empty() || !refusal_.empty();
}

bool answer::add(const json& delta, bool whole) {
  whole_ = whole_ || whole;
  // A vendor that sends reasoning_details sends their text under `reasoning` a second time.
  if (!add_reasoning_details(delta, whole))
    add_reasoning(delta);
  add_content(member(delta, "content"), whole);
  add_tool_calls(member(delta, "tool_calls"));
  // The field from before tool_calls streams alike; some servers always send it, empty.
  if (const auto& legacy = member(delta, "function_call");
      !text_member(legacy, "name").empty() || !text_member(legacy, "arguments").empty())
    add_tool_call(json{{"index", -1}, {"function", legacy}});
  refusal_ += text_member(delta, "refusal");
  return slots_.size() <= answer_parts_max;
}

// --- thinking --------------------------------------------------------------------------------------------------------

void answer::think(const std::string& key, std::string_view text, const char* field) {
  const auto found = thoughts_.find(key);
  if (found != thoughts_.end()) {
    std::get<thought>(slots_[found->second]).part.content.append(text);
    return;
  }
  thought made{key, {}};
  made.part.content = std::string(text);
  if (!row_.unnamed_thinking) {
    made.part.id = field;
    made.part.provider_name = provider_;
  }
  thoughts_.emplace(key, slots_.size());
  slots_.emplace_back(std::move(made));
}

void answer::add_reasoning(const json& delta) {
  const char* field = nullptr;
  const auto tell = [&](const char* name) {
    const auto& value = member(delta, name);
    if (!field && value.is_string() && !value.get_ref<const std::string&>().empty())
      field = name;
  };
  if (!row_.thinking_field.empty())
    tell(row_.thinking_field.data()); // the table's literals end with a null
  for (const auto* name : reasoning_fields)
    tell(name);
  if (!field) {
    in_reasoning_ = false;
    return;
  }
  // Vendors whose thinking has no name think again between other things; named thinking is one part.
  if (!in_reasoning_)
    ++reasoning_run_;
  in_reasoning_ = true;
  const auto key = row_.unnamed_thinking ? "run " + std::to_string(reasoning_run_) : std::string(field);
  think(key, text_member(delta, field), field);
}

bool answer::add_reasoning_details(const json& delta, bool whole) {
  const auto& details = member(delta, "reasoning_details");
  if (!details.is_array() || details.empty())
    return false;
  bool any = false;
  size_t position = 0;
  for (const auto& detail : details) {
    const auto type = text_member(detail, "type");
    const size_t at = position++;
    if (!starts_with(type, "reasoning."))
      continue;
    any = true;
    // Deltas of one detail share its type and index; whole ones stand for themselves.
    const auto index = whole ? static_cast<int64_t>(at) : integer_member(detail, "index").value_or(at);
    const auto key = type + " " + std::to_string(index);
    const bool is_new = !thoughts_.count(key);
    const auto text = string_member(detail, type == "reasoning.summary" ? "summary" : "text").value_or("");
    think(key, text, "");
    auto& part = std::get<thought>(slots_[thoughts_[key]]).part;
    if (is_new) {
      part.id = string_member(detail, "id");
      part.provider_name = provider_;
      part.provider_details
        = json{{"format", member(detail, "format")}, {"index", member(detail, "index")}, {"type", type}};
    }
    if (auto signature = string_member(detail, type == "reasoning.encrypted" ? "data" : "signature"))
      part.signature = part.signature && type == "reasoning.encrypted" ? *part.signature + *signature : *signature;
  }
  return any;
}

// --- text ------------------------------------------------------------------------------------------------------------

void answer::add_text(std::string_view text) {
  if (text.empty())
    return;
  if (!std::exchange(has_text_slot_, true))
    slots_.emplace_back(text_slot{});
  text_.append(text);
}

void answer::add_content(const json& content, bool whole) {
  if (content.is_string())
    add_text(content.get_ref<const std::string&>());
  else if (content.is_array())
    for (const auto& item : content)
      add_content_item(item, whole);
  else if (content.is_object())
    add_content_item(content, whole);
}

void answer::add_content_item(const json& item, bool whole) {
  if (item.is_string())
    return add_text(item.get_ref<const std::string&>());
  if (text_member(item, "type") != "thinking")
    return add_text(text_member(item, "text"));
  const auto& thinking = member(item, "thinking");
  const auto add = [&](std::string_view text) {
    const auto key = whole ? "chunk " + std::to_string(thoughts_.size()) : std::string("chunk");
    think(key, text, "content");
  };
  if (thinking.is_string())
    add(thinking.get_ref<const std::string&>());
  else if (thinking.is_array())
    for (const auto& piece : thinking)
      if (const auto text = text_member(piece, "text"); !text.empty())
        add(text);
}

// Thinking that stands in tags at the head of the text, as servers without a parser for it send.
void answer::append_text_parts(std::vector<response_part>& parts) const {
  std::string_view rest = text_;
  const auto add = [&parts](std::string_view text) {
    if (text.empty())
      return;
    text_part part;
    part.content = std::string(text);
    parts.emplace_back(std::move(part));
  };
  for (;;) {
    const auto first = rest.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || !starts_with(rest.substr(first), think_open))
      break;
    const auto inner = rest.substr(first + think_open.size());
    const auto end = inner.find(think_close);
    if (end == std::string_view::npos && whole_) {
      rest = inner; // as pydantic-ai does with a whole body: the tag is lost, the words are text
      break;
    }
    thinking_part part;
    part.content = std::string(inner.substr(0, end));
    if (!row_.unnamed_thinking) {
      part.id = "content";
      part.provider_name = provider_;
    }
    parts.emplace_back(std::move(part));
    rest = end == std::string_view::npos ? std::string_view{} : inner.substr(end + think_close.size());
  }
  add(rest);
}

// --- tool calls ------------------------------------------------------------------------------------------------------

void answer::add_tool_calls(const json& calls) {
  if (calls.is_array()) {
    for (const auto& delta : calls)
      if (delta.is_object() && slots_.size() <= answer_parts_max)
        add_tool_call(delta);
  } else if (calls.is_object()) {
    add_tool_call(calls);
  }
}

answer::call& answer::call_for(const json& delta, const std::string& id, const std::string& name) {
  const auto index = integer_member(delta, "index");
  const auto known = index ? calls_.find(*index) : calls_.end();
  size_t at = SIZE_MAX;
  if (index && known != calls_.end())
    at = known->second;
  else if (!index && id.empty() && name.empty())
    at = last_call_; // a continuation that does not say of what
  else if (!index && !id.empty() && last_call_ != SIZE_MAX && std::get<call>(slots_[last_call_]).id == id)
    at = last_call_;
  if (at != SIZE_MAX) {
    // Some servers give every call the same index: another id with a name is another call.
    const auto& existing = std::get<call>(slots_[at]);
    const bool another = !id.empty() && !name.empty() && !existing.id.empty() && existing.id != id;
    if (!another)
      return std::get<call>(slots_[at]);
  }
  at = slots_.size();
  slots_.emplace_back(call{});
  if (index)
    calls_[*index] = at;
  last_call_ = at;
  return std::get<call>(slots_[at]);
}

void answer::add_tool_call(const json& delta) {
  const auto& function = member(delta, "function");
  const auto id = text_member(delta, "id");
  const auto name = text_member(function, "name");
  auto& made = call_for(delta, id, name);
  if (made.id.empty())
    made.id = id;
  // A name comes once, in pieces, or again with every delta.
  if (!name.empty() && made.name != name)
    made.name += name;
  const auto& arguments = member(function, "arguments");
  if (arguments.is_string()) {
    if (made.args.is_string())
      made.args.get_ref<std::string&>() += arguments.get_ref<const std::string&>();
    else
      made.args = arguments;
  } else if (arguments.is_structured()) {
    made.args = dump_json(arguments);
  }
}

void answer::add_call(std::string tool_name, json args) {
  slots_.emplace_back(call{{}, std::move(tool_name), std::move(args)});
  last_call_ = slots_.size() - 1;
}

std::vector<response_part> answer::parts(bool with_calls) const {
  std::vector<response_part> parts;
  bool has_calls = false;
  for (const auto& any_slot : slots_)
    if (const auto* made = std::get_if<call>(&any_slot))
      has_calls = has_calls || !made->name.empty();
  for (const auto& any_slot : slots_) {
    if (const auto* made = std::get_if<thought>(&any_slot)) {
      parts.emplace_back(made->part);
    } else if (std::holds_alternative<text_slot>(any_slot)) {
      // White space ahead of tool calls says nothing (Qwen after its thinking).
      if (!has_calls || !is_blank(text_))
        append_text_parts(parts);
    } else if (const auto& made_call = std::get<call>(any_slot); with_calls && !made_call.name.empty()) {
      tool_call_part part;
      part.tool_name = made_call.name;
      part.args = made_call.args;
      part.tool_call_id = made_call.id.empty() ? make_tool_call_id() : made_call.id;
      parts.emplace_back(std::move(part));
    }
  }
  if (!refusal_.empty()) {
    text_part part;
    part.content = refusal_;
    parts.emplace_back(std::move(part));
  }
  return parts;
}

} // namespace varro::openai_chat
