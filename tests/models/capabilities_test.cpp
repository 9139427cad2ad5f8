#include "models/capabilities.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

std::string family_and_version(std::string_view name) {
  auto [family, version] = family_of(name);
  return family + " " + std::to_string(version);
}

} // namespace

TEST_CASE("a name tells family and version, however the vendor writes them") {
  CHECK(family_and_version("claude-sonnet-4-5-20250929") == "claude-sonnet 405");
  CHECK(family_and_version("claude-sonnet-5") == "claude-sonnet 500");
  CHECK(family_and_version("claude-3-5-sonnet-20241022") == "claude-sonnet 305");
  CHECK(family_and_version("claude-3-7-sonnet-latest") == "claude-sonnet 307");
  CHECK(family_and_version("anthropic/claude-opus-4.8") == "claude-opus 408");
  CHECK(family_and_version("gpt-6.2-sol") == "gpt-sol 602");
  CHECK(family_and_version("gpt-6-luna") == "gpt-luna 600");
  CHECK(family_and_version("gpt-5-2025-08-07") == "gpt 500");
  CHECK(family_and_version("gpt-5.4-mini-2026-03-17") == "gpt-mini 504");
  CHECK(family_and_version("gpt-4o-mini") == "gpt-o-mini 400");
  CHECK(family_and_version("gpt-4-0613") == "gpt 400");
  CHECK(family_and_version("gpt-4-turbo-2024-04-09") == "gpt-turbo 400");
  CHECK(family_and_version("o4-mini") == "o-mini 400");
  CHECK(family_and_version("o3") == "o 300");
  CHECK(family_and_version("gemini-3.5-flash-lite") == "gemini-flash-lite 305");
  CHECK(family_and_version("gemini-2.5-flash-preview-09-2025") == "gemini-flash 205");
  CHECK(family_and_version("gemini-flash-latest") == "gemini-flash 0");
  CHECK(family_and_version("llama-3.3-70b-versatile") == "llama-70b-versatile 303");
}

TEST_CASE("names without sense have a family too") {
  for (auto name : {"", "-", "---", "99999999999999999999", "é", "o", "latest", "a//b"}) {
    CAPTURE(name);
    CHECK(family_of(name).version >= 0);
    CHECK(can_chat(name));
  }
  std::string dashes(100'000, '-'), letters(100'000, 'a');
  dashes.back() = 'x';
  letters.append("-1");
  CHECK(family_of(dashes).family == "x");
  CHECK(family_of(letters).version == 100);
}

TEST_CASE("an alias and its snapshot are the same model, two snapshots are not") {
  CHECK(same_model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"));
  CHECK(same_model("claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219"));
  CHECK(same_model("gpt-5.5-2026-04-23", "gpt-5.5"));
  CHECK_FALSE(same_model("gpt-5", "gpt-5.5"));
  CHECK_FALSE(same_model("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"));
  CHECK_FALSE(same_model("claude-sonnet-4-5", "claude-sonnet-4"));
  CHECK(without_date("-20250929") == "-20250929");
}

TEST_CASE("what cannot chat with tools is left out, and unknown new names are kept") {
  for (auto name : {"text-embedding-3-large",
                    "tts-1-hd",
                    "whisper-1",
                    "gpt-4o-mini-transcribe",
                    "gpt-realtime-2.1",
                    "gpt-audio-mini",
                    "gpt-image-2.5-sunburst",
                    "chatgpt-image-latest",
                    "dall-e-3",
                    "sora-2",
                    "omni-moderation-latest",
                    "davinci-002",
                    "babbage-002",
                    "gpt-3.5-turbo-instruct",
                    "gpt-4o-search-preview",
                    "o3-deep-research",
                    "computer-use-preview",
                    "gemini-3.8-live",
                    "gemini-3.1-flash-tts-preview",
                    "imagen-4.0-generate-001",
                    "veo-3.1-generate-preview",
                    "gemini-robotics-er-1.6-preview",
                    "gemini-3.1-flash-image",
                    "gemma-3-27b-it",
                    "gemini-omni-flash",
                    "llama-guard-4-12b",
                    "whisper-large-v3"}) {
    CAPTURE(name);
    CHECK_FALSE(can_chat(name));
  }
  for (auto name : {"gpt-6.2-sol", "gpt-6.2-astra-law", "gpt-7-imagine", "o3", "chat-latest", "gpt-5.1-codex",
                    "claude-fable-5-2", "gemini-3.8-flash", "gemini-3.1-pro-preview", "gemma-4-31b-it",
                    "llama-3.3-70b-instruct", "mistral-large-latest", "something-new"}) {
    CAPTURE(name);
    CHECK(can_chat(name));
  }
}

TEST_CASE("limits of known families hold for their later versions, and of unknown names nothing is known") {
  CHECK(limits_of("gpt-6.2-sol").context_tokens_max == 1'050'000);
  CHECK(limits_of("gpt-7-sol").output_tokens_max == 128'000);
  CHECK(limits_of("gpt-5").context_tokens_max == 400'000);
  CHECK(limits_of("gpt-5.5").context_tokens_max == 1'050'000);
  CHECK(limits_of("gpt-4o").output_tokens_max == 16'384);
  CHECK(limits_of("gpt-4.1-mini").output_tokens_max == 32'768);
  CHECK(limits_of("gpt-4").vision == false);
  CHECK(limits_of("o3").output_tokens_max == 100'000);
  CHECK(limits_of("o3-mini").vision == false);
  CHECK(limits_of("claude-haiku-4-5").context_tokens_max == 200'000);
  CHECK(limits_of("claude-haiku-5-5").context_tokens_max == 1'000'000);
  CHECK(limits_of("claude-opus-4-1").output_tokens_max == 32'000);
  CHECK(limits_of("gemini-flash-latest").output_tokens_max == 65'536);
  CHECK(limits_of("chat-latest").context_tokens_max == 0);
  CHECK_FALSE(limits_of("something-new").vision.has_value());
}

TEST_CASE("families are continued as the vendor recommends") {
  auto next = [](std::string_view name) { return continued_by(family_of(name)); };
  CHECK(next("gpt-5") == "gpt-sol");
  CHECK(next("gpt-4.1") == "gpt-luna");
  CHECK(next("gpt-4o") == "gpt-luna");
  CHECK(next("gpt-5-mini") == "gpt-terra");
  CHECK(next("o4-mini") == "gpt-terra");
  CHECK(next("claude-opus-4-6") == "claude-opus");
  CHECK(next("something-new") == "something-new");
}

TEST_CASE("labels are written as the vendor writes them") {
  CHECK(label_of_name("gpt-6.2-sol") == "GPT-6.2 Sol");
  CHECK(label_of_name("gpt-5.4-mini") == "GPT-5.4 mini");
  CHECK(label_of_name("gpt-5-2025-08-07") == "GPT-5-2025-08-07");
  CHECK(label_of_name("gpt-") == "gpt-");
  CHECK(label_of_name("gpt-oss-120b") == "gpt-oss-120b");
  CHECK(label_of_name("o3") == "o3");
}
