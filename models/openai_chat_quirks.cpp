#include "models/openai_chat_quirks.hpp"

#include "models/openai_models.hpp"

#include <array>
#include <initializer_list>

namespace varro::openai_chat {

namespace {

constexpr std::string_view completion_tokens = "max_completion_tokens";

constexpr quirks plain{.provider = "", .host = ""};

constexpr std::array<quirks, 18> table = {{
  // 40 characters is OpenAI's own limit for a tool call's id.
  {.provider = "openai",
   .host = "api.openai.com",
   .max_tokens_field = completion_tokens,
   .request = thinking_request::reasoning_effort,
   .documents = true,
   .call_ids = {.length_max = 40}},
  {.provider = "azure",
   .host = ".azure.com",
   .max_tokens_field = completion_tokens,
   .request = thinking_request::reasoning_effort,
   .call_ids = {.length_max = 40}},
  {.provider = "anthropic", .host = "api.anthropic.com"},
  {.provider = "cerebras",
   .host = "api.cerebras.ai",
   .max_tokens_field = completion_tokens,
   .request = thinking_request::reasoning_effort,
   .parallel_setting = false},
  {.provider = "crusoe", .host = "crusoe"},
  {.provider = "deepseek",
   .host = "api.deepseek.com",
   .thinking_field = "reasoning_content",
   .replay = thinking_replay::one_field},
  // Gemini by way of ai.google.dev/gemini-api/docs/openai; fields that it does not know are a 400.
  {.provider = "google",
   .host = "generativelanguage.googleapis.com",
   .request = thinking_request::gemini,
   .no_text = empty_content::absent,
   .parallel_setting = false,
   .thought_signatures = true},
  {.provider = "groq",
   .host = "api.groq.com",
   .max_tokens_field = completion_tokens,
   .replay = thinking_replay::tags,
   .request = thinking_request::groq,
   .unnamed_thinking = true,
   .no_text = empty_content::absent},
  {.provider = "huggingface",
   .host = "huggingface.co",
   .replay = thinking_replay::tags,
   .unnamed_thinking = true,
   .no_text = empty_content::absent},
  {.provider = "llamacpp", .host = "", .call_ids = {.length_max = 256}},
  // 422 on stream_options; ids are nine letters and digits; a user message must not follow a tool message.
  {.provider = "mistral",
   .host = "api.mistral.ai",
   .stream_options = false,
   .replay = thinking_replay::chunks,
   .request = thinking_request::reasoning_effort,
   .unnamed_thinking = true,
   .no_text = empty_content::empty_text,
   .required_choice = "any",
   .choice_none = false,
   .seed_field = "random_seed",
   .reply_between_tool_and_user = true,
   .call_ids = {.length_exact = 9, .alphanumeric = true}},
  {.provider = "moonshotai",
   .host = "api.moonshot",
   .thinking_field = "reasoning_content",
   .replay = thinking_replay::one_field},
  {.provider = "ollama", .host = "ollama.com", .thinking_field = "reasoning"},
  {.provider = "openrouter",
   .host = "openrouter.ai",
   .max_tokens_field = completion_tokens,
   .thinking_field = "reasoning",
   .replay = thinking_replay::one_field,
   .request = thinking_request::reasoning_object,
   .documents = true,
   .downstream_details = true},
  {.provider = "snowflake",
   .host = "snowflakecomputing",
   .max_tokens_field = completion_tokens,
   .request = thinking_request::reasoning_object},
  {.provider = "together", .host = "api.together"},
  {.provider = "vllm", .host = ""},
  {.provider = "zai",
   .host = "api.z.ai",
   .thinking_field = "reasoning_content",
   .replay = thinking_replay::one_field,
   .request = thinking_request::thinking_object},
}};

bool starts_with_any(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  for (const auto prefix : prefixes)
    if (name.substr(0, prefix.size()) == prefix)
      return true;
  return false;
}

} // namespace

std::string_view host_of(std::string_view url) {
  if (const auto at = url.find("://"); at != std::string_view::npos)
    url.remove_prefix(at + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto at = url.rfind('@'); at != std::string_view::npos)
    url.remove_prefix(at + 1);
  return url;
}

const quirks& quirks_of(const model_config& model) {
  for (const auto& row : table)
    if (row.provider == model.provider)
      return row;
  const auto host = host_of(model.base_url);
  for (const auto& row : table)
    if (!row.host.empty() && host.find(row.host) != std::string_view::npos)
      return row;
  static constexpr quirks fallback = plain;
  return fallback;
}

bool can_ask_for_no_thinking(const model_config& model) {
  const auto& row = quirks_of(model);
  switch (row.request) {
  case thinking_request::none:
    return false;
  case thinking_request::reasoning_effort:
    return is_openai(model);
  case thinking_request::groq:
    return false;
  case thinking_request::reasoning_object:
    return row.downstream_details;
  case thinking_request::thinking_object:
  case thinking_request::gemini:
    return true;
  }
  return false;
}

std::string_view system_role(const model_config& model) {
  return is_openai(model) && starts_with_any(model.name, {"o1-mini", "o1-preview"}) ? "user" : "system";
}

bool can_force_tools(std::string_view provider, std::string_view name) {
  if (provider == "deepseek")
    return !starts_with_any(name, {"deepseek-reasoner", "deepseek-v4-"});
  return provider != "moonshotai";
}

} // namespace varro::openai_chat
