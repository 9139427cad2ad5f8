#include "bench/google_rules.hpp"
#include "bench/model_names.hpp"
#include "bench/openai_rules.hpp"

#include <algorithm>

namespace varro::bench {

namespace {

// OpenAI's arguments, and those that compatible servers add.
const std::set<std::string> top_level{"model",
                                      "messages",
                                      "audio",
                                      "frequency_penalty",
                                      "function_call",
                                      "functions",
                                      "logit_bias",
                                      "logprobs",
                                      "max_completion_tokens",
                                      "max_tokens",
                                      "metadata",
                                      "modalities",
                                      "n",
                                      "parallel_tool_calls",
                                      "prediction",
                                      "presence_penalty",
                                      "prompt_cache_key",
                                      "prompt_cache_retention",
                                      "reasoning_effort",
                                      "response_format",
                                      "safety_identifier",
                                      "seed",
                                      "service_tier",
                                      "stop",
                                      "store",
                                      "stream",
                                      "stream_options",
                                      "temperature",
                                      "tool_choice",
                                      "tools",
                                      "top_logprobs",
                                      "top_p",
                                      "user",
                                      "verbosity",
                                      "web_search_options",
                                      "top_k",
                                      "min_p",
                                      "reasoning",
                                      "include_reasoning",
                                      "reasoning_format",
                                      "thinking",
                                      "chat_template_kwargs",
                                      "think",
                                      "provider",
                                      "models",
                                      "transforms",
                                      "usage",
                                      "cache_prompt",
                                      "disable_reasoning",
                                      "extra_body",
                                      "random_seed",
                                      "safe_prompt"};

constexpr size_t call_id_bytes_max = 40;

class checker {
public:
  checker(const json& body, const validation& how) : body_(body), how_(how) {}

  void check() {
    if (!body_.is_object())
      refuse("We could not parse the JSON body of your request.");
    for (auto& [key, unused] : body_.items())
      if (!top_level.contains(key))
        refuse("Unrecognized request argument supplied: " + key);
    if (member_text(body_, "model").empty())
      refuse("you must provide a model parameter", "model");
    if (member(body_, "max_tokens") && member(body_, "max_completion_tokens"))
      refuse("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "max_tokens");
    check_model();
    auto* stream = member(body_, "stream");
    if (member(body_, "stream_options") && (!stream || *stream != true))
      refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
    check_tools();
    check_messages();
    check_thought_signatures();
  }

private:
  // Google's compatible endpoint: calls since the last message of the user come back with their signature.
  void check_thought_signatures() {
    if (!gemini_wants_signatures(member_text(body_, "model")))
      return;
    auto& messages = body_["messages"];
    size_t begin = 0;
    for (size_t i = 0; i < messages.size(); ++i)
      if (member_text(messages[i], "role") == "user")
        begin = i;
    for (size_t i = 0; i < messages.size(); ++i) {
      auto* calls = member(messages[i], "tool_calls");
      if (!calls || !calls->is_array() || calls->empty())
        continue;
      auto* extra = member(calls->front(), "extra_content");
      auto* google = extra ? member(*extra, "google") : nullptr;
      auto signature = google ? member_text(*google, "thought_signature") : "";
      if (!signature.empty())
        check_thought_signature(signature);
      else if (i >= begin)
        refuse_google(missing_signature(member_text(calls->front()["function"], "name"), i + 1));
    }
  }

  // Which of OpenAI's models this interface serves, and with what: openai/openai-openapi#541 and the pages of the
  // models.
  void check_model() {
    auto model = member_text(body_, "model");
    if (openai_responses_only(model))
      throw request_problem{404, "invalid_request_error",
                            "This model is only supported in v1/responses and not in v1/chat/completions.", "model",
                            ""};
    auto effort = member_text(body_, "reasoning_effort");
    check_effort(model, effort, "reasoning_effort", false);
    if (effort.empty())
      effort = openai_default_effort(model);
    bool has_tools = member(body_, "tools") && !member(body_, "tools")->empty();
    if (has_tools && effort != "none" && openai_chat_without_tools(model))
      refuse(
        "Function tools with reasoning_effort are not supported for " + model
          + " in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
        "reasoning_effort");
    check_sampling(body_, model, effort);
    if (member(body_, "max_tokens") && !openai_efforts(model, false).empty())
      refuse(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens", "unsupported_parameter");
  }

  void check_tools() {
    auto* tools = member(body_, "tools");
    if (!tools) {
      if (member(body_, "tool_choice") && member(body_, "tool_choice")->is_object())
        refuse("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
               "tool_choice");
      return;
    }
    if (!tools->is_array() || tools->empty())
      refuse("Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
             "tools");
    for (size_t i = 0; i < tools->size(); ++i) {
      auto where = "tools[" + std::to_string(i) + "]";
      auto* function = member((*tools)[i], "function");
      if (member_text((*tools)[i], "type") != "function" || !function)
        refuse("Missing required parameter: '" + where + ".function'.", where + ".function");
      if (!is_tool_name(member_text(*function, "name"), 64))
        refuse("Invalid '" + where
                 + ".function.name': string does not match pattern. Expected a string that matches the "
                   "pattern '^[a-zA-Z0-9_-]+$'.",
               where + ".function.name");
      auto* parameters = member(*function, "parameters");
      if (parameters && member_text(*parameters, "type") != "object")
        refuse("Invalid schema for function '" + member_text(*function, "name")
                 + "': schema must be a JSON Schema of 'type: \"object\"'",
               where + ".function.parameters");
    }
  }

  void check_messages() {
    auto* messages = member(body_, "messages");
    if (!messages)
      refuse("Missing required parameter: 'messages'.", "messages");
    if (!messages->is_array() || messages->empty())
      refuse(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        "messages");
    for (size_t i = 0; i < messages->size(); ++i)
      check_message((*messages)[i], "messages[" + std::to_string(i) + "]", i);
    refuse_unanswered();
    if (member_text(messages->back(), "role") == "assistant" && how_.strict_roles)
      refuse("the last message must not be of the assistant", "messages");
  }

  void check_message(const json& message, const std::string& where, size_t index) {
    auto role = member_text(message, "role");
    static const std::set<std::string> roles{"system", "developer", "user", "assistant", "tool"};
    if (!roles.contains(role))
      refuse("Invalid value: '" + role
               + "'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and "
                 "'developer'.",
             where + ".role");
    if (role == "tool") {
      check_tool_message(message, where, index);
    } else {
      refuse_unanswered();
      asked_.clear();
      if (how_.strict_roles && role == last_role_ && role != "system")
        refuse("Conversation roles must alternate user/assistant/user/assistant/...", where + ".role");
      if (role == "assistant")
        check_assistant(message, where);
      else
        check_content(message, where, role == "user");
    }
    last_role_ = role;
  }

  void check_tool_message(const json& message, const std::string& where, size_t index) {
    auto id = member_text(message, "tool_call_id");
    if (id.empty())
      refuse("Missing required parameter: '" + where + ".tool_call_id'.", where + ".tool_call_id");
    auto found = std::find(asked_.begin(), asked_.end(), id);
    if (found == asked_.end())
      refuse(
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        "messages.[" + std::to_string(index) + "].role");
    open_.erase(std::remove(open_.begin(), open_.end(), id), open_.end());
    if (!answered_.insert(id).second)
      refuse("Invalid parameter: 'tool_call_id' of '" + id + "' has already been answered.", where + ".tool_call_id");
    check_content(message, where, false);
  }

  void check_assistant(const json& message, const std::string& where) {
    answered_.clear();
    auto* calls = member(message, "tool_calls");
    auto* content = member(message, "content");
    bool empty = !content || content->is_null();
    if (!calls || calls->is_null()) {
      if (empty && !member(message, "refusal"))
        refuse("Invalid value for 'content': expected a string, got null.", where + ".content");
    } else {
      if (!calls->is_array() || calls->empty())
        refuse("Invalid '" + where
                 + ".tool_calls': empty array. Expected an array with minimum length 1, but got an empty "
                   "array instead.",
               where + ".tool_calls");
      for (size_t i = 0; i < calls->size(); ++i)
        check_call((*calls)[i], where + ".tool_calls[" + std::to_string(i) + "]");
    }
    if (!empty)
      check_content(message, where, false);
  }

  void check_call(const json& call, const std::string& where) {
    auto id = member_text(call, "id");
    if (id.empty())
      refuse("Missing required parameter: '" + where + ".id'.", where + ".id");
    if (id.size() > call_id_bytes_max)
      refuse("Invalid '" + where
               + ".id': string too long. Expected a string with maximum length 40, but got a string with "
                 "length "
               + std::to_string(id.size()) + " instead.",
             where + ".id");
    if (member_text(call, "type") != "function")
      refuse("Missing required parameter: '" + where + ".type'.", where + ".type");
    auto* function = member(call, "function");
    if (!function || !is_tool_name(member_text(*function, "name"), 64))
      refuse("Invalid '" + where
               + ".function.name': string does not match pattern. Expected a string that matches the "
                 "pattern '^[a-zA-Z0-9_-]+$'.",
             where + ".function.name");
    if (!member(*function, "arguments") || !member(*function, "arguments")->is_string())
      refuse("Invalid type for '" + where + ".function.arguments': expected a string.", where + ".function.arguments");
    if (std::find(asked_.begin(), asked_.end(), id) != asked_.end())
      refuse("Duplicate value for 'tool_call_id' of '" + id + "'", where + ".id");
    asked_.push_back(id);
    open_.push_back(id);
  }

  void check_content(const json& message, const std::string& where, bool files_allowed) {
    auto* content = member(message, "content");
    if (content && content->is_string())
      return;
    if (!content || !content->is_array())
      refuse("Invalid type for '" + where + ".content': expected one of a string or array of objects.",
             where + ".content");
    if (content->empty())
      refuse("Invalid '" + where
               + ".content': empty array. Expected an array with minimum length 1, but got an empty array "
                 "instead.",
             where + ".content");
    static const std::set<std::string> files{"image_url", "input_audio", "file"};
    for (size_t i = 0; i < content->size(); ++i) {
      auto& part = (*content)[i];
      auto part_where = where + ".content[" + std::to_string(i) + "]";
      auto type = member_text(part, "type");
      if (type == "text" ? !member(part, "text") || !member(part, "text")->is_string()
                         : type != "refusal" && !(files_allowed && files.contains(type)))
        refuse("Invalid value: '" + type + "'. Supported values are: 'text'"
                 + (files_allowed ? ", 'image_url', 'input_audio' and 'file'." : "."),
               part_where + ".type");
      if (type == "image_url" && (!member(part, "image_url") || member_text(part["image_url"], "url").empty()))
        refuse("Missing required parameter: '" + part_where + ".image_url.url'.", part_where + ".image_url.url");
      if (type == "image_url")
        check_image_url(member_text(part["image_url"], "url"), part_where + ".image_url.url");
    }
  }

  void refuse_unanswered() {
    if (open_.empty())
      return;
    std::string ids;
    for (auto& id : open_)
      ids += (ids.empty() ? "" : ", ") + id;
    refuse(
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The "
      "following tool_call_ids did not have response messages: "
        + ids,
      "messages");
  }

  const json& body_;
  const validation& how_;
  std::vector<std::string> asked_; // ids of the newest assistant message
  std::vector<std::string> open_;  // those without an answer yet
  std::set<std::string> answered_;
  std::string last_role_;
};

} // namespace

std::optional<request_problem> check_openai(const json& body, const validation& how) {
  try {
    checker{body, how}.check();
    return std::nullopt;
  } catch (request_problem& problem) {
    return std::move(problem);
  }
}

} // namespace varro::bench
