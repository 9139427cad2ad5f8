// How many pictures and documents, and how large ones, a request to a model may hold: one table of vendors.
//
// A vendor that gets more answers 400 to this request and, because histories only grow, to every later one of the chat.
// The numbers are what the vendors document (sources in the .cpp), kept below where documents disagree. Values only.
#pragma once

#include "config/config.hpp"

#include <cstddef>
#include <cstdint>

namespace varro {

struct picture_limits {
  int images_max = 0;           // pictures of one request; 0: the model sees none
  int pages_max = 0;            // of all documents (PDF) of one request; 0: it takes no documents
  size_t text_bytes_max = 0;    // of a document whose text is sent instead; 0: not even that
  uint32_t edge_px_max = 0;     // the longer edge of a picture as it is sent
  size_t whole_bytes_max = 0;   // base64 of a picture that is sent as it is; a larger one is made smaller
  size_t scaled_bytes_max = 0;  // base64 of a picture that was made smaller
  size_t request_bytes_max = 0; // base64 of all pictures and documents of a request
  int64_t tokens_max = 0;       // that they may take of the model's context, as estimated here
  int64_t picture_tokens = 0;   // of the smallest picture
  bool webp = false;            // is taken beside PNG and JPEG; other types are converted
};

// The rows go by the kind of wire, then the provider's name or host. A model that sees nothing gets documents as text;
// for offline all is zero.
picture_limits picture_limits_of(const model_config& model);

// What a picture of this size takes of a context; an estimate from above for the vendors that document theirs.
int64_t tokens_of_picture(uint32_t width, uint32_t height, const picture_limits& limits) noexcept;
inline constexpr size_t bytes_per_token = 3;  // of text, from below
inline constexpr int64_t page_tokens = 2'500; // of a document: its text, and its picture for the models that get one

// Largest size of these proportions whose longer edge is at most `edge`; never below 1 × 1, never larger than before.
struct picture_size {
  uint32_t width = 0;
  uint32_t height = 0;
};
picture_size scaled_size(uint32_t width, uint32_t height, uint32_t edge) noexcept;

} // namespace varro
