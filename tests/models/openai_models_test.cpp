#include "models/openai_models.hpp"

#include <utility>

#include <doctest/doctest.h>

using namespace varro;

namespace {

model_config openai_model(std::string name) {
  model_config model;
  model.kind = provider_kind::openai;
  model.either_openai_api = true;
  model.provider = "openai";
  model.base_url = "https://api.openai.com/v1";
  model.name = std::move(name);
  return model;
}

} // namespace

TEST_CASE("a model's family is found at the end of a word, the longer name first") {
  const auto family = [](const char* name) { return traits_of_openai_model(std::string_view(name)).family; };
  CHECK(family("gpt-6.1-sol") == "gpt-6.1");
  CHECK(family("gpt-6.1-terra") == "gpt-6.1-terra");
  CHECK(family("gpt-6-astra") == "gpt-6");
  CHECK(family("gpt-5.4-mini-2026-03-17") == "gpt-5.4-mini");
  CHECK(family("gpt-5-2025-08-07") == "gpt-5");
  CHECK(family("gpt-4o-mini") == "gpt-4o");
  CHECK(family("gpt-4.1") == "gpt-4.1");
  CHECK(family("o3-mini") == "o3");
  CHECK(family("openai/gpt-5.6-luna") == "gpt-5.6");
  CHECK(family("ft:gpt-4o-2024-08-06:team::id") == "gpt-4o");
}

TEST_CASE("what is newer than the table is taken for the newest, and what is not OpenAI's for nothing") {
  for (const auto* name : {"gpt-7", "gpt-6.3-astra", "gpt-5.9", "gpt-60", "o5-mini"}) {
    CAPTURE(name);
    const auto& traits = traits_of_openai_model(std::string_view(name));
    CHECK(traits.family == "gpt-6.2");
    CHECK_FALSE(traits.can_stop_reasoning());
  }
  for (const auto* name : {"gpt-oss-20b", "openai/gpt-oss-120b", "deepseek-v4-flash", "ollama", "glm-5", "", "omni"})
    CHECK(traits_of_openai_model(std::string_view(name)).family == "");
  auto unknown = openai_model("chat-latest");
  CHECK(traits_of_openai_model(unknown).family == "gpt-6.2");
  unknown.base_url = "http://127.0.0.1:8000/v1";
  CHECK(traits_of_openai_model(unknown).family == "");
}

TEST_CASE("OpenAI is known by the section's name or by the address") {
  model_config model;
  model.provider = "work";
  model.base_url = "https://api.openai.com/v1";
  CHECK(is_openai(model));
  model.base_url = "https://x.openai.azure.com/openai/v1";
  CHECK(is_openai(model));
  model.base_url = "https://api.mistral.ai/v1";
  CHECK_FALSE(is_openai(model));
  model.base_url = "http://localhost:1234/v1?x=api.openai.com";
  CHECK_FALSE(is_openai(model));
  model.provider = "openai";
  CHECK(is_openai(model));
}

TEST_CASE("no effort is asked for that a model does not know") {
  const auto nearest = [](const char* name, const char* wanted) {
    return nearest_effort(traits_of_openai_model(std::string_view(name)), wanted);
  };
  CHECK(nearest("gpt-6.1-sol", "none") == "low");
  CHECK(nearest("gpt-6.2-astra", "minimal") == "low");
  CHECK(nearest("gpt-6-luna", "none") == "none");
  CHECK(nearest("gpt-6-luna", "minimal") == "low"); // not none: some reasoning was asked for
  CHECK(nearest("gpt-5", "none") == "minimal");
  CHECK(nearest("gpt-5", "max") == "high");
  CHECK(nearest("gpt-5.5", "max") == "xhigh");
  CHECK(nearest("gpt-5.5-pro", "low") == "medium");
  CHECK(nearest("gpt-5-pro", "low") == "high");
  CHECK(nearest("o3", "xhigh") == "high");
  CHECK(nearest("gpt-4o", "high") == "");
  CHECK(nearest("deepseek-v4", "high") == "high");
}

TEST_CASE("thinking that is off is off where the model can, else as little as it can") {
  auto model = openai_model("gpt-6-sol");
  model.thinking = "off";
  model.effort = "high";
  const auto effort = [&] { return configured_effort(traits_of_openai_model(model), model); };
  CHECK(effort() == "none");
  model.name = "gpt-6-astra";
  CHECK(effort() == "low");
  model.name = "gpt-4o";
  CHECK(effort() == "");
  model.name = "gpt-6-astra";
  model.thinking = "auto";
  CHECK(effort() == "high");
  model.effort = "";
  CHECK(effort() == "");
}

TEST_CASE("a temperature goes to models that do not reason, or not now") {
  const auto takes = [](const char* name, const char* effort) {
    return takes_sampling(traits_of_openai_model(std::string_view(name)), effort);
  };
  CHECK(takes("gpt-4o", ""));
  CHECK(takes("gpt-5.4", ""));
  CHECK_FALSE(takes("gpt-5.4", "low"));
  CHECK_FALSE(takes("gpt-5.6", ""));
  CHECK(takes("gpt-5.6", "none"));
  CHECK_FALSE(takes("gpt-5", ""));
  CHECK_FALSE(takes("gpt-6", ""));
  CHECK_FALSE(takes("gpt-6.2-astra", "low"));
  CHECK(takes("llama", ""));
}

TEST_CASE("the wire is the configured one, but where the model needs the other") {
  const auto responses = provider_kind::openai_responses;
  const auto chat = provider_kind::openai;
  const auto wire = [](const char* name) { return wire_of(openai_model(name)); };
  CHECK(wire("gpt-4o") == chat);
  CHECK(wire("gpt-5") == chat);
  CHECK(wire("gpt-5.1") == chat);
  CHECK(wire("gpt-5.4") == chat); // does not reason unless it is told to
  for (const auto* name : {"gpt-5.5", "gpt-5.6-sol", "gpt-6", "gpt-6.1-sol", "gpt-6.2-astra", "gpt-7", "o3-pro",
                           "gpt-5-codex", "gpt-5.3-codex", "o4-mini-deep-research", "gpt-5.2-pro"}) {
    CAPTURE(name);
    CHECK(wire(name) == responses);
  }
  auto model = openai_model("gpt-5.4");
  model.effort = "high";
  CHECK(wire_of(model) == responses);
  model = openai_model("gpt-6-astra");
  model.tools = false;
  CHECK(wire_of(model) == chat);
  model = openai_model("gpt-6-astra");
  model.either_openai_api = false;
  CHECK(wire_of(model) == chat);
  model = openai_model("gpt-4o");
  model.kind = responses;
  CHECK(wire_of(model) == responses);
  model = openai_model("llama-4");
  model.provider = "vllm";
  model.base_url = "http://localhost:8000/v1";
  CHECK(wire_of(model) == chat);
}

TEST_CASE("the table tells what a model holds") {
  CHECK(traits_of_openai_model(std::string_view("gpt-6.2-sol")).context_tokens_max == 1'050'000);
  CHECK(traits_of_openai_model(std::string_view("gpt-5-mini")).context_tokens_max == 400'000);
  CHECK(traits_of_openai_model(std::string_view("gpt-4o")).output_tokens_max == 16'384);
  CHECK(traits_of_openai_model(std::string_view("x")).context_tokens_max == 0);
}
