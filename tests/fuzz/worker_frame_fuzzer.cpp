// What the process in a shell's sandbox writes, hostile code in it included: as it comes and cut in two.
#include "shell/frames.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace varro;

namespace {

struct frames_read {
  size_t count = 0;
  bool has_failed = false;

  void feed(frame_reader& reader, std::string_view bytes) {
    if (has_failed)
      return;
    auto frames = reader.feed(bytes);
    has_failed = !frames;
    count += frames ? frames->size() : 0;
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::fuzzed_bytes input{data, size};
  auto cut = input.cut();
  auto all = input.rest();
  constexpr size_t frame_bytes_max = 4'096;
  frame_reader once{frame_bytes_max}, twice{frame_bytes_max};
  frames_read whole, parts;
  whole.feed(once, all);
  parts.feed(twice, all.substr(0, cut));
  parts.feed(twice, all.substr(cut));
  // Frames before a malformed one are lost with it when they come with it.
  fuzz::law(whole.has_failed == parts.has_failed, "an error does not depend on how bytes come");
  fuzz::law(whole.has_failed || whole.count == parts.count, "frames do not depend on how bytes come");
  return 0;
}
