#include "accounts/sealing.hpp"

#include "base/base64.hpp"

#include <caf/logger.hpp>
#include <sodium.h>

namespace varro {

namespace {

constexpr size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32);

void require_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready)
    CAF_CRITICAL("libsodium found no source of randomness");
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

} // namespace

sealing_key sealing_key::random() {
  require_sodium();
  sealing_key key;
  randombytes_buf(key.bytes_.data(), key.bytes_.size());
  return key;
}

sealing_key sealing_key::derived(std::string_view secret, std::string_view purpose) {
  require_sodium();
  // A secret may be longer than a key of the hash can be: its own hash is the key.
  std::array<unsigned char, 32> digest{};
  crypto_generichash(digest.data(), digest.size(), bytes_of(secret), secret.size(), nullptr, 0);
  sealing_key key;
  crypto_generichash(key.bytes_.data(), key.bytes_.size(), bytes_of(purpose), purpose.size(), digest.data(),
                     digest.size());
  return key;
}

std::string sealing_key::seal(std::string_view text, std::string_view bound_to) const {
  std::string sealed(nonce_bytes + text.size() + tag_bytes, '\0');
  auto* nonce = bytes_of(sealed);
  randombytes_buf(nonce, nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + nonce_bytes, nullptr, bytes_of(text), text.size(),
                                             bytes_of(bound_to), bound_to.size(), nullptr, nonce, bytes_.data());
  auto printable = base64url_encode(sealed);
  while (printable.ends_with('='))
    printable.pop_back();
  return printable;
}

std::optional<std::string> sealing_key::open(std::string_view sealed, std::string_view bound_to) const {
  const auto bytes = base64_decode(sealed);
  if (!bytes || bytes->size() < nonce_bytes + tag_bytes)
    return std::nullopt;
  std::string text(bytes->size() - nonce_bytes - tag_bytes, '\0');
  const auto* nonce = bytes_of(std::string_view{*bytes});
  const auto failed = crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(text), nullptr, nullptr, nonce + nonce_bytes,
                                                                 bytes->size() - nonce_bytes, bytes_of(bound_to),
                                                                 bound_to.size(), nonce, bytes_.data());
  if (failed != 0)
    return std::nullopt;
  return text;
}

} // namespace varro
