#include "bench/anthropic_binding.hpp"
#include "bench/anthropic_rules.hpp"
#include "bench/model_names.hpp"

#include <algorithm>

namespace varro::bench {

namespace {

const std::set<std::string> top_level{
  "model",     "max_tokens",  "messages",           "system",        "metadata",      "stop_sequences", "stream",
  "thinking",  "top_k",       "temperature",        "top_p",         "tools",         "tool_choice",    "service_tier",
  "container", "mcp_servers", "context_management", "output_config", "output_format", "cache_control",  "inference_geo",
  "speed"};

bool blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

std::string quoted_list(const std::vector<std::string>& ids) {
  std::string text;
  for (auto& id : ids)
    text += (text.empty() ? "" : ", ") + id;
  return text;
}

// A message with its blocks; those of the same role that follow each other have been joined, as the vendor does.
struct joined_message {
  std::string role;
  std::vector<json> blocks;
  std::string where; // "messages.3"
};

class checker {
public:
  checker(const json& body, const validation& how, std::string_view betas) : body_(body), how_(how), betas_(betas) {}

  void check() {
    if (!body_.is_object())
      refuse("The request body is not valid JSON");
    for (auto& [key, unused] : body_.items())
      if (!top_level.contains(key))
        refuse(key + ": Extra inputs are not permitted");
    thinking_ = check_claude_settings(body_, betas_);
    check_system();
    check_tools();
    read_messages();
    media_.finish(member_text(body_, "model"));
    check_pairs();
    check_end();
    if (cache_marks_ > 4)
      refuse("A maximum of 4 blocks with cache_control may be provided. Found " + std::to_string(cache_marks_) + ".");
  }

private:
  void check_system() {
    auto* system = member(body_, "system");
    if (!system || system->is_string())
      return;
    if (!system->is_array())
      refuse("system: Input should be a valid list");
    for (size_t i = 0; i < system->size(); ++i) {
      count_cache_mark((*system)[i]);
      if (member_text((*system)[i], "type") != "text" || member_text((*system)[i], "text").empty())
        refuse("system." + std::to_string(i) + ": text content blocks must be non-empty");
    }
  }

  void check_tools() {
    auto* tools = member(body_, "tools");
    if (!tools)
      return;
    if (!tools->is_array())
      refuse("tools: Input should be a valid list");
    std::set<std::string> names;
    for (size_t i = 0; i < tools->size(); ++i) {
      auto& tool = (*tools)[i];
      auto where = "tools." + std::to_string(i);
      count_cache_mark(tool);
      auto name = member_text(tool, "name");
      if (!is_tool_name(name, 128))
        refuse(where + ".custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'");
      if (!names.insert(name).second)
        refuse("tools: Tool names must be unique.");
      auto type = member_text(tool, "type");
      if (!type.empty() && type != "custom") // a tool that the vendor runs itself
        continue;
      auto* schema = member(tool, "input_schema");
      if (!schema || member_text(*schema, "type") != "object")
        refuse(where + ".custom.input_schema.type: Input should be 'object'");
    }
  }

  void read_messages() {
    auto* messages = member(body_, "messages");
    if (!messages)
      refuse("messages: Field required");
    if (!messages->is_array() || messages->empty())
      refuse("messages: at least one message is required");
    for (size_t i = 0; i < messages->size(); ++i)
      read_message((*messages)[i], "messages." + std::to_string(i), i + 1 == messages->size());
    if (messages_.front().role != "user")
      refuse("messages: first message must use the \"user\" role");
  }

  void read_message(const json& message, const std::string& where, bool last) {
    auto role = member_text(message, "role");
    if (role != "user" && role != "assistant")
      refuse("messages: Unexpected role \"" + role + "\". Allowed roles are \"user\" or \"assistant\".");
    auto* content = member(message, "content");
    if (!content)
      refuse(where + ".content: Field required");
    std::vector<json> blocks;
    if (content->is_string()) {
      blocks.push_back({{"type", "text"}, {"text", *content}});
    } else if (content->is_array()) {
      blocks.assign(content->begin(), content->end());
    } else {
      refuse(where + ".content: Input should be a valid list");
    }
    if (blocks.empty() && !(last && role == "assistant"))
      refuse(where + ": all messages must have non-empty content except for the optional final assistant message");
    for (size_t i = 0; i < blocks.size(); ++i)
      check_block(role, blocks[i], where + ".content." + std::to_string(i));
    if (!messages_.empty() && messages_.back().role == role) {
      if (how_.strict_roles)
        refuse("messages: roles must alternate between \"user\" and \"assistant\", but found multiple \"" + role
               + "\" roles in a row");
      auto& joined = messages_.back().blocks;
      joined.insert(joined.end(), blocks.begin(), blocks.end());
    } else {
      messages_.push_back({role, std::move(blocks), where});
    }
  }

  void count_cache_mark(const json& block) {
    if (auto* mark = member(block, "cache_control"); mark && !mark->is_null())
      ++cache_marks_;
  }

  void check_block(const std::string& role, const json& block, const std::string& where) {
    auto type = member_text(block, "type");
    count_cache_mark(block);
    if (type == "text") {
      auto* text = member(block, "text");
      if (!text || !text->is_string())
        refuse(where + ".text.text: Input should be a valid string");
      if (text->get<std::string>().empty())
        refuse("messages: text content blocks must be non-empty");
      if (blank(text->get<std::string>()))
        refuse("messages: text content blocks must contain non-whitespace text");
    } else if (type == "thinking" || type == "redacted_thinking") {
      check_thinking(role, block, type, where);
    } else if (type == "tool_use") {
      check_tool_use(role, block, where);
    } else if (type == "tool_result") {
      check_tool_result(role, block, where);
    } else if (type == "image" || type == "document") {
      media_.add(block, type, where);
    } else if (type.empty()) {
      refuse(where + ".type: Field required");
    } else if (role == "user") {
      refuse(where + ": Input tag '" + type + "' found using 'type' does not match any of the expected tags");
    } // an assistant's other blocks are the vendor's own (server_tool_use and its results, compaction…)
  }

  void check_thinking(const std::string& role, const json& block, const std::string& type, const std::string& where) {
    if (role != "assistant")
      refuse(where + ": `" + type + "` blocks are only allowed in `assistant` messages");
    if (member(block, "cache_control"))
      refuse(where + "." + type + ".cache_control: Extra inputs are not permitted");
    if (type == "redacted_thinking") {
      if (member_text(block, "data").empty())
        refuse(where + ".redacted_thinking.data: Field required");
      return;
    }
    if (!member(block, "thinking") || !member(block, "thinking")->is_string())
      refuse(where + ".thinking.thinking: Field required");
    if (!member(block, "signature") || !member(block, "signature")->is_string())
      refuse(where + ".thinking.signature: Field required");
  }

  void check_tool_use(const std::string& role, const json& block, const std::string& where) {
    if (role != "assistant")
      refuse(where + ": `tool_use` blocks can only be in `assistant` messages");
    auto id = member_text(block, "id");
    if (!is_tool_name(id, 512))
      refuse(where + ".tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'");
    if (!is_tool_name(member_text(block, "name"), 200))
      refuse(where + ".tool_use.name: String should have at least 1 character");
    if (!member(block, "input") || !member(block, "input")->is_object())
      refuse(where + ".tool_use.input: Input should be a valid dictionary");
    if (!tool_ids_.insert(id).second)
      refuse("messages: `tool_use` ids must be unique");
  }

  void check_tool_result(const std::string& role, const json& block, const std::string& where) {
    if (role != "user")
      refuse(where + ": `tool_result` blocks can only be in `user` messages");
    if (member_text(block, "tool_use_id").empty())
      refuse(where + ".tool_result.tool_use_id: Field required");
    auto* content = member(block, "content");
    if (!content || content->is_string())
      return;
    if (!content->is_array())
      refuse(where + ".tool_result.content: Input should be a valid list");
    for (size_t i = 0; i < content->size(); ++i) {
      auto& inner = (*content)[i];
      auto inner_where = where + ".tool_result.content." + std::to_string(i);
      auto type = member_text(inner, "type");
      count_cache_mark(inner);
      if (type == "image" || type == "document")
        media_.add(inner, type, inner_where);
      else if (type == "text" && member_text(inner, "text").empty())
        refuse("messages: text content blocks must be non-empty");
      else if (type != "text" && type != "search_result" && type != "tool_reference")
        refuse(inner_where + ": Input tag '" + type + "' found using 'type' does not match any of the expected tags");
      if (type != "text" && member(block, "is_error") && *member(block, "is_error") == true)
        refuse(where + ".tool_result: all content must be type \"text\" if \"is_error\" is true");
    }
  }

  static std::vector<std::string> ids_in(const joined_message& message, const std::string& type, const char* key) {
    std::vector<std::string> ids;
    for (auto& block : message.blocks)
      if (member_text(block, "type") == type)
        ids.push_back(member_text(block, key));
    return ids;
  }

  // Results stand first in the message after their calls, each exactly once.
  void check_pairs() {
    for (size_t i = 0; i < messages_.size(); ++i) {
      auto& message = messages_[i];
      std::vector<std::string> calls, results;
      if (i > 0)
        calls = ids_in(messages_[i - 1], "tool_use", "id");
      if (message.role == "user")
        results = ids_in(message, "tool_result", "tool_use_id");
      for (size_t k = 0; k < results.size(); ++k) {
        if (std::find(calls.begin(), calls.end(), results[k]) == calls.end())
          refuse(message.where + ".content." + std::to_string(k)
                 + ": unexpected `tool_use_id` found in `tool_result` blocks: " + results[k]
                 + ". Each `tool_result` block must have a corresponding `tool_use` block in the previous message.");
        if (std::count(results.begin(), results.end(), results[k]) > 1)
          refuse(message.where
                 + ": each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
                 + results[k]);
      }
      std::vector<std::string> missing;
      for (auto& id : calls)
        if (std::find(results.begin(), results.end(), id) == results.end())
          missing.push_back(id);
      bool late = false; // a result after something else
      for (size_t k = 0; k < results.size(); ++k)
        late = late || member_text(message.blocks[k], "type") != "tool_result";
      if (!missing.empty() || late)
        refuse(messages_[i - 1].where + ": `tool_use` ids were found without `tool_result` blocks immediately after: "
               + quoted_list(missing.empty() ? results : missing)
               + ". Each `tool_use` block must have a corresponding `tool_result` block in the next message.");
    }
  }

  void check_end() {
    auto& last = messages_.back();
    if (last.role == "assistant") {
      if (!ids_in(last, "tool_use", "id").empty())
        refuse(last.where + ": `tool_use` ids were found without `tool_result` blocks immediately after: "
               + quoted_list(ids_in(last, "tool_use", "id")));
      if (!how_.allow_paused && ids_in(last, "server_tool_use", "id").empty())
        refuse("This model does not support assistant message prefill. The conversation must end with a user message.");
      return;
    }
    // Inside a tool loop the thinking that came with the calls has to come back with them.
    auto results = ids_in(last, "tool_result", "tool_use_id");
    // The vendor wants that of thinking with a budget; with names that it does not have it is wanted always.
    bool wanted = thinking_ == "enabled"
      || (thinking_ == "adaptive" && read_claude_name(member_text(body_, "model")).family.empty());
    if (!wanted || results.empty())
      return;
    auto& calls = messages_[messages_.size() - 2];
    bool thought
      = !ids_in(calls, "thinking", "signature").empty() || !ids_in(calls, "redacted_thinking", "data").empty();
    bool expected = std::any_of(results.begin(), results.end(), [](auto& id) { return follows_thinking(id); });
    if (expected && !thought)
      refuse(
        calls.where + ".content.0.type: Expected `thinking` or `redacted_thinking`, but found `"
        + member_text(calls.blocks.front(), "type")
        + "`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the "
          "lastmost set of `tool_use` and `tool_result` blocks).");
  }

  const json& body_;
  const validation& how_;
  std::string_view betas_;
  std::string thinking_; // the type that was asked for
  claude_media media_;
  int cache_marks_ = 0;
  std::vector<joined_message> messages_;
  std::set<std::string> tool_ids_;
};

} // namespace

std::optional<request_problem> check_anthropic(const json& body, const validation& how, std::string_view betas,
                                               binding_outcome* outcome) {
  try {
    checker{body, how, betas}.check();
    auto found = check_binding(body, betas);
    auto problem = found.problem;
    if (outcome)
      *outcome = std::move(found);
    return problem;
  } catch (request_problem& problem) {
    return std::move(problem);
  }
}

} // namespace varro::bench
