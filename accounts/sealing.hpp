// Texts that only this server can read and make: XChaCha20-Poly1305 by libsodium, each with a nonce of its own.
//
// A key is a value that does not change; any thread may use one.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

class sealing_key {
public:
  // Nobody else's, and gone with the process.
  static sealing_key random();
  // The same for the same secret and purpose, and of no use to find the secret. REQUIRES: the secret is not empty.
  static sealing_key derived(std::string_view secret, std::string_view purpose);

  // Printable. It opens only with the same `bound_to`.
  std::string seal(std::string_view text, std::string_view bound_to) const;
  // Nothing: it was not made by seal() with this key and bound to this.
  std::optional<std::string> open(std::string_view sealed, std::string_view bound_to) const;

private:
  std::array<unsigned char, 32> bytes_{};
};

} // namespace varro
