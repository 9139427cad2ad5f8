#include "models/openai_responses_items.hpp"

#include "base/base64.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <array>

namespace varro::openai_responses {

namespace {

constexpr std::string_view mcp_prefix = "mcp_server";
// Ours: an item of a type that neither we nor pydantic-ai know, whole.
constexpr const char* whole_detail = "openai_item";

std::string id_or_made(const json& item, std::string_view key = "id") {
  auto id = text_member(item, key);
  return id.empty() ? make_tool_call_id() : id;
}

std::optional<std::string> id_or_none(const json& item) {
  auto id = text_member(item, "id");
  return id.empty() ? std::nullopt : std::optional(std::move(id));
}

json without_nulls(const json& value) {
  if (value.is_array()) {
    auto list = json::array();
    for (const auto& item : value)
      list.push_back(without_nulls(item));
    return list;
  }
  if (!value.is_object())
    return value;
  auto object = json::object();
  for (auto it = value.begin(); it != value.end(); ++it)
    if (!it.value().is_null())
      object[it.key()] = without_nulls(it.value());
  return object;
}

builtin_tool_call_part call_part(std::string name, json args, std::string call_id, const std::string& provider) {
  builtin_tool_call_part part;
  part.tool_name = std::move(name);
  part.args = std::move(args);
  part.tool_call_id = std::move(call_id);
  part.provider_name = provider;
  return part;
}

builtin_tool_return_part return_part(std::string name, json content, std::string call_id, const std::string& provider) {
  builtin_tool_return_part part;
  part.tool_name = std::move(name);
  part.content = std::move(content);
  part.tool_call_id = std::move(call_id);
  part.timestamp = timestamp_now();
  part.provider_name = provider;
  return part;
}

json status_of(const json& item) {
  return json{{"status", member(item, "status")}};
}

item_parts web_search(const json& item, const std::string& provider) {
  const auto id = id_or_made(item);
  json args = nullptr;
  auto result = status_of(item);
  if (const auto& action = member(item, "action"); action.is_object()) {
    args = without_nulls(action);
    // Sources are told, and refused when they are sent back.
    if (const auto& sources = member(args, "sources"); sources.is_array() && !sources.empty())
      result["sources"] = sources;
    args.erase("sources");
  }
  auto call = call_part("web_search", std::move(args), id, provider);
  call.id = id_or_none(item);
  return {std::move(call), {}, return_part("web_search", std::move(result), id, provider)};
}

item_parts file_search(const json& item, const std::string& provider) {
  const auto id = id_or_made(item);
  auto result = status_of(item);
  if (const auto& results = member(item, "results"); results.is_array()) {
    auto list = json::array();
    for (const auto& one : results) {
      auto filled = json::object();
      for (const auto* key : {"attributes", "file_id", "filename", "score", "text"})
        filled[key] = member(one, key);
      if (one.is_object())
        for (auto it = one.begin(); it != one.end(); ++it)
          filled[it.key()] = it.value();
      list.push_back(std::move(filled));
    }
    result["results"] = std::move(list);
  }
  const auto& queries = member(item, "queries");
  auto call = call_part("file_search", json{{"queries", queries.is_array() ? queries : json::array()}}, id, provider);
  call.id = id_or_none(item);
  return {std::move(call), {}, return_part("file_search", std::move(result), id, provider)};
}

item_parts code_interpreter(const json& item, const std::string& provider, bool streamed) {
  const auto id = id_or_made(item);
  item_parts made;
  auto args = json{{"container_id", member(item, "container_id")}, {"code", text_member(item, "code")}};
  made.call = call_part("code_execution", streamed ? json(dump_json(args)) : std::move(args), id, provider);
  auto result = status_of(item);
  auto logs = json::array();
  if (const auto& outputs = member(item, "outputs"); outputs.is_array())
    for (const auto& output : outputs) {
      if (text_member(output, "type") == "logs") {
        logs.push_back(text_member(output, "logs"));
        continue;
      }
      const auto url = text_member(output, "url");
      const auto comma = url.find(";base64,");
      if (url.compare(0, 11, "data:image/") == 0 && comma != std::string::npos)
        made.files.push_back(picture_part(url.substr(comma + 8), url.substr(11, comma - 11), id));
    }
  if (!logs.empty())
    result["logs"] = std::move(logs);
  made.result = return_part("code_execution", std::move(result), id, provider);
  return made;
}

item_parts image_generation(const json& item, const std::string& provider) {
  const auto id = id_or_made(item);
  item_parts made;
  made.call = call_part("image_generation", nullptr, id, provider);
  auto result = status_of(item);
  for (const auto* key : {"background", "quality", "size", "revised_prompt"})
    if (const auto& value = member(item, key); !value.is_null() && value != json(""))
      result[key] = value;
  const auto& picture = member(item, "result");
  if (picture.is_string() && !picture.get_ref<const std::string&>().empty()) {
    made.files.push_back(picture_part(picture, text_member(item, "output_format"), id));
    result["status"] = "completed"; // streams leave it at "generating"
  }
  made.result = return_part("image_generation", std::move(result), id, provider);
  return made;
}

item_parts mcp_list_tools(const json& item, const std::string& provider) {
  const auto id = id_or_made(item);
  const auto name = std::string(mcp_prefix) + ":" + text_member(item, "server_label");
  auto tools = json::array();
  if (const auto& listed = member(item, "tools"); listed.is_array())
    for (const auto& tool : listed) {
      auto filled = tool.is_object() ? tool : json::object();
      for (const auto* key : {"annotations", "description"})
        if (!filled.contains(key))
          filled[key] = nullptr;
      tools.push_back(std::move(filled));
    }
  return {call_part(name, json{{"action", "list_tools"}}, id, provider),
          {},
          return_part(name, json{{"tools", std::move(tools)}, {"error", member(item, "error")}}, id, provider)};
}

item_parts mcp_call(const json& item, const std::string& provider, bool streamed) {
  const auto id = id_or_made(item);
  const auto name = std::string(mcp_prefix) + ":" + text_member(item, "server_label");
  const auto arguments = text_member(item, "arguments");
  auto args = json{{"action", "call_tool"}, {"tool_name", text_member(item, "name")}, {"tool_args", json::object()}};
  if (streamed) {
    // As the stream wrote them: what stands in the arguments is not ours to tidy.
    auto text = dump_json(args);
    text.replace(text.size() - 3, 2, arguments.empty() ? "{}" : arguments);
    args = std::move(text);
  } else if (!arguments.empty()) {
    args["tool_args"] = arguments_object(arguments);
  }
  return {call_part(name, std::move(args), id, provider),
          {},
          return_part(name, json{{"output", member(item, "output")}, {"error", member(item, "error")}}, id, provider)};
}

// The server names what it picked `paths`, a client is asked with `queries`.
json search_args(const json& arguments) {
  auto queries = json::array();
  for (const auto* key : {"queries", "paths"})
    if (const auto& list = member(arguments, key); list.is_array() && queries.empty())
      for (const auto& one : list)
        if (one.is_string())
          queries.push_back(one);
  return json{{"queries", std::move(queries)}};
}

json discovered_tools(const json& output) {
  auto found = json::array();
  if (const auto& tools = member(output, "tools"); tools.is_array())
    for (const auto& tool : tools)
      if (text_member(tool, "type") == "function")
        found.push_back(json{{"name", text_member(tool, "name")}});
  return json{{"discovered_tools", std::move(found)}};
}

builtin_tool_return_part search_result(const json& output, const json& status, const std::string& call_id,
                                       const std::string& provider) {
  auto part = return_part("tool_search", discovered_tools(output), call_id, provider);
  part.tool_kind = "tool-search";
  part.provider_details = json{{"status", status}};
  return part;
}

item_parts tool_search(const json& item, const std::string& provider, bool streamed, const json& output) {
  auto call_id = text_member(item, "call_id");
  if (call_id.empty())
    call_id = id_or_made(item);
  auto args = search_args(member(item, "arguments"));
  item_parts made;
  if (text_member(item, "execution") == "client") {
    tool_call_part call;
    call.tool_name = "search_tools";
    call.args = streamed ? json(dump_json(args)) : std::move(args);
    call.tool_call_id = call_id;
    call.tool_kind = "tool-search";
    call.id = id_or_none(item);
    call.provider_name = provider;
    made.call = std::move(call);
    return made;
  }
  auto call = call_part("tool_search", std::move(args), call_id, provider);
  call.tool_kind = "tool-search";
  call.id = id_or_none(item);
  made.call = std::move(call);
  if (!streamed) // a stream has the result as an item of its own
    made.result = search_result(output, member(item, "status"), call_id, provider);
  return made;
}

item_parts tool_search_output(const json& item, const std::string& provider) {
  auto call_id = text_member(item, "call_id");
  if (call_id.empty())
    call_id = id_or_made(item);
  const auto& status = member(item, "status");
  return {std::nullopt, {}, search_result(item, status.is_string() ? status : json("completed"), call_id, provider)};
}

item_parts compaction(const json& item, const std::string& provider) {
  compaction_part part;
  part.id = id_or_none(item);
  part.provider_name = provider;
  auto details = item;
  if (!details.contains("created_by"))
    details["created_by"] = nullptr;
  part.provider_details = std::move(details);
  return {std::nullopt, {}, std::move(part)};
}

item_parts unknown(const json& item, const std::string& provider) {
  auto part = return_part(text_member(item, "type"), nullptr, id_or_made(item), provider);
  part.provider_details = json{{whole_detail, item}};
  return {std::nullopt, {}, std::move(part)};
}

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

// The server's MCP parts: a list of tools, or a call.
json mcp_item(const builtin_tool_call_part& call, const builtin_tool_return_part* result, bool stored) {
  const auto args = arguments_object(call.args);
  const auto label = call.tool_name.substr(std::min(call.tool_name.find(':') + 1, call.tool_name.size()));
  const auto& told = result && !stored ? result->content : json(nullptr);
  if (text_member(args, "action") == "list_tools") {
    const auto& tools = member(told, "tools");
    return json{{"id", call.tool_call_id},
                {"type", "mcp_list_tools"},
                {"server_label", label},
                {"tools", tools.is_array() ? tools : json::array()}};
  }
  const auto& tool_args = member(args, "tool_args");
  return json{{"id", call.tool_call_id},
              {"type", "mcp_call"},
              {"server_label", label},
              {"name", text_member(args, "tool_name")},
              {"arguments", dump_json(tool_args.is_object() ? tool_args : json::object())},
              {"error", member(told, "error")},
              {"output", member(told, "output")}};
}

json image_item(const builtin_tool_call_part& call, const std::vector<const file_part*>& files, bool stored) {
  json item = {{"id", call.tool_call_id}, {"type", "image_generation_call"}};
  if (stored)
    return item;
  // Nobody else has the picture.
  for (const auto* file : files)
    if (file->id == call.tool_call_id) {
      item["status"] = "completed";
      item["result"] = base64_encode(file->content.data);
      return item;
    }
  return nullptr;
}

} // namespace

bool is_vendor_item(std::string_view type) {
  return type != "message" && type != "reasoning" && type != "function_call" && !type.empty();
}

file_part picture_part(const json& base64, std::string_view format, const std::string& id) {
  file_part part;
  if (base64.is_string())
    part.content.data = base64_decode(base64.get_ref<const std::string&>()).value_or("");
  part.content.media_type = "image/" + (format.empty() ? std::string("png") : std::string(format));
  part.content.identifier = content_identifier(part.content.data);
  part.id = id;
  return part;
}

item_parts parts_of_item(const json& item, const std::string& provider, bool streamed, const json& output) {
  const auto type = text_member(item, "type");
  if (type == "web_search_call")
    return web_search(item, provider);
  if (type == "file_search_call")
    return file_search(item, provider);
  if (type == "code_interpreter_call")
    return code_interpreter(item, provider, streamed);
  if (type == "image_generation_call")
    return image_generation(item, provider);
  if (type == "mcp_list_tools")
    return mcp_list_tools(item, provider);
  if (type == "mcp_call")
    return mcp_call(item, provider, streamed);
  if (type == "tool_search_call")
    return tool_search(item, provider, streamed, output);
  if (type == "tool_search_output")
    return streamed ? tool_search_output(item, provider) : item_parts{}; // else it stands with its call
  if (type == "compaction")
    return compaction(item, provider);
  return unknown(item, provider);
}

json item_of(const builtin_tool_call_part& call, const builtin_tool_return_part* result,
             const std::vector<const file_part*>& files, bool stored) {
  const auto args = arguments_object(call.args);
  const auto status
    = result ? string_member(result->content, "status").value_or("completed") : std::string("completed");
  const auto id = call.id.value_or(call.tool_call_id);
  if (call.tool_name == "code_execution") {
    if (text_member(args, "container_id").empty())
      return nullptr;
    return json{{"id", call.tool_call_id},
                {"code", member(args, "code")},
                {"container_id", args["container_id"]},
                {"outputs", nullptr},
                {"status", status},
                {"type", "code_interpreter_call"}};
  }
  if (call.tool_name == "web_search") {
    if (args.empty())
      return nullptr;
    return json{{"id", id}, {"action", without_nulls(args)}, {"status", status}, {"type", "web_search_call"}};
  }
  if (call.tool_name == "file_search") {
    const auto& queries = member(args, "queries");
    return json{{"id", id},
                {"queries", queries.is_array() ? queries : json::array()},
                {"status", status},
                {"type", "file_search_call"}};
  }
  if (call.tool_name == "image_generation")
    return image_item(call, files, stored);
  if (call.tool_name == "tool_search")
    return json{{"id", id},
                {"call_id", call.tool_call_id},
                {"arguments", args},
                {"type", "tool_search_call"},
                {"execution", "server"},
                {"status", "completed"}};
  if (starts_with(call.tool_name, mcp_prefix))
    return mcp_item(call, result, stored);
  return nullptr;
}

const json& whole_item(const builtin_tool_return_part& result) {
  return member(result.provider_details, whole_detail);
}

json item_of(const compaction_part& part) {
  const auto encrypted = string_member(part.provider_details, "encrypted_content");
  if (!encrypted)
    return nullptr;
  json item = {{"encrypted_content", *encrypted}, {"type", "compaction"}};
  if (part.id)
    item["id"] = *part.id;
  return item;
}

} // namespace varro::openai_responses
