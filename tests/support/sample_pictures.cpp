#include "tests/support/sample_pictures.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string_view>

namespace varro::test {

namespace {

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

uint32_t crc32(std::string_view bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> values{};
    for (uint32_t i = 0; i < values.size(); ++i) {
      auto value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = value & 1 ? 0xedb88320u ^ value >> 1 : value >> 1;
      values[i] = value;
    }
    return values;
  }();
  uint32_t sum = 0xffffffff;
  for (const unsigned char byte : bytes)
    sum = table[(sum ^ byte) & 255] ^ sum >> 8;
  return ~sum;
}

uint32_t adler32(std::string_view bytes) {
  uint32_t a = 1, b = 0;
  for (const unsigned char byte : bytes) {
    a = (a + byte) % 65'521;
    b = (b + a) % 65'521;
  }
  return b << 16 | a;
}

// A zlib stream of stored blocks.
std::string stored(std::string_view bytes) {
  std::string out{"\x78\x01", 2};
  for (size_t at = 0; at < bytes.size();) {
    const auto size = std::min<size_t>(bytes.size() - at, 65'535);
    out += at + size == bytes.size() ? '\1' : '\0';
    for (auto number : {size, ~size & 0xffff}) {
      out += static_cast<char>(number & 255);
      out += static_cast<char>(number >> 8);
    }
    out += bytes.substr(at, size);
    at += size;
  }
  return out + big_endian(adler32(bytes));
}

std::string chunk(std::string_view type, std::string_view contents) {
  auto body = std::string{type} + std::string{contents};
  return big_endian(static_cast<uint32_t>(contents.size())) + body + big_endian(crc32(body));
}

std::string png(uint32_t width, uint32_t height, char depth, char colour, std::string_view rows) {
  auto header = big_endian(width) + big_endian(height) + std::string{depth, colour, '\0', '\0', '\0'};
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", stored(rows)) + chunk("IEND", "");
}

} // namespace

std::string png_picture(uint32_t width, uint32_t height, bool noise, uint32_t seed) {
  std::minstd_rand random{seed};
  std::string rows;
  const auto row_bytes = noise ? size_t{width} * 3 : (size_t{width} + 7) / 8;
  rows.reserve(height * (row_bytes + 1));
  for (uint32_t y = 0; y < height; ++y) {
    rows += '\0';
    if (!noise)
      rows.append(row_bytes, '\0');
    for (size_t i = 0; noise && i < row_bytes; ++i)
      rows += static_cast<char>(random() >> 8);
  }
  return noise ? png(width, height, 8, 2, rows) : png(width, height, 1, 0, rows);
}

std::string lying_png(uint32_t width, uint32_t height) {
  return png(width, height, 8, 2, std::string(4, '\0'));
}

std::string pdf_document(int pages, const std::string& text, const std::string& drawing) {
  std::string out = "%PDF-1.4\n", table, kids;
  int objects = 0;
  auto add = [&](const std::string& body) {
    auto at = std::to_string(out.size());
    table += std::string(10 - at.size(), '0') + at + " 00000 n \n";
    out += std::to_string(++objects) + " 0 obj\n" + body + "\nendobj\n";
  };
  for (int i = 0; i < pages; ++i)
    kids += std::to_string(i + 3) + " 0 R ";
  add("<< /Type /Catalog /Pages 2 0 R >>");
  add("<< /Type /Pages /Count " + std::to_string(pages) + " /Kids [" + kids + "] >>");
  for (int i = 0; i < pages; ++i)
    add("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Resources << /Font << /F << /Type /Font /Subtype /Type1 "
        "/BaseFont /Helvetica /Encoding /WinAnsiEncoding >> >> >> /Contents "
        + std::to_string(pages + 3) + " 0 R >>");
  const auto drawn = drawing + " BT /F 12 Tf 10 100 Td (" + text + ") Tj ET";
  add("<< /Length " + std::to_string(drawn.size()) + " >>\nstream\n" + drawn + "\nendstream");
  const auto start = std::to_string(out.size());
  const auto count = std::to_string(objects + 1);
  return out + "xref\n0 " + count + "\n0000000000 65535 f \n" + table + "trailer\n<< /Size " + count
    + " /Root 1 0 R >>\nstartxref\n" + start + "\n%%EOF\n";
}

} // namespace varro::test
