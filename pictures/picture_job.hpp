// One picture or document on its way through varro-pictures, and what comes back: values and their frames.
//
// A frame is a fixed head and the bytes after it, in the machine's own byte order: both ends are of one build and on
// one machine. Pure functions, any thread.
#pragma once

#include "models/message.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

inline constexpr size_t picture_file_bytes_max = 64u << 20; // raw bytes of a picture or document that is looked at
inline constexpr uint64_t picture_pixels_max = 64u << 20;   // of a picture that is decoded: 4 bytes of memory each
inline constexpr int picture_seconds_max = 20;              // for one of them
inline constexpr uint16_t document_pages_drawn_max = 20;    // of a document for a model that takes only pictures

// What is wanted of a picture or document. All bytes are raw ones.
struct picture_target {
  uint32_t edge_px_max = 0;
  uint32_t whole_bytes_max = 0;   // a sound, upright picture within both limits and of a fitting type stays as it is
  uint32_t changed_bytes_max = 0; // of one that is made anew, and of each page that is drawn
  bool webp = false;              // fits beside PNG and JPEG
  uint32_t text_bytes_max = 0;    // of a document's text; 0: only its pages are counted
  uint16_t pages_drawn_max = 0;   // of a document, the first ones
};

struct picture_job {
  enum class kind : uint8_t { picture, document };
  kind what = kind::picture;
  picture_target target;
  std::string_view data; // the bytes, or base64 of them
  bool is_base64 = false;
  message_list owner; // keeps `data` where it points into a history
};
using picture_job_ptr = std::shared_ptr<const picture_job>;

// A page of a document as a picture.
struct drawn_page {
  std::string data; // base64, the URL-safe alphabet
  std::string media_type;
};

struct picture_result {
  enum class verdict : uint8_t {
    unreadable,  // no picture, no PDF, too large, or its decoder failed in any way
    locked,      // a PDF with a password
    whole,       // sound and within the target
    changed,     // `data` is it, made anew
    document,    // a PDF with `pages`; `data` is its text when that was wanted
    unavailable, // nobody could look: varro-pictures does not run
  };
  verdict what = verdict::unreadable;
  std::string data;       // base64, the URL-safe alphabet, as histories hold files; of a document text
  std::string media_type; // of `data`; for a whole picture its true type
  int pages = 0;
  std::vector<drawn_page> drawn; // from the first page on; fewer than wanted where drawing failed or took too long
};
using picture_result_ptr = std::shared_ptr<const picture_result>;

// --- frames ----------------------------------------------------------------------------------------------------------

struct picture_request_head {
  uint32_t mark = 0x43495056;
  picture_job::kind what = picture_job::kind::picture;
  uint8_t webp = 0;
  uint16_t pages_drawn_max = 0;
  uint32_t edge_px_max = 0;
  uint32_t whole_bytes_max = 0;
  uint32_t changed_bytes_max = 0;
  uint32_t text_bytes_max = 0;
  uint32_t bytes = 0; // follow
};

struct picture_answer_head {
  uint32_t mark = 0x41495056;
  picture_result::verdict what = picture_result::verdict::unreadable;
  uint8_t type = 0;   // picture_format
  uint16_t drawn = 0; // pages
  int32_t pages = 0;
  uint32_t text_bytes = 0; // of a document: the first ones of those that follow; then for each drawn page
                           // their number, 4 bytes, and its bytes
  uint32_t bytes = 0;      // follow
};

// What may follow an answer's head. A page that is drawn is never larger than a picture that is made anew.
inline uint64_t answer_bytes_max(const picture_request_head& request) noexcept {
  if (request.what == picture_job::kind::picture)
    return request.changed_bytes_max;
  return request.text_bytes_max + uint64_t{request.pages_drawn_max} * (sizeof(uint32_t) + request.changed_bytes_max);
}

} // namespace varro
