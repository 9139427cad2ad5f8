// Pictures and documents for tests, made byte by byte.
#pragma once

#include <cstdint>
#include <string>

namespace varro::test {

// A sound PNG of this size: `noise` in three colours, which no format makes small, else one black bit a pixel.
std::string png_picture(uint32_t width, uint32_t height, bool noise = false, uint32_t seed = 1);

// A PNG whose header tells this size, with contents for one pixel only.
std::string lying_png(uint32_t width, uint32_t height);

// A sound PDF with so many pages of 200 × 200 points, each with this text (as a PDF's string has it) and these
// operators that draw: plain objects and a table of them.
std::string pdf_document(int pages, const std::string& text = {}, const std::string& drawing = {});

} // namespace varro::test
