// The first bytes of what a cell showed or a user attached.
#include "pictures/picture_header.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace varro;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  auto header = read_picture_header(bytes);
  fuzz::law(header.type != picture_format::none || !header.has_size(), "only a picture has a size");
  auto turned = jpeg_orientation(bytes);
  fuzz::law(turned >= 1 && turned <= 8, "an orientation is one of eight");
  std::ignore = media_type_of(header.type);
  std::ignore = looks_like_pdf(bytes);
  return 0;
}
