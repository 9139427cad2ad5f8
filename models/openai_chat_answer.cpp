#include "models/openai_chat_answer.hpp"

#include "base/text.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/tool_arguments.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <array>

namespace varro::openai_chat {

namespace {

struct think_tag {
  std::string_view open;
  std::string_view close;
};
constexpr std::array<think_tag, 6> think_tags{{
  {"<think>", "</think>"},
  {"<thinking>", "</thinking>"},
  {"<thought>", "</thought>"},
  {"<seed:think>", "</seed:think>"},
  {"[THINK]", "[/THINK]"},
  {"◁think▷", "◁/think▷"},
}};
constexpr std::array<const char*, 4> reasoning_fields
  = {"reasoning", "reasoning_content", "reasoning_text", "thinking"};

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Whether what follows the text stands in fenced code, or in a code span of its last line.
bool ends_in_code(std::string_view text) {
  bool fenced = false;
  size_t ticks = 0; // of the line
  for (size_t line = 0; line < text.size();) {
    const auto end = std::min(text.find('\n', line), text.size());
    const auto words = text.substr(line, end - line);
    const auto mark = std::min(words.find_first_not_of('`'), words.size());
    fenced = fenced != (mark >= 3 && words.find('`', mark) == words.npos);
    ticks = static_cast<size_t>(std::count(words.begin(), words.end(), '`'));
    line = end + 1;
  }
  return fenced || (!text.empty() && text.back() != '\n' && ticks % 2 != 0);
}

// Whether a sentence goes on through what stands between the two: "Models write </think> at the end."
bool is_in_sentence(std::string_view before, std::string_view after) {
  constexpr std::string_view goes_on = " .,;:!?)";
  const auto last = before.find_last_not_of(' ');
  return before.ends_with(' ') && !after.empty() && goes_on.find(after.front()) != goes_on.npos
    && (last == before.npos || std::string_view{".!?:\n"}.find(before[last]) == std::string_view::npos);
}

struct text_cut {
  size_t at = std::string_view::npos;
  size_t length = 0;
};

// Where the thinking ends in a text whose opening tag the server took away (or its template has written it into the
// prompt): at a closing tag that nothing opened, and that the text does not speak about, in code or in a sentence.
text_cut unopened_close(std::string_view text) {
  text_cut found;
  for (const auto& tag : think_tags) {
    const auto at = text.find(tag.close);
    if (at < found.at && text.find(tag.open) > at)
      found = {at, tag.close.size()};
  }
  if (found.at == std::string_view::npos)
    return found;
  const auto before = text.substr(0, found.at);
  const auto after = text.substr(found.at + found.length);
  return ends_in_code(before) || is_in_sentence(before, after) ? text_cut{} : found;
}

} // namespace

answer::answer(const quirks& row, std::string provider_name, std::vector<tool_definition> tools)
  : row_(row), provider_(std::move(provider_name)), tools_(std::move(tools)) {}

bool answer::has_content() const {
  return !slots_.empty() || !refusal_.empty();
}

bool answer::has_calls() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const slot& any_slot) {
    const auto* made = std::get_if<call>(&any_slot);
    return made && !made->name.empty();
  });
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
  const auto add_thought = [&](std::string_view text) {
    thinking_part part;
    part.content = std::string(text);
    if (!row_.unnamed_thinking) {
      part.id = "content";
      part.provider_name = provider_;
    }
    parts.emplace_back(std::move(part));
  };
  if (const auto end = unopened_close(rest); end.at != std::string_view::npos) {
    if (!is_blank(rest.substr(0, end.at)))
      add_thought(rest.substr(0, end.at));
    rest.remove_prefix(end.at + end.length);
  }
  for (;;) {
    const auto text = rest.substr(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    const auto tag = std::find_if(think_tags.begin(), think_tags.end(),
                                  [text](const think_tag& one) { return starts_with(text, one.open); });
    if (tag == think_tags.end())
      break;
    const auto inner = text.substr(tag->open.size());
    const auto end = inner.find(tag->close);
    if (end == std::string_view::npos && whole_) {
      rest = inner; // as pydantic-ai does with a whole body: the tag is lost, the words are text
      break;
    }
    add_thought(inner.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : inner.substr(end + tag->close.size());
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

// Whether a call's arguments are complete, so that more of them cannot follow. A server that repeats a call's name with
// every piece has them looked at again and again, so that has an end.
bool answer::is_whole_object(const json& args) {
  constexpr size_t bytes_checked_max = 64u << 20;
  if (!args.is_string())
    return args.is_object();
  const auto& text = args.get_ref<const std::string&>();
  if (text.find_last_of('}') != text.find_last_not_of(" \t\r\n"))
    return false;
  bytes_checked_ += text.size();
  if (bytes_checked_ > bytes_checked_max)
    return false;
  const auto value = parse_vendor_json(text);
  return value && value->is_object();
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
    // Some servers give every call the same index: another id with a name is another call, and so is a name with
    // arguments after arguments that were complete.
    const auto& existing = std::get<call>(slots_[at]);
    const bool other_id = !id.empty() && !existing.id.empty() && existing.id != id;
    const bool no_id = id.empty() && existing.id.empty() && !existing.name.empty();
    const bool has_arguments = !is_blank(text_member(member(delta, "function"), "arguments"));
    const bool another = !name.empty() && (other_id || (no_id && has_arguments && is_whole_object(existing.args)));
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
  if (const auto& extra = member(delta, "extra_content"); extra.is_object() && !extra.empty())
    made.extra = extra;
}

void answer::add_call(std::string tool_name, json args) {
  slots_.emplace_back(call{{}, std::move(tool_name), std::move(args), nullptr});
  last_call_ = slots_.size() - 1;
}

response_part answer::call_part(const call& made) const {
  tool_call_part part;
  part.tool_name = meant_tool_name(made.name, tools_);
  part.args = made.args;
  part.tool_call_id = made.id.empty() ? make_tool_call_id() : made.id;
  if (!made.extra.is_null()) {
    part.provider_name = provider_;
    part.provider_details = json{{"extra_content", made.extra}};
  }
  return part;
}

std::vector<response_part> answer::parts(bool with_calls) const {
  std::vector<response_part> parts;
  for (const auto& any_slot : slots_) {
    if (const auto* made = std::get_if<thought>(&any_slot)) {
      parts.emplace_back(made->part);
    } else if (std::holds_alternative<text_slot>(any_slot)) {
      // White space ahead of tool calls says nothing (Qwen after its thinking).
      if (!has_calls() || !is_blank(text_))
        append_text_parts(parts);
    } else if (const auto& made_call = std::get<call>(any_slot); with_calls && !made_call.name.empty()) {
      parts.push_back(call_part(made_call));
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
