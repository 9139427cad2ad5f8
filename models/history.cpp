#include "models/history.hpp"

#include "models/content_json.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>

namespace varro {

namespace {

std::string identifier_of(const user_content& file) {
  return std::visit(
    [](const auto& value) -> std::string {
      if constexpr (requires { value.identifier; })
        return value.identifier;
      else
        return {};
    },
    file);
}

std::string text_of_item(const json& item) {
  return item.is_string() ? item.get<std::string>() : dump_json(item);
}

// Takes the files out of `value`, at any depth: a model should see them as files, not as base64 inside JSON.
void take_files(json& value, std::vector<user_content>& files) {
  if (auto file = read_tool_file(value)) {
    value = "See file " + identifier_of(*file) + ".";
    files.push_back(std::move(*file));
  } else if (value.is_structured()) {
    for (auto& child : value)
      take_files(child, files);
  }
}

template <class Part, class Spoken>
void say_others(std::vector<Part>& parts, Spoken spoken) {
  const auto is_other = [](const Part& part) { return std::holds_alternative<other_part>(part); };
  if (std::none_of(parts.begin(), parts.end(), is_other))
    return;
  std::vector<Part> said;
  for (auto& part : parts) {
    if (!is_other(part))
      said.push_back(std::move(part));
    else if (auto words = spoken(std::get<other_part>(part)))
      said.push_back(std::move(*words));
  }
  parts = std::move(said);
}

bool is_tool_result(const request_part& part) {
  return std::holds_alternative<tool_return_part>(part) || std::holds_alternative<retry_prompt_part>(part);
}

void append(model_request& request, const model_request& next) {
  request.parts.insert(request.parts.end(), next.parts.begin(), next.parts.end());
  // Vendors want the results of tool calls before anything else that is said to them.
  std::stable_partition(request.parts.begin(), request.parts.end(), is_tool_result);
  if (!next.timestamp.empty())
    request.timestamp = next.timestamp;
  if (next.instructions && !next.instructions->empty())
    request.instructions = next.instructions;
  if (next.run_id)
    request.run_id = next.run_id;
  if (next.conversation_id)
    request.conversation_id = next.conversation_id;
  if (!next.metadata.is_null())
    request.metadata = next.metadata;
  if (next.state != "complete")
    request.state = next.state;
}

// The id that a part refers to, or nullptr for parts that answer nothing.
const std::string* answered_call(const request_part& part) {
  if (const auto* result = std::get_if<tool_return_part>(&part))
    return &result->tool_call_id;
  if (const auto* retry = std::get_if<retry_prompt_part>(&part))
    return &retry->tool_call_id;
  return nullptr;
}

// A retry prompt without a tool is about the response's text: its id is made up and need not be a call's.
bool must_answer_a_call(const request_part& part) {
  const auto* retry = std::get_if<retry_prompt_part>(&part);
  return !retry || retry->tool_name.has_value();
}

auto find_open(const std::vector<open_call>& open, const std::string& id) {
  return std::find_if(open.begin(), open.end(), [&](const open_call& call) { return call.tool_call_id == id; });
}

bool close(std::vector<open_call>& open, const std::string& id) {
  const auto found = find_open(open, id);
  if (found == open.end())
    return false;
  open.erase(found);
  return true;
}

caf::error unanswered(const open_call& call) {
  return fail(errc::invalid_input,
              "The history has no result for the tool call " + call.tool_call_id + " of " + call.tool_name + ".");
}

} // namespace

tool_content split_tool_content(const json& content) {
  tool_content out;
  json rest = content;
  take_files(rest, out.files);
  // A list with files is text and files side by side, as make_tool_content writes it; other lists are data.
  if (!out.files.empty() && rest.is_array()) {
    for (const auto& item : rest) {
      if (!out.text.empty())
        out.text += '\n';
      out.text += text_of_item(item);
    }
  } else if (!rest.is_null()) {
    out.text = text_of_item(rest);
  }
  return out;
}

json make_tool_content(std::string text, const std::vector<binary_content>& files) {
  if (files.empty())
    return text;
  json out = json::array();
  if (!text.empty())
    out.push_back(std::move(text));
  for (const auto& file : files)
    out.push_back(to_json(file));
  return out;
}

std::optional<request_part> spoken_request(const other_part& part) {
  const auto kind = text_member(part.value, "part_kind");
  const auto prompt = [](std::string text) {
    user_prompt_part made;
    made.content = std::move(text);
    return made;
  };
  if (kind == "speech") {
    auto transcript = text_member(part.value, "transcript");
    return prompt(transcript.empty() ? "[The user spoke; there is no transcript.]" : std::move(transcript));
  }
  if (kind == "compaction") {
    auto summary = text_member(part.value, "content");
    if (summary.empty())
      return std::nullopt;
    return prompt("A summary of the conversation before, written by another model:\n\n" + std::move(summary));
  }
  if (kind == "retry-feedback") {
    retry_prompt_part made;
    made.content = member(part.value, "content");
    return made;
  }
  if (kind == "instruction-delta") {
    system_prompt_part made;
    made.content = text_member(part.value, "content");
    return made.content.empty() ? std::nullopt : std::optional<request_part>(std::move(made));
  }
  return std::nullopt;
}

std::optional<response_part> spoken_response(const other_part& part) {
  text_part made;
  made.content = text_member(part.value, "transcript");
  if (text_member(part.value, "part_kind") != "speech" || made.content.empty())
    return std::nullopt;
  return made;
}

namespace {

bool has_others(const message& content) {
  const auto is_other = [](const auto& part) { return std::holds_alternative<other_part>(part); };
  return std::visit([&](const auto& m) { return std::any_of(m.parts.begin(), m.parts.end(), is_other); }, content);
}

// Requests that follow each other are one; what only later releases know is said in words.
message as_sent(const shared_message* first, const shared_message* last) {
  message whole = *first;
  while (++first != last)
    append(std::get<model_request>(whole), *first->as<model_request>());
  if (auto* request = std::get_if<model_request>(&whole))
    say_others(request->parts, spoken_request);
  else
    say_others(std::get<model_response>(whole).parts, spoken_response);
  return whole;
}

} // namespace

message_history joined(const message_history& history) {
  message_history out;
  out.reserve(history.size());
  for (size_t i = 0; i < history.size();) {
    auto end = i + 1;
    while (history[i].as<model_request>() && end < history.size() && history[end].as<model_request>())
      ++end;
    if (end == i + 1 && !has_others(history[i]))
      out.push_back(history[i]);
    else
      out.push_back(as_sent(&history[i], history.data() + end));
    i = end;
  }
  return out;
}

message_list without_refused(const message_list& history) {
  const auto refused = [](const shared_message& content) {
    const auto* response = content.as<model_response>();
    return response && response->finish_reason == "content_filter" && open_calls({content}).empty();
  };
  if (std::none_of(history->begin(), history->end(), refused))
    return history;
  auto kept = std::make_shared<message_history>();
  std::remove_copy_if(history->begin(), history->end(), std::back_inserter(*kept), refused);
  return kept;
}

std::vector<open_call> open_calls(const message_history& history) {
  std::vector<open_call> open;
  for (const message& one : history) {
    if (const auto* response = std::get_if<model_response>(&one)) {
      for (const auto& part : response->parts)
        if (const auto* call = std::get_if<tool_call_part>(&part))
          open.push_back({call->tool_name, call->tool_call_id});
    } else {
      for (const auto& part : std::get<model_request>(one).parts)
        if (const auto* id = answered_call(part))
          close(open, *id);
    }
  }
  return open;
}

caf::error check_history(const message_history& history) {
  std::vector<open_call> open;
  for (const message& one : history) {
    if (const auto* response = std::get_if<model_response>(&one)) {
      if (!open.empty())
        return unanswered(open.front());
      for (const auto& part : response->parts)
        if (const auto* call = std::get_if<tool_call_part>(&part)) {
          if (find_open(open, call->tool_call_id) != open.end())
            return fail(errc::invalid_input,
                        "The history has two tool calls with the id " + call->tool_call_id + " in one response.");
          open.push_back({call->tool_name, call->tool_call_id});
        }
      continue;
    }
    for (const auto& part : std::get<model_request>(one).parts)
      if (const auto* id = answered_call(part); id && !close(open, *id) && must_answer_a_call(part))
        return fail(errc::invalid_input,
                    "The history has a result for the tool call " + *id + ", which is not waiting for one.");
  }
  if (!open.empty())
    return unanswered(open.front());
  return {};
}

} // namespace varro
