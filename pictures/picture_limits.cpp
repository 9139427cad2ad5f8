#include "pictures/picture_limits.hpp"

#include "models/openai_chat_quirks.hpp"
#include "models/openai_models.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace varro {

namespace {

constexpr size_t kib = 1u << 10;
constexpr size_t mib = 1u << 20;

// Anthropic recommends at most 1,568 pixels for the longer edge and makes larger pictures smaller itself; more than
// 20 pictures in a request may have 2,000. One size for all vendors: a picture is sent the same in each request of its
// chat, whatever is said later and to whom, because caches and bound thinking hold only for an unchanged beginning.
constexpr uint32_t edge_px = 1'568;

// A picture may stand in the request some hundred times, so it is kept far below what any vendor takes of one
// (Anthropic 5 MiB of base64, Groq 4 MB, Google 7 MB raw, xAI 10 MiB).
constexpr size_t whole_bytes = 1 * mib;
constexpr size_t scaled_bytes = 512 * kib;

constexpr int pages_most = 600;
constexpr size_t text_bytes = 256 * kib; // about a hundred pages

struct vendor_row {
  std::string_view provider; // model_config::provider; "": any of this wire
  std::string_view host;     // or a part of the base URL
  int images;
  size_t request_bytes;
  int64_t context_tokens; // where the configuration and the vendor's list do not tell
  int64_t picture_tokens;
  bool webp;
};

// Anthropic (platform.claude.com/docs/en/build-with-claude/vision): 100 images for models with a context of 200k, 600
// for all others; 32 MB a request. …/build-with-claude/pdf-support: 100 pages, 600 for the larger ones.
constexpr int anthropic_images = 100, anthropic_images_large = 600;
constexpr int64_t anthropic_large_context = 500'000;
constexpr vendor_row anthropic_row{"", "", anthropic_images, 20 * mib, 200'000, 100, true};

// OpenAI (developers.openai.com/api/docs/guides/images-vision): 500 images and 50 MB a request in the older text of the
// page, more in the newer; PNG, JPEG, WEBP, GIF without animation. …/guides/pdf-files: 50 MB of files a request.
constexpr vendor_row openai_row{"openai", "api.openai.com", 500, 24 * mib, 128'000, 100, true};

// Gemini (ai.google.dev/gemini-api/docs/image-understanding): 3,600 images, 20 MB a request with inline data (100 MB
// since 2026); Gemini 3: 900 images, about 1,120 tokens each by default. …/document-processing: 1,000 pages, 50 MB.
constexpr vendor_row google_row{"google", "generativelanguage.googleapis.com", 900, 12 * mib, 1'000'000, 1'120, true};

constexpr vendor_row chat_rows[]{
  openai_row,
  google_row,
  // learn.microsoft.com/azure/ai-foundry/openai/how-to/gpt-with-vision: 50 images a request
  {"azure", "openai.azure.com", 50, 24 * mib, 128'000, 100, true},
  // docs.x.ai/docs/guides/image-understanding: jpg and png, 10 MiB each, any number
  {"xai", "api.x.ai", 100, 12 * mib, 128'000, 256, false},
  // console.groq.com/docs/vision: 5 images, 4 MB of base64 a request
  {"groq", "api.groq.com", 5, 3 * mib, 128'000, 256, false},
  // docs.mistral.ai/capabilities/vision: 8 images, 10 MB each
  {"mistral", "api.mistral.ai", 8, 8 * mib, 128'000, 256, true},
  // openrouter.ai/docs: by the model behind it
  {"openrouter", "openrouter.ai", 50, 12 * mib, 128'000, 256, true},
  // They decode with stb_image, which knows no WebP, and count each picture fully into a small context.
  {"ollama", "", 20, 12 * mib, 32'000, 256, false},
  {"llamacpp", "", 20, 12 * mib, 32'000, 256, false},
  // Others: Scaleway's documentation names 12, other hosts less.
  {"", "", 8, 8 * mib, 64'000, 256, false},
};

const vendor_row& row_of(const model_config& model) {
  switch (model.kind) {
  case provider_kind::anthropic:
    return anthropic_row;
  case provider_kind::openai_responses:
    return openai_row;
  case provider_kind::google:
    return google_row;
  default:
    break;
  }
  for (const auto& row : chat_rows)
    if (!row.provider.empty()
        && (row.provider == model.provider
            || (!row.host.empty() && model.base_url.find(row.host) != std::string::npos)))
      return row;
  return *std::prev(std::end(chat_rows));
}

bool takes_documents(const model_config& model) {
  if (model.kind == provider_kind::openai)
    return openai_chat::quirks_of(model).documents;
  // As the adapter sends them: others that speak this wire need not know files.
  return model.kind != provider_kind::openai_responses || is_openai(model) || openai_chat::quirks_of(model).documents;
}

} // namespace

picture_limits picture_limits_of(const model_config& model) {
  if (model.kind == provider_kind::offline)
    return {};
  const auto& row = row_of(model);
  const auto context = model.context_tokens_max > 0 ? model.context_tokens_max : row.context_tokens;
  picture_limits limits;
  if (model.vision) {
    const bool large = model.kind == provider_kind::anthropic && context >= anthropic_large_context;
    limits.images_max = large ? anthropic_images_large : row.images;
    limits.pages_max = takes_documents(model) ? std::min(limits.images_max, pages_most) : 0;
  }
  limits.edge_px_max = edge_px;
  limits.whole_bytes_max = whole_bytes;
  limits.scaled_bytes_max = scaled_bytes;
  limits.request_bytes_max = row.request_bytes;
  limits.tokens_max = context / 2; // the words of the chat, its tools and the answer need the rest
  limits.picture_tokens = row.picture_tokens;
  if (limits.pages_max == 0)
    limits.text_bytes_max = std::min(text_bytes, static_cast<size_t>(limits.tokens_max / 4) * bytes_per_token);
  limits.webp = row.webp;
  return limits;
}

int64_t tokens_of_picture(uint32_t width, uint32_t height, const picture_limits& limits) noexcept {
  // Anthropic: width × height / 750; OpenAI's patches of 32 × 32 come to less.
  constexpr int64_t pixels_per_token = 750;
  return std::max(int64_t{width} * height / pixels_per_token, limits.picture_tokens);
}

picture_size scaled_size(uint32_t width, uint32_t height, uint32_t edge) noexcept {
  const auto longer = std::max(width, height);
  if (longer <= edge)
    return {width, height};
  const auto scaled = [&](uint32_t side) {
    return std::max<uint32_t>(1, static_cast<uint32_t>((uint64_t{side} * edge + longer / 2) / longer));
  };
  return {scaled(width), scaled(height)};
}

} // namespace varro
