// Requests that are carried out once, however often a client sends them: what the field Idempotency-Key names.
//
// The key is committed with the turn that it starts, so that after a crash there are either both or none of them.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace varro {

// How long a key is remembered.
inline constexpr std::chrono::hours idempotency_kept{24};
// Keys of one user that are remembered at a time.
inline constexpr int64_t idempotency_keys_max = 10'000;
// Bytes of one.
inline constexpr size_t idempotency_key_bytes_max = 255;

// A request with a key, which is the user's own; with a write_batch it is all or nothing.
struct idempotency_note {
  std::string key;
  std::string fingerprint; // of what is asked for, SHA-256 in hex: the same key with another one is a mistake
  unix_us at = 0;
};

// What such a request came to.
struct idempotent_outcome {
  std::string fingerprint;
  unix_us at = 0;
  int64_t chat_id = 0;
  int64_t run_id = 0; // 0 and so on of a fork
  int64_t turn = 0;
  int64_t seq = 0; // of the message
};

// What is known of a key of this user.
struct idempotency_found {
  std::optional<idempotent_outcome> outcome; // nothing: it was not used, or long ago
  int64_t keys = 0;                          // of this user, that are remembered
};

} // namespace varro
