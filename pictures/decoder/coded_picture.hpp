// Pictures of libgd: made, scaled and coded. Only for a confined process (shell/confine.hpp).
#pragma once

#include "pictures/decoder/decode.hpp"
#include "pictures/picture_limits.hpp"

#include <memory>

#include <gd.h>

namespace varro {

struct image_deleter {
  void operator()(gdImage* image) const noexcept {
    gdImageDestroy(image);
  }
};
using image = std::unique_ptr<gdImage, image_deleter>; // of true colours, but for one that was only decoded

// libgd writes what it thinks of hostile bytes on standard error, unless told otherwise.
void silence_libgd();

image blank_image(int width, int height); // null: no memory
image scaled_image(const image& from, picture_size size);

// PNG keeps plots sharp; what does not fit so, and photographs, become JPEG, at last of fewer pixels. The verdict is
// `changed`, or `unreadable` where nothing fits.
looked_at coded_picture(image picture, bool photograph, size_t bytes_max);

} // namespace varro
