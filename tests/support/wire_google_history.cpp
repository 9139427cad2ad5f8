#include "base/base64.hpp"
#include "models/google_answer.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "tests/support/wire_google.hpp"

#include <map>
#include <set>

namespace varro::test {

using namespace google_wire;

namespace {

constexpr std::string_view retry_ending = "\n\nFix the errors and try again.";

json file_object(const json& part) {
  const auto& data = member(part, "inlineData");
  auto bytes = base64_decode(text_member(data, "data")).value_or("");
  return json{{"data", base64url_encode(bytes)},
              {"media_type", text_member(data, "mimeType")},
              {"vendor_metadata", member(part, "videoMetadata")},
              {"kind", "binary"},
              {"identifier", content_identifier(bytes)}};
}

user_content file_of(const json& part) {
  if (part.contains("fileData")) {
    uploaded_file file;
    file.file_id = text_member(part["fileData"], "fileUri");
    file.media_type = text_member(part["fileData"], "mimeType");
    file.provider_name = "google";
    return file;
  }
  binary_content file;
  file.data = base64_decode(text_member(part["inlineData"], "data")).value_or("");
  file.media_type = text_member(part["inlineData"], "mimeType");
  file.vendor_metadata = member(part, "videoMetadata");
  file.identifier = content_identifier(file.data);
  return file;
}

// What a tool returned, from a response object, the files inside it and the ones that `after` holds for it.
json result_content(const json& answer, const std::map<std::string, json>& after) {
  auto value = member(answer, "response");
  auto files = json::array();
  const auto& output = member(value, "output");
  const bool refers = output.is_array() && output.size() > 1 && output.back().is_string()
    && output.back().get<std::string>().compare(0, 9, "See file ") == 0;
  if (refers) {
    const auto list = output;
    value = list.front();
    for (size_t i = 1; i < list.size(); ++i) {
      const auto text = list[i].get<std::string>();
      if (const auto found = after.find(text.substr(9, text.size() - 10)); found != after.end())
        files.push_back(found->second);
    }
  }
  for (const auto& part : answer.contains("parts") ? answer["parts"] : json::array())
    files.push_back(file_object(part));
  const bool nothing = value.is_object() && value.empty();
  if (value.is_object() && value.size() == 1 && value.contains("return_value"))
    value = json(value["return_value"]);
  if (files.empty())
    return nothing ? json(nullptr) : value;
  auto content = nothing ? json::array() : value.is_array() ? value : json::array({value});
  for (auto& file : files)
    content.push_back(std::move(file));
  return content;
}

request_part result_of(const json& answer, const std::map<std::string, json>& after) {
  const auto error = text_member(member(answer, "response"), "error");
  if (error.size() > retry_ending.size()
      && error.compare(error.size() - retry_ending.size(), std::string::npos, retry_ending) == 0) {
    retry_prompt_part part;
    part.content = error.substr(0, error.size() - retry_ending.size());
    part.tool_name = text_member(answer, "name");
    part.tool_call_id = text_member(answer, "id");
    return part;
  }
  tool_return_part part;
  part.tool_name = text_member(answer, "name");
  part.tool_call_id = text_member(answer, "id");
  part.content = result_content(answer, after);
  return part;
}

std::string identifier_told(const json& part) {
  constexpr std::string_view head = "This is file ";
  const auto text = text_member(part, "text");
  return text.compare(0, head.size(), head) == 0 ? text.substr(head.size(), text.size() - head.size() - 1) : "";
}

model_request request_of(const json& parts) {
  std::map<std::string, json> after;
  std::set<size_t> taken;
  for (size_t i = 0; i + 1 < parts.size(); ++i)
    if (const auto id = identifier_told(parts[i]); !id.empty() && parts[i + 1].contains("inlineData")) {
      after[id] = file_object(parts[i + 1]);
      after[id]["identifier"] = id;
      taken.insert(i);
      taken.insert(i + 1);
    }
  model_request request;
  std::vector<user_content> items;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].contains("functionResponse"))
      request.parts.push_back(result_of(parts[i]["functionResponse"], after));
    else if (!taken.count(i) && parts[i].contains("text"))
      items.emplace_back(text_member(parts[i], "text"));
    else if (!taken.count(i))
      items.push_back(file_of(parts[i]));
  }
  if (!items.empty()) {
    user_prompt_part prompt;
    prompt.content = std::move(items);
    request.parts.emplace_back(std::move(prompt));
  }
  return request;
}

model_response response_of(const json& content) {
  google::answer read("google");
  read.add(json{{"content", content}}, true);
  model_response response;
  response.provider_name = "google";
  response.parts = read.parts(true);
  return response;
}

json contents_of(const recording& file, size_t index) {
  return canonical_contents(in_camel_case(file.exchanges[index].request)["contents"]);
}

// A call without an id comes back with the one that the recorder made up.
json without_made_ids(json contents) {
  number_made_ids(contents);
  return contents;
}

std::optional<size_t> continued_exchange(const recording& file, size_t index) {
  std::optional<size_t> found;
  const auto contents = without_made_ids(contents_of(file, index));
  size_t longest = 0;
  for (size_t i = 0; i < index; ++i) {
    const auto earlier = without_made_ids(contents_of(file, i));
    if (file.exchanges[i].status != 200 || earlier.size() >= contents.size() || earlier.size() < longest)
      continue;
    bool same = contents[earlier.size()]["role"] == "model";
    for (size_t at = 0; same && at < earlier.size(); ++at)
      same = difference(earlier[at], contents[at]).empty();
    if (same) {
      found = i;
      longest = earlier.size();
    }
  }
  return found;
}

void take_recorded_ids(model_response& response, const json& content) {
  std::vector<std::string> ids;
  for (const auto& part : content["parts"])
    if (part.contains("functionCall"))
      ids.push_back(text_member(part["functionCall"], "id"));
  size_t next = 0;
  for (auto& any_part : response.parts)
    if (auto* part = std::get_if<tool_call_part>(&any_part); part && next < ids.size())
      part->tool_call_id = ids[next++];
}

message_history history_behind(const recording& file, size_t index) {
  const auto contents = contents_of(file, index);
  message_history history;
  size_t from = 0;
  if (const auto earlier = continued_exchange(file, index)) {
    history = history_behind(file, *earlier);
    from = contents_of(file, *earlier).size();
    auto outcome = decode(file, file.exchanges[*earlier], cuts::none);
    if (outcome.response) {
      take_recorded_ids(*outcome.response, contents[from]);
      history.emplace_back(std::move(*outcome.response));
      ++from;
    }
  }
  for (size_t i = from; i < contents.size(); ++i) {
    if (contents[i]["role"] == "model")
      history.emplace_back(response_of(contents[i]));
    else
      history.emplace_back(request_of(contents[i]["parts"]));
  }
  return history;
}

// --- the settings behind a request -----------------------------------------------------------------------------------

void take_config(const json& body, model_query& query, json& extra) {
  static const std::map<std::string, std::string> names = {{"temperature", "temperature"},
                                                           {"topP", "top_p"},
                                                           {"topK", "top_k"},
                                                           {"maxOutputTokens", "max_tokens"},
                                                           {"stopSequences", "stop_sequences"},
                                                           {"seed", "seed"},
                                                           {"presencePenalty", "presence_penalty"},
                                                           {"frequencyPenalty", "frequency_penalty"},
                                                           {"thinkingConfig", "google_thinking_config"}};
  query.settings["max_tokens"] = nullptr;
  query.settings["thinking"] = nullptr;
  const auto& config = member(body, "generationConfig");
  if (!config.is_object())
    return;
  for (auto it = config.begin(); it != config.end(); ++it) {
    if (const auto name = names.find(it.key()); name != names.end())
      query.settings[name->second] = it.value();
    else
      extra["generationConfig"][it.key()] = it.value();
  }
}

void take_tools(const json& body, model_query& query, json& extra) {
  const auto& tools = member(body, "tools");
  for (const auto& tool : tools.is_array() ? tools : json::array())
    for (const auto& one : tool.contains("functionDeclarations") ? tool["functionDeclarations"] : json::array())
      query.tools.push_back({text_member(one, "name"), text_member(one, "description"), schema_of(one)});
  for (const auto& tool : tools.is_array() ? tools : json::array())
    if (!tool.contains("functionDeclarations")) {
      extra["tools"] = tools; // tools of the vendor's own are none of ours
      query.tools.clear();
    }
  const auto& config = member(body, "toolConfig");
  const auto& calling = member(config, "functionCallingConfig");
  const auto mode = text_member(calling, "mode");
  if (config.is_object() && (config.size() > 1 || query.tools.empty()))
    extra["toolConfig"] = config;
  else if (calling.contains("allowedFunctionNames"))
    query.settings["tool_choice"] = calling["allowedFunctionNames"];
  else if (mode == "ANY" || mode == "NONE")
    query.settings["tool_choice"] = mode == "ANY" ? "required" : "none";
}

} // namespace

bool google_goes_on(const recording& file, size_t index) {
  return continued_exchange(file, index).has_value();
}

model_query google_query_for(const recording& file, size_t index) {
  const auto& exchange = file.exchanges[index];
  const auto body = in_camel_case(exchange.request);
  model_query query;
  query.model = model_of(file, exchange);
  query.settings = json::object();
  auto extra = json::object();
  static const std::set<std::string> ours
    = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig"};
  for (auto it = body.begin(); it != body.end(); ++it)
    if (!ours.count(it.key()))
      extra[it.key()] = it.value();
  take_config(body, query, extra);
  take_tools(body, query, extra);
  query.settings["extra_body"] = std::move(extra);
  query.instructions = system_text(body);
  query.history = std::make_shared<const message_history>(history_behind(file, index));
  return query;
}

} // namespace varro::test
