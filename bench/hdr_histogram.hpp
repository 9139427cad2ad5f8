// A histogram of constant memory that keeps three significant digits of every value, after Gil Tene's HdrHistogram.
//
// Buckets, the V2 encoding and the compressed form are those of https://github.com/HdrHistogram/HdrHistogram
// (AbstractHistogram.java, "V2EncodingCookieBase"): what is written here, other implementations and the plotter read.
// Debian has no package of the C library. Values are microseconds everywhere in bench/. A value; one thread at a time.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro::bench {

// The largest value that is kept as it is: an hour. Larger ones count as this one, and are told by clipped().
inline constexpr int64_t hdr_value_max = 3'600'000'000;

class hdr_histogram {
public:
  // Equal values, as far as the histogram tells them apart.
  struct cell {
    int64_t lowest = 0;
    int64_t highest = 0;
    uint64_t count = 0;
  };

  hdr_histogram();

  void add(int64_t value, uint64_t count = 1); // below 0 counts as 0
  // Exact: as if everything had been added here.
  void merge(const hdr_histogram& other);
  void clear();

  uint64_t count() const {
    return count_;
  }
  uint64_t clipped() const {
    return clipped_;
  }
  // The nearest-rank percentile: the highest value of the cell in which it lies, so at most 0.1 % too large. 0 when
  // there is nothing. REQUIRES: 0 < percent <= 100.
  int64_t percentile(double percent) const;
  int64_t max() const {
    return percentile(100);
  }
  int64_t min() const;
  double mean() const;
  std::vector<cell> cells() const; // those with a count, smallest first

  // The V2 form, compressed by zlib, in base64: what stands in an .hlog.
  std::string encoded() const;
  // nullopt: it is not that form, or one of other digits or a larger range. Text of any origin.
  static std::optional<hdr_histogram> decoded(std::string_view base64);

private:
  static size_t index_of(int64_t value);
  static int64_t lowest_of(size_t index);
  static int64_t highest_of(size_t index);
  std::string plain_form() const;
  static std::optional<hdr_histogram> from_plain_form(std::string_view bytes);

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t clipped_ = 0;
};

// An .hlog (format 1.3) of several tagged histograms for each interval: HistogramLogAnalyzer and hdr-plot read it.
class hlog_writer {
public:
  // `started_s`: Unix time, to which the intervals' beginnings are relative.
  hlog_writer(const std::string& file, double started_s);

  void add(std::string_view tag, double begin_s, double length_s, const hdr_histogram& histogram);
  bool close(); // false: something could not be written

private:
  std::ofstream out_;
};

} // namespace varro::bench
