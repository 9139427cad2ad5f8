// What the fuzzers share: bytes taken from the front of an input, and laws that end the process where they are broken.
//
// Each *_fuzzer.cpp is one program for libFuzzer (https://llvm.org/docs/LibFuzzer.html); bin/fuzz builds and runs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace varro::fuzz {

// The rest of an input, from which choices are taken.
class fuzzed_bytes {
public:
  fuzzed_bytes(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  // 0 where nothing is left; REQUIRES: below > 0.
  size_t choice(size_t below) {
    if (rest_.empty())
      return 0;
    auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first % below;
  }

  // A place in what is left, for cutting it in two.
  size_t cut() {
    auto high = choice(256);
    return rest_.empty() ? 0 : (high * 256 + choice(256)) % (rest_.size() + 1);
  }

  std::string_view rest() const {
    return rest_;
  }

private:
  std::string_view rest_;
};

inline void law(bool holds, const char* text) {
  if (holds)
    return;
  std::fprintf(stderr, "broken: %s\n", text);
  std::abort();
}

} // namespace varro::fuzz
