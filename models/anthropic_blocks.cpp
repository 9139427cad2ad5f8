#include "models/anthropic_blocks.hpp"

#include "base/text.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <array>
#include <type_traits>

namespace varro {

namespace {

// Names inside provider_details; pydantic-ai's own, so that histories move between the two.
constexpr const char* tool_name_detail = "anthropic_tool_name";
constexpr const char* caller_detail = "anthropic_caller";
// Ours: a block of a type that neither knows, whole.
constexpr const char* block_detail = "anthropic_block";

constexpr std::string_view result_suffix = "_tool_result";
constexpr std::string_view search_prefix = "tool_search_tool_";
constexpr std::string_view mcp_prefix = "mcp_server:";

// Server tools whose parts carry the name on the left; `detail` is kept where several share it.
struct server_tool {
  std::string_view part_name;
  std::string_view wire_name; // of server_tool_use; its result's type is this and "_tool_result"
  bool detail;
};
constexpr std::array<server_tool, 5> server_tools = {{
  {"web_search", "web_search", false},
  {"web_fetch", "web_fetch", false},
  {"code_execution", "code_execution", false},
  {"code_execution", "bash_code_execution", true},
  {"code_execution", "text_editor_code_execution", true},
}};

const server_tool* find_server_tool(std::string_view wire_name) {
  for (const auto& tool : server_tools)
    if (tool.wire_name == wire_name)
      return &tool;
  return nullptr;
}

std::string id_or_made(const json& block, std::string_view key) {
  auto id = text_member(block, key);
  return id.empty() ? make_tool_call_id() : id;
}

// The arguments of a call as they are kept: a stream's text as it came, a whole block's object.
json kept_input(const received_block& received, bool null_when_empty) {
  const auto& input = member(received.block, "input");
  const bool is_empty = input.is_null() || (input.is_object() && input.empty());
  if (received.input_text && (!received.input_text->empty() || is_empty))
    return *received.input_text;
  return is_empty && null_when_empty ? json(nullptr) : input;
}

json input_object(const received_block& received) {
  return arguments_object(kept_input(received, true));
}

// "direct" is what an absent caller means; only other ones are worth keeping.
void keep_caller(const json& block, json& details) {
  const auto& caller = member(block, "caller");
  if (caller.is_object() && text_member(caller, "type") != "direct")
    details[caller_detail] = caller;
}

json details_or_null(json details) {
  return details.empty() ? json(nullptr) : details;
}

builtin_tool_call_part builtin_call(std::string tool_name, json args, const json& block, const std::string& provider) {
  builtin_tool_call_part part;
  part.tool_name = std::move(tool_name);
  part.args = std::move(args);
  part.tool_call_id = id_or_made(block, "id");
  part.provider_name = provider;
  return part;
}

builtin_tool_return_part builtin_return(std::string tool_name, json content, const json& block,
                                        const std::string& provider) {
  builtin_tool_return_part part;
  part.tool_name = std::move(tool_name);
  part.content = std::move(content);
  part.tool_call_id = id_or_made(block, "tool_use_id");
  part.timestamp = timestamp_now();
  part.provider_name = provider;
  return part;
}

response_part server_tool_call(const received_block& received, const std::string& provider) {
  const auto name = text_member(received.block, "name");
  json details = json::object();
  if (name.compare(0, search_prefix.size(), search_prefix) == 0) {
    const bool regex = name == "tool_search_tool_regex";
    const auto query = string_member(input_object(received), regex ? "pattern" : "query").value_or("");
    auto part = builtin_call("tool_search", json{{"queries", json::array({query})}}, received.block, provider);
    part.tool_kind = "tool-search";
    details["strategy"] = regex ? "regex" : "bm25";
    keep_caller(received.block, details);
    part.provider_details = std::move(details);
    return part;
  }
  const auto* known = find_server_tool(name);
  auto part
    = builtin_call(known ? std::string(known->part_name) : name, kept_input(received, true), received.block, provider);
  if (known && known->detail)
    details[tool_name_detail] = name;
  keep_caller(received.block, details);
  part.provider_details = details_or_null(std::move(details));
  return part;
}

response_part mcp_call(const received_block& received, const std::string& provider) {
  const auto& block = received.block;
  auto args
    = json{{"action", "call_tool"}, {"tool_name", text_member(block, "name")}, {"tool_args", input_object(received)}};
  return builtin_call(std::string(mcp_prefix) + text_member(block, "server_name"),
                      received.input_text ? json(dump_json(args)) : std::move(args), block, provider);
}

response_part mcp_result(const json& block, const std::string& provider, const std::vector<response_part>& before) {
  std::string tool_name = "mcp_server";
  const auto id = text_member(block, "tool_use_id");
  for (const auto& part : before)
    if (const auto* call = std::get_if<builtin_tool_call_part>(&part); call && call->tool_call_id == id)
      tool_name = call->tool_name;
  return builtin_return(
    std::move(tool_name),
    json{{"content", member(block, "content")}, {"is_error", member(block, "is_error") == json(true)}}, block,
    provider);
}

response_part tool_search_result(const json& block, const std::string& provider) {
  const auto& content = member(block, "content");
  auto found = json::array();
  const auto& references = member(content, "tool_references");
  if (references.is_array())
    for (const auto& reference : references)
      found.push_back(json{{"name", text_member(reference, "tool_name")}});
  auto part = builtin_return("tool_search", json{{"discovered_tools", std::move(found)}}, block, provider);
  part.tool_kind = "tool-search";
  if (const auto code = string_member(content, "error_code"))
    part.provider_details = json{{"error_code", *code}, {"error_message", member(content, "error_message")}};
  return part;
}

response_part tool_result(const json& block, const std::string& type, const std::string& provider,
                          const std::vector<response_part>& before) {
  if (type == "mcp_tool_result")
    return mcp_result(block, provider, before);
  if (type == "tool_search_tool_result")
    return tool_search_result(block, provider);
  const auto name = type.substr(0, type.size() - result_suffix.size());
  const auto* known = find_server_tool(name);
  json details = json::object();
  if (!known) {
    details[block_detail] = block;
    auto part = builtin_return(name, nullptr, block, provider);
    part.provider_details = std::move(details);
    return part;
  }
  auto part = builtin_return(std::string(known->part_name), member(block, "content"), block, provider);
  if (known->detail)
    details[tool_name_detail] = name;
  keep_caller(block, details);
  part.provider_details = details_or_null(std::move(details));
  return part;
}

// --- parts to blocks -------------------------------------------------------------------------------------------------

const json& detail(const json& details, std::string_view key) {
  return member(details, key);
}

void add_caller(const json& details, json& block) {
  if (const auto& caller = detail(details, caller_detail); caller.is_object())
    block["caller"] = caller;
}

json mcp_call_block(const builtin_tool_call_part& part) {
  const auto args = arguments_object(part.args);
  const auto& input = member(args, "tool_args");
  return json{{"type", "mcp_tool_use"},
              {"id", part.tool_call_id},
              {"server_name", part.tool_name.substr(mcp_prefix.size())},
              {"name", text_member(args, "tool_name")},
              {"input", input.is_object() ? input : json::object()}};
}

json search_call_block(const builtin_tool_call_part& part) {
  const bool regex = text_member(part.provider_details, "strategy") == "regex";
  auto input = arguments_object(part.args);
  if (const auto& queries = member(input, "queries"); queries.is_array()) {
    std::string text;
    for (const auto& query : queries)
      if (query.is_string())
        text += (text.empty() ? "" : " ") + query.get<std::string>();
    input = json{{regex ? "pattern" : "query", text}};
  }
  return json{{"type", "server_tool_use"},
              {"id", part.tool_call_id},
              {"name", std::string(search_prefix) + (regex ? "regex" : "bm25")},
              {"input", std::move(input)}};
}

json block_of(const builtin_tool_call_part& part) {
  if (const auto& whole = detail(part.provider_details, block_detail); whole.is_object())
    return whole;
  if (part.tool_name.compare(0, mcp_prefix.size(), mcp_prefix) == 0)
    return mcp_call_block(part);
  const bool search = part.tool_kind == "tool-search" || part.tool_name == "tool_search";
  auto block = search ? search_call_block(part)
                      : json{{"type", "server_tool_use"},
                             {"id", part.tool_call_id},
                             {"name", string_member(part.provider_details, tool_name_detail).value_or(part.tool_name)},
                             {"input", arguments_object(part.args)}};
  add_caller(part.provider_details, block);
  return block;
}

json search_result_block(const builtin_tool_return_part& part) {
  json content;
  if (const auto code = string_member(part.provider_details, "error_code")) {
    content = json{{"type", "tool_search_tool_result_error"}, {"error_code", *code}};
  } else {
    auto references = json::array();
    const auto& found = member(part.content, "discovered_tools");
    if (found.is_array())
      for (const auto& tool : found)
        references.push_back(json{{"type", "tool_reference"}, {"tool_name", text_member(tool, "name")}});
    content = json{{"type", "tool_search_tool_search_result"}, {"tool_references", std::move(references)}};
  }
  return json{{"type", "tool_search_tool_result"}, {"tool_use_id", part.tool_call_id}, {"content", std::move(content)}};
}

// Older histories lack the detail that tells the three code execution tools apart; the content's type does as well.
std::string wire_name_of(const builtin_tool_return_part& part) {
  if (const auto name = string_member(part.provider_details, tool_name_detail))
    return *name;
  const auto type = text_member(part.content, "type");
  for (const auto& tool : server_tools)
    if (tool.detail && type.compare(0, tool.wire_name.size(), tool.wire_name) == 0)
      return std::string(tool.wire_name);
  return part.tool_name;
}

json block_of(const builtin_tool_return_part& part) {
  if (const auto& whole = detail(part.provider_details, block_detail); whole.is_object())
    return whole;
  if (part.tool_kind == "tool-search" || part.tool_name == "tool_search")
    return search_result_block(part);
  if (part.tool_name.compare(0, mcp_prefix.size() - 1, mcp_prefix.substr(0, mcp_prefix.size() - 1)) == 0)
    return json{{"type", "mcp_tool_result"},
                {"tool_use_id", part.tool_call_id},
                {"is_error", member(part.content, "is_error") == json(true)},
                {"content", member(part.content, "content")}};
  auto block = json{{"type", wire_name_of(part) + std::string(result_suffix)},
                    {"tool_use_id", part.tool_call_id},
                    {"content", part.content}};
  add_caller(part.provider_details, block);
  return block;
}

// A text block must say something: the vendor refuses one that is empty or white space.
void append_text(std::string text, json& blocks) {
  if (!is_blank(text))
    blocks.push_back(json{{"type", "text"}, {"text", std::move(text)}});
}

void append_thinking(const thinking_part& part, const std::string& provider, json& blocks) {
  if (part.provider_name == provider && part.signature) {
    if (part.id == "redacted_thinking")
      blocks.push_back(json{{"type", "redacted_thinking"}, {"data", *part.signature}});
    else
      blocks.push_back(json{{"type", "thinking"}, {"thinking", part.content}, {"signature", *part.signature}});
  } else if (!is_blank(part.content)) {
    // Without the vendor's own signature it cannot go as thinking; as text the model still knows what it was about.
    append_text("<thinking>\n" + part.content + "\n</thinking>", blocks);
  }
}

// What newer versions say beside the summary (encrypted_content, signature, tool_changes) goes back as it came; null
// when there is nothing.
json beside_content(const json& block) {
  json rest;
  for (auto it = block.begin(); it != block.end(); ++it)
    if (it.key() != "type" && it.key() != "content" && it.key() != "cache_control" && !it.value().is_null())
      rest[it.key()] = it.value();
  return rest;
}

json compaction_block(const compaction_part& part) {
  json block = {{"type", "compaction"}, {"content", part.content ? json(*part.content) : json(nullptr)}};
  if (part.provider_details.is_object())
    block.update(part.provider_details);
  return block;
}

constexpr call_id_rule tool_use_ids{.length_max = 256};

} // namespace

void append_part(const received_block& received, const std::string& provider, std::vector<response_part>& parts) {
  const auto& block = received.block;
  const auto type = text_member(block, "type");
  if (type == "text") {
    text_part part;
    part.content = text_member(block, "text");
    parts.emplace_back(std::move(part));
  } else if (type == "thinking") {
    thinking_part part;
    part.content = text_member(block, "thinking");
    // Without a signature it cannot be replayed; an empty one says the same.
    if (auto signature = text_member(block, "signature"); !signature.empty())
      part.signature = std::move(signature);
    part.provider_name = provider;
    parts.emplace_back(std::move(part));
  } else if (type == "redacted_thinking") {
    thinking_part part;
    part.id = "redacted_thinking";
    part.signature = text_member(block, "data");
    part.provider_name = provider;
    parts.emplace_back(std::move(part));
  } else if (type == "tool_use") {
    tool_call_part part;
    part.tool_name = text_member(block, "name");
    part.args = kept_input(received, false);
    part.tool_call_id = id_or_made(block, "id");
    parts.emplace_back(std::move(part));
  } else if (type == "server_tool_use") {
    parts.emplace_back(server_tool_call(received, provider));
  } else if (type == "mcp_tool_use") {
    parts.emplace_back(mcp_call(received, provider));
  } else if (type == "compaction") {
    compaction_part part;
    part.content = string_member(block, "content");
    part.provider_name = provider;
    part.provider_details = beside_content(block);
    parts.emplace_back(std::move(part));
  } else if (type.size() > result_suffix.size()
             && type.compare(type.size() - result_suffix.size(), std::string::npos, result_suffix) == 0) {
    parts.emplace_back(tool_result(block, type, provider, parts));
  } else if (!type.empty()) {
    auto whole = block;
    if (received.input_text && !received.input_text->empty())
      whole["input"] = arguments_object(*received.input_text);
    auto part = builtin_return(type, nullptr, block, provider);
    part.provider_details = json{{block_detail, std::move(whole)}};
    parts.emplace_back(std::move(part));
  }
}

void append_block(const response_part& any_part, const std::string& provider, json& blocks) {
  std::visit(
    [&](const auto& part) {
      using part_type = std::decay_t<decltype(part)>;
      if constexpr (std::is_same_v<part_type, text_part>) {
        append_text(part.content, blocks);
      } else if constexpr (std::is_same_v<part_type, thinking_part>) {
        append_thinking(part, provider, blocks);
      } else if constexpr (std::is_same_v<part_type, tool_call_part>) {
        blocks.push_back(json{{"type", "tool_use"},
                              {"id", accepted_call_id(part.tool_call_id, tool_use_ids)},
                              {"name", accepted_tool_name(part.tool_name)},
                              {"input", arguments_object(part.args)}});
      } else if constexpr (std::is_same_v<part_type, builtin_tool_call_part>
                           || std::is_same_v<part_type, builtin_tool_return_part>) {
        if (part.provider_name == provider)
          blocks.push_back(block_of(part));
      } else if constexpr (std::is_same_v<part_type, compaction_part>) {
        if (part.provider_name == provider)
          blocks.push_back(compaction_block(part));
      }
      // A file that a model made (file_part) is not sent back: this vendor's models make none.
    },
    any_part);
}

} // namespace varro
