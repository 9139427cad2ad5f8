// Finds language models that run on this machine: asks Ollama and llama.cpp's server on loopback.
//
// Blocks for at most about `answer_max`, so it is for the start and for reloads, not for an actor. What the servers
// answer is untrusted: sizes, counts and characters are bounded. Never fails: no server, no models.
#pragma once

#include "config/config.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

struct local_servers {
  std::string ollama = "http://127.0.0.1:11434"; // without a trailing slash
  std::string llamacpp = "http://127.0.0.1:8080";
  std::chrono::milliseconds connect_max{300};
  std::chrono::milliseconds answer_max{1'000};
};

inline constexpr size_t local_answer_bytes_max = 1u << 20;
inline constexpr size_t local_models_max = 50; // of one server

// Ollama's models first. Providers "ollama" and "llamacpp", kind openai, base_url SERVER/v1, no key.
std::vector<model_config> discover_local_models(const local_servers& servers);

// The names in an answer of /v1/models ({"data":[{"id":…}]}) or /api/tags ({"models":[{"name":…}]}); embedding models,
// which cannot chat, are left out. Anything else gives none.
std::vector<std::string> names_of_models(std::string_view answer);

} // namespace varro
