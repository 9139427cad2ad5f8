#include "backup/sha256.hpp"

#include "base/text.hpp"

#include <array>
#include <new>

#include <openssl/evp.h>

namespace varro {

// OpenSSL's, because it uses the processor's instructions for this: backups are as large as disks.
struct sha256::state {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  state() {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1)
      throw std::bad_alloc{};
  }
  ~state() {
    EVP_MD_CTX_free(context);
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
};

sha256::sha256() : state_(std::make_unique<state>()) {}
sha256::~sha256() = default;
sha256::sha256(sha256&&) noexcept = default;
sha256& sha256::operator=(sha256&&) noexcept = default;

void sha256::add(std::string_view bytes) {
  add(bytes.data(), bytes.size());
}

void sha256::add(const void* bytes, size_t count) {
  EVP_DigestUpdate(state_->context, bytes, count);
}

std::string sha256::digits() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, digest.data(), &size);
  return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

} // namespace varro
