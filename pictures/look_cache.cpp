#include "pictures/look_cache.hpp"

#include <array>
#include <memory>

#include <openssl/evp.h>

namespace varro {

namespace {

struct digest_deleter {
  void operator()(EVP_MD_CTX* context) const noexcept {
    EVP_MD_CTX_free(context);
  }
};

} // namespace

look_key key_of(const picture_job& job) {
  const std::array<uint32_t, 6> wanted{static_cast<uint32_t>(job.what) * 4 + (job.is_base64 ? 2 : 0)
                                         + (job.target.webp ? 1 : 0),
                                       job.target.edge_px_max,
                                       job.target.whole_bytes_max,
                                       job.target.changed_bytes_max,
                                       job.target.text_bytes_max,
                                       job.target.pages_drawn_max};
  std::unique_ptr<EVP_MD_CTX, digest_deleter> context{EVP_MD_CTX_new()};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  EVP_DigestUpdate(context.get(), wanted.data(), sizeof wanted);
  EVP_DigestUpdate(context.get(), job.data.data(), job.data.size());
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

void look_cache::put(const look_key& key, const picture_result_ptr& result) {
  size_t bytes = result->data.size();
  for (const auto& page : result->drawn)
    bytes += page.data.size();
  lru_cache::put(key, result, bytes);
}

} // namespace varro
