// The lists of models as the vendors give them, with their paging. What a model can do goes by its name, as everything.
// https://platform.claude.com/docs/en/api/models/list, https://developers.openai.com/api/reference/resources/models,
// https://ai.google.dev/api/models, https://docs.ollama.com/api/tags
#include "bench/model_names.hpp"
#include "bench/model_server.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace varro::bench {

namespace {

constexpr size_t page_default = 20; // Anthropic's
constexpr size_t google_page_default = 50;
constexpr size_t page_max = 1000;

wire_answer json_answer(const json& body) {
  wire_answer result;
  result.pieces.push_back(dump_json(body));
  return result;
}

json supported(bool value) {
  return {{"supported", value}};
}

// Newer ones have larger numbers: lists are ordered by it.
int64_t released_at(size_t index, size_t count) {
  return 1'735'689'600 + static_cast<int64_t>(count - index) * 86'400;
}

std::string day_time(int64_t seconds) {
  auto time = static_cast<std::time_t>(seconds);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&time));
  return text;
}

json claude_capabilities(const std::string& id) {
  auto name = read_claude_name(id);
  auto takes = [&](claude_thinking kind) { return supported(claude_refuses_thinking(id, kind, "").empty()); };
  bool known = !name.family.empty();
  bool efforts = !known || name.version >= 406;
  json effort = supported(efforts);
  for (auto* level : {"low", "medium", "high", "max"})
    effort[level] = supported(efforts);
  effort["xhigh"] = supported(!known || claude_hides_thinking(id));
  json types;
  types["adaptive"] = takes(claude_thinking::adaptive);
  types["enabled"] = takes(claude_thinking::enabled);
  json thinking = supported(true);
  thinking["types"] = types;
  json management = supported(true);
  for (auto* strategy : {"clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112"})
    management[strategy] = supported(efforts);
  json result;
  for (auto* key : {"batch", "citations", "code_execution", "image_input", "pdf_input", "structured_outputs"})
    result[key] = supported(true);
  result["context_management"] = management;
  result["effort"] = effort;
  result["thinking"] = thinking;
  return result;
}

json anthropic_model(const std::string& id, int64_t created, const std::string& ends) {
  auto family = read_claude_name(id).family;
  bool million = claude_images_max(id) == 600;
  json model{{"type", "model"}, {"id", id}, {"display_name", id}, {"created_at", day_time(created)}};
  model["line"] = family.empty() ? json() : json(family);
  model["max_input_tokens"] = million ? 1'000'000 : 200'000;
  model["max_tokens"] = million ? 128'000 : 64'000;
  model["capabilities"] = claude_capabilities(id);
  model["lifecycle"] = ends.empty() ? "active" : "deprecated";
  model["retires_at"] = ends.empty() ? json() : json(ends + "T00:00:00Z");
  return model;
}

json openai_model(const std::string& id, int64_t created, const std::string&) {
  return {{"id", id}, {"object", "model"}, {"created", created}, {"owned_by", "varro"}};
}

json google_model(const std::string& id, int64_t, const std::string&) {
  json model{{"name", "models/" + id}, {"version", "001"}, {"displayName", id}, {"description", "Answers by script."}};
  model["inputTokenLimit"] = 1'048'576;
  model["outputTokenLimit"] = 65'536;
  model["supportedGenerationMethods"] = json::array({"generateContent", "countTokens"});
  model["temperature"] = 1;
  model["topP"] = 0.95;
  model["topK"] = 64;
  model["maxTemperature"] = 2;
  model["thinking"] = gemini_version(id) == 0 || gemini_version(id) >= 205;
  return model;
}

json ollama_model(const std::string& id, int64_t created, const std::string&) {
  json details{{"parent_model", ""},     {"format", "gguf"},
               {"family", "scripted"},   {"families", json::array({"scripted"})},
               {"parameter_size", "0B"}, {"quantization_level", "Q0"}};
  return {{"name", id},
          {"model", id},
          {"modified_at", day_time(created)},
          {"size", 0},
          {"digest", std::string(64, '0')},
          {"details", details}};
}

size_t number_or(const std::string& text, size_t otherwise) {
  size_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::clamp<size_t>(value, 1, page_max);
}

} // namespace

wire_answer model_server::list_models(const http_head& head, std::string_view target) const {
  auto path = path_of(target);
  bool anthropic = head.has("anthropic-version"), ollama = path == "/api/tags", google = is_google_path(path);
  auto api = anthropic ? vendor::anthropic : google ? vendor::google : vendor::openai;
  auto& names = options_.models;
  auto describe = [&](size_t index) {
    auto make = ollama ? ollama_model : google ? google_model : anthropic ? anthropic_model : openai_model;
    auto ends = options_.retired_on.find(names[index]);
    return make(names[index], released_at(index, names.size()), ends == options_.retired_on.end() ? "" : ends->second);
  };
  auto index_of = [&](std::string_view id) {
    return static_cast<size_t>(std::find(names.begin(), names.end(), id) - names.begin());
  };
  auto page = [&](size_t begin, size_t count) {
    json list = json::array();
    for (auto i = begin; i < std::min(names.size(), begin + count); ++i)
      list.push_back(describe(i));
    return list;
  };
  // Of a 400 only Google's is about the key; the others' are about a body, which a list has not.
  if (auto problem = check_headers(api, head, options_.checks); problem && (google || problem->status != 400))
    return problem_on_wire(api, *problem);
  if (auto at = path.find("/models/"); at != std::string_view::npos) {
    auto id = path.substr(at + 8);
    if (auto index = index_of(id); index < names.size())
      return json_answer(describe(index));
    return problem_on_wire(api, {404, error_type(api, 404), "model: " + std::string{id}, "", ""});
  }
  if (ollama)
    return json_answer({{"models", page(0, names.size())}});
  if (google) {
    auto token = query_value(target, "pageToken");
    auto begin = token.empty() ? 0 : std::min(index_of(token), names.size());
    auto count = number_or(query_value(target, "pageSize"), google_page_default);
    json body{{"models", page(begin, count)}};
    if (begin + count < names.size())
      body["nextPageToken"] = names[begin + count];
    return json_answer(body);
  }
  if (!anthropic)
    return json_answer({{"object", "list"}, {"data", page(0, names.size())}});
  auto after = query_value(target, "after_id");
  auto begin = after.empty() ? 0 : std::min(index_of(after) + 1, names.size());
  auto list = page(begin, number_or(query_value(target, "limit"), page_default));
  auto end = begin + list.size();
  json first = list.empty() ? json() : json(names[begin]), last = list.empty() ? json() : json(names[end - 1]);
  return json_answer({{"data", list}, {"has_more", end < names.size()}, {"first_id", first}, {"last_id", last}});
}

} // namespace varro::bench
