#include "base/utf8.hpp"
#include "pictures/decoder/coded_picture.hpp"
#include "pictures/decoder/decode.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>

#include <iconv.h>

#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-image.h>
#include <poppler/cpp/poppler-page-renderer.h>
#include <poppler/cpp/poppler-page.h>

namespace varro {

namespace {

// Appends UTF-16 as UTF-8, whole characters, up to a size.
void append(std::string& text, const poppler::ustring& more, size_t bytes_max) {
  constexpr char32_t replacement = 0xfffd;
  for (size_t i = 0; i < more.size(); ++i) {
    char32_t c = more[i];
    const bool leads = c >= 0xd800 && c < 0xdc00;
    if (leads && i + 1 < more.size() && more[i + 1] >= 0xdc00 && more[i + 1] < 0xe000)
      c = 0x10000 + ((c - 0xd800) << 10) + (more[++i] - 0xdc00u);
    else if (c >= 0xd800 && c < 0xe000)
      c = replacement;
    std::string bytes;
    append_utf8(bytes, c);
    if (text.size() + bytes.size() > bytes_max)
      return;
    text += bytes;
  }
}

std::string text_of(const poppler::document& document, size_t bytes_max) {
  std::string text;
  for (int i = 0; i < document.pages() && text.size() < bytes_max; ++i) {
    std::unique_ptr<poppler::page> page{document.create_page(i)};
    if (page)
      append(text, page->text(), bytes_max);
    if (text.size() < bytes_max)
      text += '\n';
  }
  return text;
}

// Of processor time; and of time, where others use the processors. The rest of picture_seconds_max is for the last
// page.
constexpr int drawing_seconds_max = picture_seconds_max / 4;
constexpr std::chrono::seconds drawing_wait_max{picture_seconds_max / 2};

bool is_time_over(std::chrono::steady_clock::time_point begun) {
  return std::clock() > std::clock_t{drawing_seconds_max} * CLOCKS_PER_SEC
    || std::chrono::steady_clock::now() - begun > drawing_wait_max;
}

// Pages tell their size in points of 1/72 inch, and may tell anything.
double resolution_for(const poppler::page& page, uint32_t edge_px_max) {
  constexpr double dpi_max = 150, points_per_inch = 72, points_min = 1, points_max = 20'000;
  const auto size = page.page_rect();
  const auto longer = std::max(size.width(), size.height()), shorter = std::min(size.width(), size.height());
  if (!(shorter >= points_min) || !(longer <= points_max))
    return 0;
  return std::min(dpi_max, edge_px_max * points_per_inch / longer);
}

image drawn(const poppler::page& page, const poppler::page_renderer& renderer, uint32_t edge_px_max) {
  const auto dpi = resolution_for(page, edge_px_max);
  const auto paper = dpi > 0 ? renderer.render_page(&page, dpi, dpi) : poppler::image{};
  if (!paper.is_valid() || paper.format() != poppler::image::format_argb32)
    return {};
  auto made = blank_image(paper.width(), paper.height());
  for (int y = 0; made && y < paper.height(); ++y) {
    const auto* row = paper.const_data() + ptrdiff_t{y} * paper.bytes_per_row();
    for (int x = 0; x < paper.width(); ++x) {
      uint32_t argb = 0; // the paper is white, so no pixel is transparent
      std::memcpy(&argb, row + ptrdiff_t{x} * 4, sizeof argb);
      gdImageTrueColorPixel(made, x, y) = static_cast<int>(argb & 0xffffff);
    }
  }
  // Rounding may have made a pixel more of it.
  const auto width = static_cast<uint32_t>(paper.width()), height = static_cast<uint32_t>(paper.height());
  return made && std::max(width, height) > edge_px_max ? scaled_image(made, scaled_size(width, height, edge_px_max))
                                                       : std::move(made);
}

// Ends at the first page that cannot be drawn, so that the n-th picture is always the n-th page.
std::vector<std::string> pages_of(const poppler::document& document, const picture_target& target) {
  silence_libgd();
  poppler::page_renderer renderer;
  renderer.set_render_hints(poppler::page_renderer::antialiasing | poppler::page_renderer::text_antialiasing);
  std::vector<std::string> pages;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < std::min<int>(document.pages(), target.pages_drawn_max) && !is_time_over(begun); ++i) {
    std::unique_ptr<poppler::page> page{document.create_page(i)};
    auto picture = page ? drawn(*page, renderer, target.edge_px_max) : image{};
    auto made = picture ? coded_picture(std::move(picture), false, target.changed_bytes_max) : looked_at{};
    if (made.bytes.empty())
      break;
    pages.push_back(std::move(made.bytes));
  }
  return pages;
}

} // namespace

void prepare_for_documents() {
  // Its strings go through iconv, whose converters are modules: they stay loaded as long as somebody has them open.
  // They are held here, to the end of the process.
  static const iconv_t held[] = {iconv_open("UTF-16LE", "UTF-8"), iconv_open("UTF-8", "UTF-16LE"),
                                 iconv_open("UTF-16", "UTF-8"), iconv_open("UTF-8", "UTF-16")};
  static_cast<void>(held);
}

looked_at look_at_document(const std::string& bytes, const picture_target& target) {
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  std::unique_ptr<poppler::document> document{
    poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size()))};
  if (!document)
    return {};
  // Vendors take none that are encrypted, with or without a password to open them.
  if (document->is_locked() || document->is_encrypted())
    return {picture_result::verdict::locked, picture_format::none, {}, 0, {}};
  if (document->pages() <= 0)
    return {};
  looked_at result{picture_result::verdict::document, picture_format::none, {}, document->pages(), {}};
  if (target.text_bytes_max > 0)
    result.bytes = text_of(*document, target.text_bytes_max);
  if (target.pages_drawn_max > 0)
    result.drawn = pages_of(*document, target);
  return result;
}

} // namespace varro
