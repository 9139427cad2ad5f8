// What the Responses API refuses. The words are those that its servers are reported to say; the shapes are those of
// https://developers.openai.com/api/reference/resources/responses/methods/create
#include "bench/model_names.hpp"
#include "bench/openai_rules.hpp"

namespace varro::bench {

namespace {

using names = std::set<std::string>;

const names top_level{"background",
                      "context_management",
                      "conversation",
                      "include",
                      "input",
                      "instructions",
                      "max_output_tokens",
                      "max_tool_calls",
                      "metadata",
                      "model",
                      "moderation",
                      "parallel_tool_calls",
                      "previous_response_id",
                      "prompt",
                      "prompt_cache_key",
                      "prompt_cache_retention",
                      "reasoning",
                      "safety_identifier",
                      "service_tier",
                      "store",
                      "stream",
                      "stream_options",
                      "temperature",
                      "text",
                      "tool_choice",
                      "tools",
                      "top_logprobs",
                      "top_p",
                      "truncation",
                      "user",
                      "prompt_cache_options"};

const names includable{"file_search_call.results",
                       "web_search_call.results",
                       "web_search_call.action.sources",
                       "message.input_image.image_url",
                       "computer_call_output.output.image_url",
                       "code_interpreter_call.outputs",
                       "reasoning.encrypted_content",
                       "message.output_text.logprobs"};

constexpr int64_t output_tokens_min = 16;

void check_tools(const json& body) {
  auto* tools = member(body, "tools");
  if (!tools || tools->is_null())
    return;
  if (!tools->is_array())
    refuse_type("tools", "an array of objects");
  for (size_t i = 0; i < tools->size(); ++i) {
    auto& tool = (*tools)[i];
    auto where = "tools[" + std::to_string(i) + "]";
    auto type = needed_text(tool, "type", where);
    if (type != "function")
      continue;
    static const names keys{"type", "name", "description", "parameters", "strict", "defer_loading"};
    if (!member(tool, "name"))
      refuse_missing(where + ".name"); // also for the nested form of chat completions
    refuse_unknown(tool, keys, where + ".");
    auto name = needed_text(tool, "name", where);
    if (!is_tool_name(name, 128))
      refuse("Invalid '" + where
               + ".name': string does not match pattern. Expected a string that matches the pattern "
                 "'^[a-zA-Z0-9_-]+$'.",
             where + ".name", "invalid_value");
    auto* parameters = member(tool, "parameters");
    if (parameters && !parameters->is_null() && member_text(*parameters, "type") != "object")
      refuse("Invalid schema for function '" + name + "': schema must be a JSON Schema of 'type: \"object\"'.",
             where + ".parameters", "invalid_function_parameters");
    auto* extra = parameters ? member(*parameters, "additionalProperties") : nullptr;
    if (is_true(tool, "strict") && (!extra || *extra != false))
      refuse("Invalid schema for function '" + name
               + "': In context=(), 'additionalProperties' is required to be supplied and to be false.",
             where + ".parameters", "invalid_function_parameters");
  }
}

void check_settings(const json& body, const std::string& model) {
  auto* reasoning = member(body, "reasoning");
  std::string effort;
  if (reasoning && !reasoning->is_null()) {
    refuse_unknown(*reasoning, {"effort", "summary", "generate_summary", "context", "mode"}, "reasoning.");
    effort = member_text(*reasoning, "effort");
    check_effort(model, effort, "reasoning.effort", true);
    static const names summaries{"auto", "concise", "detailed"};
    if (auto summary = member_text(*reasoning, "summary"); !summary.empty() && !summaries.contains(summary))
      refuse("Invalid value: '" + summary + "'. Supported values are: 'concise', 'detailed', and 'auto'.",
             "reasoning.summary", "invalid_value");
  }
  check_sampling(body, model, effort.empty() ? openai_default_effort(model) : effort);
  if (auto* include = member(body, "include"); include && include->is_array()) {
    for (size_t i = 0; i < include->size(); ++i) {
      auto value = (*include)[i].is_string() ? (*include)[i].get<std::string>() : "";
      auto where = "include[" + std::to_string(i) + "]";
      if (!includable.contains(value))
        refuse("Invalid value: '" + value
                 + "'. Supported values are: " + quoted_words({includable.begin(), includable.end()}) + ".",
               where, "invalid_value");
      if (value == "reasoning.encrypted_content" && openai_never_reasons(model))
        refuse("Encrypted content is not supported with this model.", "include");
    }
  }
  if (auto* most = member(body, "max_output_tokens"); most && !most->is_null()) {
    if (!most->is_number_integer())
      refuse_type("max_output_tokens", "an integer");
    if (most->get<int64_t>() < output_tokens_min)
      refuse("Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got "
               + dump_json(*most) + " instead.",
             "max_output_tokens", "integer_below_min_value");
  }
  if (auto* options = member(body, "stream_options"); options && !options->is_null() && !is_true(body, "stream"))
    refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
}

void check_body(const json& body) {
  if (!body.is_object())
    refuse("We could not parse the JSON body of your request.");
  refuse_unknown(body, top_level, "");
  auto model = member_text(body, "model");
  if (model.empty())
    refuse_missing("model");
  check_settings(body, model);
  check_tools(body);
  if (auto previous = member_text(body, "previous_response_id"); !previous.empty())
    refuse("Previous response with id '" + previous + "' not found.", "previous_response_id",
           "previous_response_not_found");
  auto* input = member(body, "input");
  if (!input || input->is_null() || (input->is_array() && input->empty()))
    refuse("One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.", "input",
           "missing_required_parameter");
  if (input->is_string())
    return;
  if (!input->is_array())
    refuse_type("input", "one of a string or array of objects");
  auto* store = member(body, "store");
  check_input_items(*input, !store || *store != false);
}

} // namespace

std::optional<request_problem> check_responses(const json& body, const validation&) {
  try {
    check_body(body);
    return std::nullopt;
  } catch (request_problem& problem) {
    return std::move(problem);
  }
}

} // namespace varro::bench
