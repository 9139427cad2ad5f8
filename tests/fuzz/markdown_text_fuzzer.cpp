// What is done with Markdown in the server itself: its lines, code spans and formulas. It is formatted elsewhere.
#include "render/markdown_lines.hpp"
#include "render/math.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace varro;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  auto lines = markdown_lines(text);
  size_t end = 0;
  for (const auto& line : lines) {
    fuzz::law(line.begin == end && line.begin <= line.content && line.content <= line.end && line.end <= line.block_end
                && line.block_end <= text.size(),
              "lines cover the text in order");
    end = line.end;
  }
  fuzz::law(end == text.size(), "no line is missing");
  size_t after = 0;
  for (const auto& span : code_spans(text, lines)) {
    fuzz::law(after <= span.begin && span.begin < span.end && span.end <= text.size(), "code spans stand in order");
    after = span.end;
  }
  std::ignore = open_fence(text);
  auto kept = protect_math(text);
  std::ignore = restore_source(kept.text, kept.formulas);
  std::ignore = restore_html(kept.text, kept.formulas);
  return 0;
}
