// SHA-256 (FIPS 180-4) of bytes that come piece by piece. One thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace varro {

class sha256 {
public:
  sha256();
  ~sha256();
  sha256(sha256&&) noexcept;
  sha256& operator=(sha256&&) noexcept;

  void add(std::string_view bytes);
  void add(const void* bytes, size_t count);
  // 64 small hexadecimal digits. Ends it: REQUIRES that nothing is added afterwards.
  std::string digits();

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace varro
