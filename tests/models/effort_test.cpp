#include "models/effort.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

model_config claude(const char* name) {
  model_config model;
  model.kind = provider_kind::anthropic;
  model.id = std::string("anthropic:") + name;
  model.name = name;
  return model;
}

} // namespace

TEST_CASE("a chat's choice of effort goes over the model's own, and an empty one leaves it") {
  auto model = claude("claude-opus-5-5");
  model.thinking = "off";
  model.effort = "low";
  CHECK(with_effort(model, "").thinking == "off");
  CHECK(with_effort(model, "").effort == "low");
  CHECK(with_effort(model, "max").thinking == "auto");
  CHECK(with_effort(model, "max").effort == "max");
  model.thinking = "budget";
  CHECK(with_effort(model, "high").thinking == "budget");
  CHECK(with_effort(model, "off").thinking == "off");
  CHECK(with_effort(model, "everything").effort == "low");
}

TEST_CASE("only what is among the choices is an effort") {
  for (const auto choice : effort_choices)
    CHECK(is_effort(choice));
  CHECK_FALSE(is_effort(""));
  CHECK_FALSE(is_effort("default"));
  CHECK_FALSE(is_effort("Off"));
}

TEST_CASE("who cannot be kept from thinking is named, and who can is not") {
  CHECK(effort_notice(with_effort(claude("claude-opus-5-5"), "off")).find("cannot be kept from thinking")
        != std::string::npos);
  CHECK(effort_notice(with_effort(claude("claude-sonnet-5-5"), "off")).find("notes between tool calls")
        != std::string::npos);
  CHECK(effort_notice(with_effort(claude("claude-haiku-5-5"), "off")).empty());
  auto gemini = claude("gemini-3-pro-preview");
  gemini.kind = provider_kind::google;
  CHECK_FALSE(effort_notice(with_effort(gemini, "off")).empty());
  gemini.name = "gemini-2.5-flash";
  CHECK(effort_notice(with_effort(gemini, "off")).empty());
  CHECK(effort_notice(with_effort(claude("claude-opus-5-5"), "max")).empty());
  auto local = claude("qwen3");
  local.kind = provider_kind::openai;
  for (const auto* provider : {"gateway", "ollama", "vllm", "groq"}) {
    local.provider = provider;
    CHECK(effort_notice(with_effort(local, "off")).find("extra_body") != std::string::npos);
    CHECK(effort_notice(with_effort(local, "low")).empty());
  }
  local.provider = "openrouter";
  CHECK(effort_notice(with_effort(local, "off")).empty());
}
