#include "tests/support/wire_replay.hpp"

#include "base/utf8.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "tests/support/wire_google.hpp"
#include "tests/support/wire_history.hpp"
#include "tests/support/wire_responses.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

namespace varro::test {

namespace fs = std::filesystem;

namespace {

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

provider_kind kind_of(const std::string& name) {
  if (name.compare(0, 9, "anthropic") == 0)
    return provider_kind::anthropic;
  if (name.compare(0, 8, "google__") == 0)
    return provider_kind::google;
  return name.compare(0, 16, "openai-responses") == 0 ? provider_kind::openai_responses : provider_kind::openai;
}

recording read_recording(const fs::path& directory, const fs::path& path) {
  recording file;
  file.name = path.filename().string();
  file.kind = kind_of(file.name);
  const auto body = json::parse(read_file(path));
  file.vendor = body.at("vendor").get<std::string>();
  for (const auto& exchange : body.at("exchanges")) {
    const auto& response = exchange.at("response");
    recorded_exchange one;
    one.request = exchange.at("request").at("body");
    one.path = text_member(exchange.at("request"), "path");
    one.status = response.at("status").get<int>();
    one.content_type = text_member(response, "content_type");
    one.response
      = response.at("body").is_string() ? response.at("body").get<std::string>() : dump_json(response.at("body"));
    file.exchanges.push_back(std::move(one));
  }
  if (const auto parsed = directory / "messages" / "parsed" / file.name; fs::exists(parsed))
    file.parsed = json::parse(read_file(parsed));
  return file;
}

bool is_wildcard(const json& value) {
  return value.is_string() && value.get_ref<const std::string&>().compare(0, 1, "$") == 0
    && value.get_ref<const std::string&>().size() > 2;
}

std::string shortened(const json& value) {
  return std::string(clip_utf8(dump_json(value), 300));
}

} // namespace

std::optional<std::string> wire_directory() {
  const char* given = std::getenv("VARRO_WIRE_DIR");
  const auto path = given ? fs::path(given) : fs::path(VARRO_SOURCE_DIR) / ".." / "shared" / "wire";
  if (!fs::is_directory(path / "exchanges"))
    return std::nullopt;
  return path.string();
}

std::vector<recording> recordings_of(const std::string& kind) {
  std::vector<recording> files;
  const auto directory = wire_directory();
  if (!directory)
    return files;
  for (const auto& entry : fs::directory_iterator(fs::path(*directory) / "exchanges"))
    if (entry.path().filename().string().compare(0, kind.size() + 2, kind + "__") == 0)
      files.push_back(read_recording(*directory, entry.path()));
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

model_config model_of(const recording& file, const recorded_exchange& exchange) {
  model_config model;
  model.kind = file.kind;
  model.provider = file.vendor.substr(0, file.vendor.find("-vllm"));
  model.name = text_member(exchange.request, "model");
  model.base_url = "https://vendor.example";
  model.api_key = "sk-test";
  model.thinking = "off";
  if (file.kind == provider_kind::google) {
    model.provider = "google";
    model.name = google_model_name(exchange.path);
  }
  return model;
}

response_decoder::outcome decode(const recording& file, const recorded_exchange& exchange, cuts how) {
  model_query query;
  query.model = model_of(file, exchange);
  query.history = std::make_shared<message_history>();
  auto decoder = provider_for(file.kind).decoder(query, exchange.status, exchange.content_type);
  const std::string_view body = exchange.response;
  std::mt19937 random(20260131);
  std::uniform_int_distribution<size_t> piece(1, 97);
  for (size_t at = 0; at < body.size();) {
    const size_t length = how == cuts::none ? body.size() : how == cuts::every_byte ? 1 : piece(random);
    decoder->feed(body.substr(at, length));
    at += length;
  }
  return decoder->finish(false);
}

json steady(const model_response& response) {
  auto value = to_json(message(response));
  value["timestamp"] = "";
  for (auto& part : value["parts"]) {
    if (part.contains("timestamp"))
      part["timestamp"] = "";
    if (part.contains("tool_call_id") && part["tool_call_id"].get<std::string>().compare(0, 7, "pyd_ai_") == 0)
      part["tool_call_id"] = "made";
  }
  return value;
}

std::string difference(const json& expected, const json& actual, const std::string& path) {
  if (is_wildcard(expected))
    return actual.is_string() ? "" : path + ": a text was expected, found " + shortened(actual);
  if (expected.is_object() && actual.is_object()) {
    std::set<std::string> keys;
    for (auto it = expected.begin(); it != expected.end(); ++it)
      keys.insert(it.key());
    for (auto it = actual.begin(); it != actual.end(); ++it)
      keys.insert(it.key());
    for (const auto& key : keys) {
      if (!expected.contains(key))
        return path + "." + key + ": unexpected " + shortened(actual[key]);
      if (!actual.contains(key))
        return path + "." + key + ": missing " + shortened(expected[key]);
      if (auto found = difference(expected[key], actual[key], path + "." + key); !found.empty())
        return found;
    }
    return {};
  }
  if (expected.is_array() && actual.is_array()) {
    for (size_t i = 0; i < std::min(expected.size(), actual.size()); ++i)
      if (auto found = difference(expected[i], actual[i], path + "[" + std::to_string(i) + "]"); !found.empty())
        return found;
    if (expected.size() != actual.size())
      return path + ": " + std::to_string(expected.size()) + " expected, " + std::to_string(actual.size()) + " found";
    return {};
  }
  return expected == actual ? "" : path + ": expected " + shortened(expected) + ", found " + shortened(actual);
}

std::string response_difference(const json& expected, const json& actual) {
  auto left = expected;
  auto right = actual;
  for (auto* side : {&left, &right})
    for (const auto* key : {"run_id", "conversation_id", "timestamp", "provider_url"})
      side->erase(key);
  return difference(left, right);
}

// --- what a request means --------------------------------------------------------------------------------------------

namespace {

// Schemas and arguments are somebody else's JSON: nothing in them is ours to simplify.
bool is_opaque(const std::string& key) {
  return key == "input" || key == "parameters" || key == "input_schema";
}

// Left out: members that are null (absent means the same to every vendor here), marks of prompt caching (they change
// the price, not the answer).
json without_marks(const json& value) {
  if (value.is_array()) {
    auto list = json::array();
    for (const auto& item : value)
      list.push_back(without_marks(item));
    return list;
  }
  if (!value.is_object())
    return value;
  auto object = json::object();
  for (auto it = value.begin(); it != value.end(); ++it) {
    if (it.value().is_null() || it.key() == "cache_control" || it.key() == "prompt_cache_breakpoint")
      continue;
    object[it.key()] = is_opaque(it.key()) ? it.value() : without_marks(it.value());
  }
  return object;
}

// A text and a list with that text as its one block mean the same. Empty and blank texts say nothing.
json as_blocks(const json& content) {
  auto blocks = json::array();
  if (content.is_string()) {
    if (!is_blank_text(content.get<std::string>()))
      blocks.push_back(json{{"type", "text"}, {"text", content}});
    return blocks;
  }
  if (content.is_array())
    for (const auto& block : content)
      if (text_member(block, "type") != "text" || !is_blank_text(text_member(block, "text")))
        blocks.push_back(block);
  return blocks;
}

json canonical_anthropic_message(json message) {
  auto blocks = json::array();
  for (auto& block : as_blocks(message["content"])) {
    // Files for the vendor's own code execution: a feature that Varro does not have.
    if (text_member(block, "type") == "container_upload")
      continue;
    if (text_member(block, "type") == "tool_result") {
      block["content"] = as_blocks(member(block, "content"));
      if (member(block, "is_error") == json(false))
        block.erase("is_error"); // the documented default
    }
    blocks.push_back(std::move(block));
  }
  message["content"] = std::move(blocks);
  return message;
}

// pydantic-ai writes a tool's list of texts as JSON; we write each on its own line, which reads the same to a model.
json list_as_lines(const json& content) {
  const auto list = content.is_string() ? parse_json(content.get<std::string>()) : std::nullopt;
  if (!list || !list->is_array() || list->empty())
    return content;
  std::string lines;
  for (const auto& item : *list) {
    if (!item.is_string())
      return content;
    lines += (lines.empty() ? "" : "\n") + item.get<std::string>();
  }
  return lines;
}

// Earlier releases wrote a reference without its full stop.
json with_full_stop(const json& content) {
  constexpr std::string_view head = "See file ";
  if (!content.is_string() || content.get_ref<const std::string&>().compare(0, head.size(), head) != 0)
    return content;
  const auto& text = content.get_ref<const std::string&>();
  return text.find_first_of(" \n.", head.size()) == std::string::npos ? json(text + ".") : content;
}

json canonical_chat_message(json message) {
  // OpenAI turns `system` into `developer` for the models that know the latter.
  if (message["role"] == "developer")
    message["role"] = "system";
  if (message["role"] == "tool" && message.contains("content"))
    message["content"] = with_full_stop(list_as_lines(message["content"]));
  const auto& content = member(message, "content");
  const bool empty = content.is_null() || content == json("") || content == json::array();
  if (empty)
    message.erase("content"); // beside tool calls: null, "", [] and nothing at all
  else
    message["content"] = as_blocks(content);
  // The field is demanded under the name reasoning_content only; an empty `reasoning` says nothing.
  if (text_member(message, "reasoning").empty())
    message.erase("reasoning");
  message.erase("prefix"); // Mistral's SDK sends its default, false
  if (message.contains("tool_calls"))
    for (auto& call : message["tool_calls"]) {
      call.erase("index"); // Mistral's SDK again
      auto& arguments = call["function"]["arguments"];
      if (const auto value = parse_json(arguments.is_string() ? arguments.get<std::string>() : ""))
        arguments = *value; // white space inside JSON means nothing
    }
  return message;
}

void canonical_tools(json& body) {
  if (!body.contains("tools"))
    return;
  if (body["tools"].empty()) {
    body.erase("tools"); // no tools and an empty list of them
    return;
  }
  for (auto& tool : body["tools"]) {
    auto& definition = tool.contains("function") ? tool["function"] : tool;
    definition.erase("strict"); // a promise about the schema that Varro does not ask for
    if (text_member(definition, "description").empty())
      definition.erase("description");
    if (tool.contains("function"))
      tool["type"] = "function"; // the only type there is, left out by Mistral's SDK
  }
}

void canonical_settings(json& body) {
  body.erase("stream");
  body.erase("stream_options");
  body.erase("cache_control");
  if (body.contains("n") && body["n"] == 1)
    body.erase("n"); // the default
  if (body.contains("top_p") && body["top_p"] == 1)
    body.erase("top_p"); // the default
  if (body.contains("tool_choice") && (body["tool_choice"] == "auto" || body["tool_choice"] == json{{"type", "auto"}}))
    body.erase("tool_choice"); // the default where there are tools
  if (body.contains("max_completion_tokens")) {
    body["max_tokens"] = body["max_completion_tokens"]; // the newer name of the same limit
    body.erase("max_completion_tokens");
  }
}

} // namespace

json canonical_request(provider_kind kind, json body) {
  if (kind == provider_kind::google)
    return canonical_google_request(std::move(body));
  body = without_marks(body);
  canonical_settings(body);
  canonical_tools(body);
  if (kind == provider_kind::openai_responses) {
    body["input"] = canonical_input(body["input"]);
    canonical_responses_settings(body);
    return body;
  }
  auto messages = json::array();
  for (const auto& message : body["messages"])
    messages.push_back(kind == provider_kind::anthropic ? canonical_anthropic_message(message)
                                                        : canonical_chat_message(message));
  body["messages"] = std::move(messages);
  if (body.contains("system")) {
    std::string system;
    for (const auto& block : as_blocks(body["system"]))
      system += (system.empty() ? "" : "\n\n") + text_member(block, "text");
    body["system"] = system;
  }
  return body;
}

// --- the query behind a recorded request -----------------------------------------------------------------------------

namespace {

const std::set<std::string>& settings_of_ours() {
  static const std::set<std::string> names = {"model",
                                              "messages",
                                              "tools",
                                              "tool_choice",
                                              "stream",
                                              "stream_options",
                                              "max_tokens",
                                              "temperature",
                                              "top_p",
                                              "stop_sequences",
                                              "stop",
                                              "system",
                                              "container",
                                              "n",
                                              "seed",
                                              "thinking",
                                              "top_k",
                                              "presence_penalty",
                                              "frequency_penalty",
                                              "max_completion_tokens",
                                              "cache_control"};
  return names;
}

json tool_choice_setting(const json& recorded) {
  const auto type = recorded.is_string() ? recorded.get<std::string>() : text_member(recorded, "type");
  if (type == "any" || type == "required")
    return "required";
  if (type == "none")
    return "none";
  if (type == "tool")
    return json::array({text_member(recorded, "name")});
  if (type == "function")
    return json::array({text_member(member(recorded, "function"), "name")});
  return nullptr;
}

void take_thinking(provider_kind kind, const json& body, model_query& query, json& extra) {
  const auto& thinking = member(body, "thinking");
  if (kind == provider_kind::anthropic) {
    const auto type = text_member(thinking, "type");
    query.model.thinking = type == "enabled" ? "budget" : type == "adaptive" ? "adaptive" : "off";
    query.model.thinking_budget_tokens = integer_member(thinking, "budget_tokens").value_or(0);
    if (type.empty())
      query.settings["anthropic_thinking"] = nullptr; // left out, which is not the same as off for each model
  } else {
    query.settings["thinking"] = nullptr;
    if (!thinking.is_null())
      extra["thinking"] = thinking;
  }
}

// Function tools as our own definitions; a list with any other tool in it is copied.
void take_tools(const json& body, model_query& query, json& extra) {
  const auto& tools = member(body, "tools");
  if (!tools.is_array())
    return;
  for (const auto& tool : tools) {
    const auto& definition = tool.contains("function") ? tool["function"] : tool;
    const auto& schema = member(definition, tool.contains("function") ? "parameters" : "input_schema");
    if (!schema.is_object() || tool.contains("defer_loading")) {
      extra["tools"] = tools;
      query.tools.clear();
      return;
    }
    query.tools.push_back({text_member(definition, "name"), text_member(definition, "description"), schema});
  }
}

} // namespace

model_query query_for(const recording& file, size_t index) {
  if (file.kind == provider_kind::google)
    return google_query_for(file, index);
  const auto& exchange = file.exchanges[index];
  const auto& body = exchange.request;
  model_query query;
  query.model = model_of(file, exchange);
  query.settings = json::object();
  auto extra = json::object();
  if (file.kind == provider_kind::openai_responses) {
    take_responses_settings(body, query, extra);
    query.settings["extra_body"] = std::move(extra);
    query.history = std::make_shared<const message_history>(history_for(file, index, query.instructions));
    return query;
  }
  for (auto it = body.begin(); it != body.end(); ++it)
    if (!settings_of_ours().count(it.key()))
      extra[it.key()] = it.value();
  const auto copy = [&](const char* from, const char* to) {
    if (body.contains(from))
      query.settings[to] = body[from];
  };
  query.settings["max_tokens"] = nullptr;
  copy("max_tokens", "max_tokens");
  copy("max_completion_tokens", "max_tokens");
  copy("stop", "stop_sequences");
  for (const auto* name :
       {"temperature", "top_p", "top_k", "stop_sequences", "seed", "presence_penalty", "frequency_penalty", "stream"})
    copy(name, name);
  if (body.contains("tool_choice"))
    query.settings["tool_choice"] = tool_choice_setting(body["tool_choice"]);
  take_thinking(file.kind, body, query, extra);
  take_tools(body, query, extra);
  query.settings["extra_body"] = std::move(extra);
  query.history = std::make_shared<const message_history>(history_for(file, index, query.instructions));
  return query;
}

} // namespace varro::test
