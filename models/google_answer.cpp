#include "models/google_answer.hpp"

#include "base/base64.hpp"
#include "models/google_contents.hpp"
#include "models/google_tools.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"
#include "models/vendor_json.hpp"

#include <array>

namespace varro::google {

namespace {

// A signature is bytes in base64; kept in the alphabet that pydantic-ai writes. What is none is kept as it is.
json details_of(const json& part) {
  auto signature = text_member(part, "thoughtSignature");
  if (signature.empty())
    signature = text_member(part, "thought_signature");
  if (signature.empty())
    return nullptr;
  if (const auto bytes = base64_decode(signature))
    signature = base64_encode(*bytes);
  return json{{signature_detail, std::move(signature)}};
}

// A part that carries a signature says whose it is.
template <class Part>
void sign(Part& part, const json& details, const std::string& provider) {
  if (details.is_null())
    return;
  part.provider_details = details;
  part.provider_name = provider;
}

// "retrievedUrl" → "retrieved_url": what pydantic-ai prints of Google's objects.
std::string snake(const std::string& name) {
  std::string made;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z')
      (made += '_') += static_cast<char>(c + 32);
    else
      made += c;
  }
  return made;
}

json snake_members(const json& object) {
  json made = json::object();
  if (object.is_object())
    for (auto it = object.begin(); it != object.end(); ++it)
      if (!it.value().is_null())
        made[snake(it.key())] = it.value();
  return made;
}

// The words of a search in files, as the model's code asks for them: file_search.query(query="…").
std::string file_search_query(const std::string& code) {
  constexpr std::string_view head = "file_search.query(query=";
  const auto at = code.find(head);
  if (at == std::string::npos || at + head.size() >= code.size())
    return {};
  const char quote = code[at + head.size()];
  if (quote != '"' && quote != '\'')
    return {};
  std::string query;
  for (size_t i = at + head.size() + 1; i < code.size() && code[i] != quote; ++i) {
    if (code[i] == '\\' && i + 1 < code.size())
      ++i;
    query += code[i];
  }
  return query;
}

json retrieved_contexts(const json& grounding) {
  auto found = json::array();
  const auto& chunks = member(grounding, "groundingChunks");
  if (chunks.is_array())
    for (const auto& chunk : chunks)
      if (const auto& context = member(chunk, "retrievedContext"); context.is_object() && !context.empty())
        found.push_back(snake_members(context));
  return found;
}

} // namespace

answer::answer(std::string provider_name) : provider_(std::move(provider_name)) {}

bool answer::add(const json& candidate, bool whole) {
  const auto& list = member(member(candidate, "content"), "parts");
  static const json nothing = json::array();
  const auto& received = list.is_array() ? list : nothing;
  const auto tells = [&received] {
    for (const auto& part : received)
      if (member(part, "toolCall").is_object() || member(part, "toolResponse").is_object())
        return true;
    return false;
  };
  // A stream tells of sources as they come, a whole body at once, before its words.
  if (whole) {
    has_own_tools_ = tells();
    if (!has_own_tools_)
      add_sources(candidate);
  } else if (!has_own_tools_) {
    add_fetches(member(member(candidate, "urlContextMetadata"), "urlMetadata"));
    has_own_tools_ = tells();
  }
  for (const auto& part : received) {
    if (parts_.size() > answer_parts_max)
      return false;
    if (part.is_object())
      add_part(part, whole);
  }
  fill_file_searches(member(candidate, "groundingMetadata"));
  return parts_.size() <= answer_parts_max;
}

void answer::add_part(const json& part, bool whole) {
  const auto details = details_of(part);
  if (const auto& code = member(part, "executableCode"); code.is_object())
    add_executable_code(code, details, whole);
  else if (const auto& result = member(part, "codeExecutionResult"); result.is_object())
    add_execution_result(result, details);
  else if (member(part, "text").is_string())
    add_text(part, details, whole);
  else if (const auto& call = member(part, "functionCall"); call.is_object())
    add_call(call, details);
  else if (member(part, "toolCall").is_object() || member(part, "toolResponse").is_object())
    add_own_tool(part, details);
  else if (const auto& data = member(part, "inlineData"); data.is_object()) {
    // Pictures inside a thought are drafts of the one that follows.
    if (whole || member(part, "thought") != json(true))
      add_file(data, details);
  }
}

void answer::add_text(const json& part, const json& details, bool whole) {
  const auto& text = part["text"].get_ref<const std::string&>();
  if (text.empty() && details.is_null())
    return;
  const auto grow = [&](auto made) {
    auto* last = parts_.empty() ? nullptr : std::get_if<decltype(made)>(&parts_.back());
    if (!last || whole) {
      parts_.emplace_back(std::move(made));
      last = std::get_if<decltype(made)>(&parts_.back());
    }
    last->content += text;
    sign(*last, details, provider_);
  };
  if (member(part, "thought") == json(true))
    grow(thinking_part{});
  else
    grow(text_part{});
}

void answer::add_call(const json& call, const json& details) {
  tool_call_part part;
  part.tool_name = text_member(call, "name");
  if (part.tool_name.empty())
    return;
  const auto& args = member(call, "args");
  part.args = args.is_structured() || args.is_string() ? args : json(nullptr);
  part.tool_call_id = text_member(call, "id");
  if (part.tool_call_id.empty())
    part.tool_call_id = make_tool_call_id();
  sign(part, details, provider_);
  parts_.emplace_back(std::move(part));
}

void answer::add_file(const json& data, const json& details) {
  auto bytes = base64_decode(text_member(data, "data"));
  const auto media_type = text_member(data, "mimeType");
  if (!bytes || bytes->empty() || media_type.empty())
    return;
  file_part part;
  part.content.data = std::move(*bytes);
  part.content.media_type = media_type;
  part.content.identifier = content_identifier(part.content.data);
  sign(part, details, provider_);
  parts_.emplace_back(std::move(part));
}

// --- what Google's own tools did -------------------------------------------------------------------------------------

void answer::add_executable_code(const json& code, const json& details, bool whole) {
  builtin_tool_call_part part;
  part.provider_name = provider_;
  part.tool_call_id = make_tool_call_id();
  // A search in files looks like code while it is streamed, and its findings come with the last words.
  if (const auto query = whole ? std::string{} : file_search_query(text_member(code, "code")); !query.empty()) {
    part.tool_name = file_search_tool;
    part.args = json{{"query", query}};
    file_search_id_ = part.tool_call_id;
  } else {
    part.tool_name = code_execution_tool;
    part.args = json::object();
    for (const auto* key : {"code", "language", "id"})
      if (const auto text = string_member(code, key))
        part.args[key] = *text;
    execution_id_ = part.tool_call_id;
  }
  sign(part, details, provider_);
  parts_.emplace_back(std::move(part));
}

void answer::add_execution_result(const json& result, const json& details) {
  builtin_tool_return_part part;
  part.tool_name = code_execution_tool;
  part.provider_name = provider_;
  part.timestamp = timestamp_now();
  part.tool_call_id = execution_id_.empty() ? make_tool_call_id() : execution_id_;
  part.content = json::object();
  for (const auto* key : {"outcome", "output", "id"})
    if (const auto text = string_member(result, key))
      part.content[key] = *text;
  sign(part, details, provider_);
  parts_.emplace_back(std::move(part));
}

void answer::add_own_tool(const json& part, const json& details) {
  const auto& call = member(part, "toolCall");
  const auto& told = call.is_object() ? call : member(part, "toolResponse");
  auto name = name_of_tool_type(text_member(told, "toolType"));
  auto id = text_member(told, "id");
  if (id.empty())
    id = make_tool_call_id();
  if (call.is_object()) {
    builtin_tool_call_part made;
    made.tool_name = std::move(name);
    made.tool_call_id = std::move(id);
    made.args = member(call, "args");
    made.provider_name = provider_;
    sign(made, details, provider_);
    parts_.emplace_back(std::move(made));
  } else {
    builtin_tool_return_part made;
    made.tool_name = std::move(name);
    made.tool_call_id = std::move(id);
    made.content = member(told, "response");
    made.timestamp = timestamp_now();
    made.provider_name = provider_;
    sign(made, details, provider_);
    parts_.emplace_back(std::move(made));
  }
}

void answer::add_pair(std::string_view tool_name, json args, json content) {
  builtin_tool_call_part call;
  call.tool_name = tool_name;
  call.tool_call_id = make_tool_call_id();
  call.args = std::move(args);
  call.provider_name = provider_;
  builtin_tool_return_part result;
  result.tool_name = tool_name;
  result.tool_call_id = call.tool_call_id;
  result.content = std::move(content);
  result.timestamp = timestamp_now();
  result.provider_name = provider_;
  parts_.emplace_back(std::move(call));
  parts_.emplace_back(std::move(result));
}

void answer::add_sources(const json& candidate) {
  const auto& grounding = member(candidate, "groundingMetadata");
  add_search(grounding);
  if (auto contexts = retrieved_contexts(grounding); !contexts.empty())
    add_pair(file_search_tool, json::object(), std::move(contexts));
  add_fetches(member(member(candidate, "urlContextMetadata"), "urlMetadata"));
}

void answer::add_search(const json& grounding) {
  const auto& queries = member(grounding, "webSearchQueries");
  if (!queries.is_array() || queries.empty())
    return;
  json found = nullptr;
  if (const auto& chunks = member(grounding, "groundingChunks"); chunks.is_array() && !chunks.empty()) {
    found = json::array();
    for (const auto& chunk : chunks)
      if (const auto& web = member(chunk, "web"); web.is_object())
        found.push_back(
          json{{"domain", member(web, "domain")}, {"title", member(web, "title")}, {"uri", member(web, "uri")}});
  }
  add_pair("web_search", json{{"queries", queries}}, std::move(found));
}

void answer::add_fetches(const json& url_metadata) {
  if (!url_metadata.is_array() || url_metadata.empty())
    return;
  auto urls = json::array();
  auto found = json::array();
  for (const auto& one : url_metadata) {
    if (const auto url = text_member(one, "retrievedUrl"); !url.empty())
      urls.push_back(url);
    found.push_back(json{{"retrieved_url", member(one, "retrievedUrl")},
                         {"url_retrieval_status", member(one, "urlRetrievalStatus")}});
  }
  add_pair("web_fetch", urls.empty() ? json(nullptr) : json{{"urls", std::move(urls)}}, std::move(found));
}

// The findings of a search in files stand apart from the part that tells of it.
void answer::fill_file_searches(const json& grounding) {
  auto contexts = retrieved_contexts(grounding);
  if (contexts.empty())
    return;
  for (auto& any_part : parts_)
    if (auto* part = std::get_if<builtin_tool_return_part>(&any_part);
        part && part->tool_name == file_search_tool && part->content.is_null())
      part->content = contexts;
  if (file_search_id_.empty() || has_own_tools_)
    return;
  builtin_tool_return_part part;
  part.tool_name = file_search_tool;
  part.tool_call_id = std::exchange(file_search_id_, {});
  part.content = std::move(contexts);
  part.timestamp = timestamp_now();
  part.provider_name = provider_;
  parts_.emplace_back(std::move(part));
}

std::vector<response_part> answer::parts(bool with_calls) const {
  if (with_calls)
    return parts_;
  std::vector<response_part> kept;
  for (const auto& part : parts_)
    if (!std::holds_alternative<tool_call_part>(part))
      kept.push_back(part);
  return kept;
}

} // namespace varro::google
