#include "bench/hdr_histogram.hpp"

#include "base/base64.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace varro::bench {

namespace {

// Three digits need 2,000 steps, so 2,048 in the first bucket; each further bucket has the upper half of that, twice as
// wide as those before it.
constexpr int digits = 3;
constexpr int half_bits = 10;
constexpr size_t half = size_t{1} << half_bits;
constexpr int buckets = 22; // 2,048 × 2^21 > hdr_value_max
constexpr size_t cells_max = (buckets + 1) * half;

constexpr uint32_t plain_cookie = 0x1c849313;      // V2, counts in ZigZag LEB128
constexpr uint32_t compressed_cookie = 0x1c849314; // the same in zlib's format
constexpr size_t plain_head_bytes = 40;
constexpr size_t compressed_head_bytes = 8;
// One count takes at most nine bytes.
constexpr size_t plain_bytes_max = plain_head_bytes + cells_max * 9;

void put(std::string& bytes, uint64_t value, int width) {
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>(value >> shift & 0xff));
}

uint64_t taken(std::string_view& bytes, size_t width) {
  uint64_t value = 0;
  for (char c : bytes.substr(0, width))
    value = value << 8 | static_cast<unsigned char>(c);
  bytes.remove_prefix(width);
  return value;
}

// The format's LEB128 has a ninth byte of eight bits in place of a tenth.
void put_number(std::string& bytes, int64_t value) {
  auto rest = static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
  for (int i = 0; i < 8; ++i) {
    if (rest < 0x80) {
      bytes.push_back(static_cast<char>(rest));
      return;
    }
    bytes.push_back(static_cast<char>((rest & 0x7f) | 0x80));
    rest >>= 7;
  }
  bytes.push_back(static_cast<char>(rest));
}

std::optional<int64_t> taken_number(std::string_view& bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 9; ++i) {
    if (bytes.empty())
      return std::nullopt;
    auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (i == 8) {
      value |= uint64_t{byte} << 56;
      break;
    }
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80)
      break;
  }
  return static_cast<int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

} // namespace

hdr_histogram::hdr_histogram() : counts_(cells_max) {}

size_t hdr_histogram::index_of(int64_t value) {
  auto bits = static_cast<uint64_t>(value);
  auto bucket = std::bit_width(bits | (2 * half - 1)) - (half_bits + 1);
  return (static_cast<size_t>(bucket) << half_bits) + static_cast<size_t>(bits >> bucket);
}

int64_t hdr_histogram::lowest_of(size_t index) {
  if (index < 2 * half)
    return static_cast<int64_t>(index);
  auto bucket = (index >> half_bits) - 1;
  return static_cast<int64_t>((index & (half - 1)) + half) << bucket;
}

int64_t hdr_histogram::highest_of(size_t index) {
  auto bucket = index < 2 * half ? 0 : (index >> half_bits) - 1;
  return lowest_of(index) + (int64_t{1} << bucket) - 1;
}

void hdr_histogram::add(int64_t value, uint64_t count) {
  if (value > hdr_value_max)
    clipped_ += count;
  counts_[index_of(std::clamp<int64_t>(value, 0, hdr_value_max))] += count;
  count_ += count;
}

void hdr_histogram::merge(const hdr_histogram& other) {
  if (other.count_ == 0)
    return;
  for (size_t i = 0; i < counts_.size(); ++i)
    counts_[i] += other.counts_[i];
  count_ += other.count_;
  clipped_ += other.clipped_;
}

void hdr_histogram::clear() {
  if (count_ > 0)
    std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  clipped_ = 0;
}

int64_t hdr_histogram::percentile(double percent) const {
  if (count_ == 0)
    return 0;
  // Without the margin, 90 % of 10 would be the tenth for want of a binary 0.9.
  auto rank = std::ceil(percent / 100.0 * static_cast<double>(count_) - 1e-9);
  auto wanted = std::clamp<uint64_t>(static_cast<uint64_t>(std::max(rank, 1.0)), 1, count_);
  uint64_t seen = 0;
  size_t i = 0;
  while ((seen += counts_[i]) < wanted)
    ++i;
  return highest_of(i);
}

int64_t hdr_histogram::min() const {
  for (size_t i = 0; i < counts_.size(); ++i)
    if (counts_[i] > 0)
      return lowest_of(i);
  return 0;
}

double hdr_histogram::mean() const {
  double sum = 0;
  for (auto& each : cells())
    sum += (static_cast<double>(each.lowest) + static_cast<double>(each.highest)) / 2 * static_cast<double>(each.count);
  return count_ == 0 ? 0 : sum / static_cast<double>(count_);
}

std::vector<hdr_histogram::cell> hdr_histogram::cells() const {
  std::vector<cell> found;
  for (size_t i = 0; i < counts_.size(); ++i)
    if (counts_[i] > 0)
      found.push_back({lowest_of(i), highest_of(i), counts_[i]});
  return found;
}

std::string hdr_histogram::plain_form() const {
  std::string counts;
  size_t end = counts_.size();
  while (end > 0 && counts_[end - 1] == 0)
    --end;
  for (size_t i = 0; i < end;) {
    if (counts_[i] > 0) {
      put_number(counts, static_cast<int64_t>(counts_[i++]));
      continue;
    }
    auto first = i;
    while (counts_[i] == 0)
      ++i;
    put_number(counts, -static_cast<int64_t>(i - first)); // so many cells without a count
  }
  std::string bytes;
  put(bytes, plain_cookie, 4);
  put(bytes, counts.size(), 4);
  put(bytes, 0, 4); // offset of a shifted histogram
  put(bytes, digits, 4);
  put(bytes, 1, 8); // lowest value that is told from 0
  put(bytes, static_cast<uint64_t>(hdr_value_max), 8);
  put(bytes, std::bit_cast<uint64_t>(1.0), 8); // ratio of integers to values
  return bytes + counts;
}

std::optional<hdr_histogram> hdr_histogram::from_plain_form(std::string_view bytes) {
  if (bytes.size() < plain_head_bytes || taken(bytes, 4) != plain_cookie)
    return std::nullopt;
  auto length = taken(bytes, 4);
  auto offset = taken(bytes, 4);
  auto its_digits = taken(bytes, 4);
  auto lowest = taken(bytes, 8);
  bytes.remove_prefix(16); // its range, which its counts show, and the ratio
  if (length != bytes.size() || offset != 0 || its_digits != digits || lowest != 1)
    return std::nullopt;
  hdr_histogram result;
  size_t at = 0;
  while (!bytes.empty()) {
    auto number = taken_number(bytes);
    if (!number || *number == INT64_MIN)
      return std::nullopt;
    auto steps = *number < 0 ? static_cast<uint64_t>(-*number) : 1;
    if (steps > cells_max - at)
      return std::nullopt;
    if (*number > 0) {
      result.counts_[at] = static_cast<uint64_t>(*number);
      result.count_ += static_cast<uint64_t>(*number);
    }
    at += steps;
  }
  return result;
}

std::string hdr_histogram::encoded() const {
  auto plain = plain_form();
  auto bound = compressBound(plain.size());
  std::string packed(bound, '\0');
  // It fails only where the room is too small, which the bound excludes, or memory is short.
  compress(reinterpret_cast<Bytef*>(packed.data()), &bound, reinterpret_cast<const Bytef*>(plain.data()), plain.size());
  packed.resize(bound);
  std::string bytes;
  put(bytes, compressed_cookie, 4);
  put(bytes, packed.size(), 4);
  return base64_encode(bytes + packed);
}

std::optional<hdr_histogram> hdr_histogram::decoded(std::string_view base64) {
  auto bytes = base64_decode(base64);
  if (!bytes || bytes->size() < compressed_head_bytes)
    return std::nullopt;
  std::string_view rest{*bytes};
  if (taken(rest, 4) != compressed_cookie || taken(rest, 4) != rest.size())
    return std::nullopt;
  std::string plain(plain_bytes_max, '\0');
  uLongf size = plain.size();
  if (uncompress(reinterpret_cast<Bytef*>(plain.data()), &size, reinterpret_cast<const Bytef*>(rest.data()),
                 rest.size())
      != Z_OK)
    return std::nullopt;
  return from_plain_form(std::string_view{plain}.substr(0, size));
}

hlog_writer::hlog_writer(const std::string& file, double started_s) : out_(file) {
  char line[160];
  std::snprintf(line, sizeof line, "#[StartTime: %.3f (seconds since epoch)]\n", started_s);
  out_ << "#[Histogram log format version 1.3]\n#[Values are microseconds]\n"
       << line << "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
}

void hlog_writer::add(std::string_view tag, double begin_s, double length_s, const hdr_histogram& histogram) {
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "%.3f,%.3f,%.3f,", begin_s, length_s,
                static_cast<double>(histogram.max()) / 1000.0);
  out_ << "Tag=" << tag << "," << numbers << histogram.encoded() << "\n";
}

bool hlog_writer::close() {
  out_.close();
  return !out_.fail();
}

} // namespace varro::bench
