#include "models/identifiers.hpp"

#include "base/text.hpp"

#include <array>
#include <random>

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace varro {

std::string content_identifier(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return to_hex({reinterpret_cast<const char*>(digest.data()), 3});
}

std::string make_tool_call_id() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    // Unique is enough here, secret is not needed.
    std::random_device device;
    for (auto& byte : bytes)
      byte = static_cast<unsigned char>(device());
  }
  return "pyd_ai_" + to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

} // namespace varro
