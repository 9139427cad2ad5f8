#include "bench/hdr_histogram.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace varro::bench;

namespace {

// Of the C library: five values, one hour as the range, three digits.
const std::string five_values = "HISTFAAAAC14nJNpmSzMwMDAywABzFCaEURcm7yEwf4DRGCpMlMskyvTZWam+4xMAKW6B74=";
// Of the TypeScript library, which compresses harder and has another range: 42 once.
const std::string forty_two = "HISTFAAAAB542pNpmSzMwMDAxAABzFCaEUoz2X+AMIKZAEARAtM=";

} // namespace

TEST_CASE("a histogram is written as the C library writes it") {
  hdr_histogram histogram;
  for (auto value : {3335, 3108, 2638, 2567, 2470})
    histogram.add(value);
  CHECK(histogram.encoded() == five_values);
}

TEST_CASE("histograms of other libraries are read") {
  auto five = hdr_histogram::decoded(five_values);
  REQUIRE(five);
  CHECK(five->count() == 5);
  CHECK(five->min() == 2470);
  CHECK(five->max() == 3335);
  auto one = hdr_histogram::decoded(forty_two);
  REQUIRE(one);
  CHECK(one->count() == 1);
  CHECK(one->percentile(50) == 42);
}

TEST_CASE("what is no histogram is refused, however it is cut") {
  for (size_t size = 0; size + 4 < five_values.size(); ++size)
    CHECK(!hdr_histogram::decoded(five_values.substr(0, size)));
  CHECK(!hdr_histogram::decoded("not base64 !"));
  // Java's shifted one, whose offset says that its cells mean other values.
  CHECK(!hdr_histogram::decoded("HISTFAAAACR4nJNpmSzMwMDAzMDAwQChwYARTPI7Odh/gAgsNuYDAEyEA/o="));
}

TEST_CASE("three digits of every value are kept, up to an hour") {
  for (int64_t value = 0; value <= hdr_value_max; value = value < 5000 ? value + 1 : value + value / 7) {
    hdr_histogram histogram;
    histogram.add(value);
    auto shown = histogram.max();
    REQUIRE(shown >= value);
    REQUIRE(shown - value <= value / 1000);
    REQUIRE(histogram.min() <= value);
  }
  hdr_histogram edge;
  edge.add(hdr_value_max);
  CHECK(edge.clipped() == 0);
  edge.add(hdr_value_max + 1);
  CHECK(edge.clipped() == 1);
  CHECK(edge.count() == 2);
  edge.add(-1);
  CHECK(edge.min() == 0);
}

TEST_CASE("percentiles of a histogram are the nearest rank") {
  hdr_histogram histogram;
  CHECK(histogram.percentile(99) == 0);
  for (int i = 10; i >= 1; --i)
    histogram.add(i * 100);
  CHECK(histogram.percentile(50) == 500);
  CHECK(histogram.percentile(90) == 900);
  CHECK(histogram.percentile(91) == 1000);
  CHECK(histogram.percentile(0.1) == 100);
  CHECK(histogram.mean() == doctest::Approx(550));
}

TEST_CASE("merging is as if all values had been added to one histogram, also by way of their encodings") {
  std::mt19937_64 random{7};
  hdr_histogram whole, parts[3];
  for (int i = 0; i < 5000; ++i) {
    auto value = static_cast<int64_t>(random() % (uint64_t{1} << (random() % 32)));
    whole.add(value);
    parts[i % 3].add(value);
  }
  hdr_histogram merged;
  for (auto& part : parts) {
    auto read = hdr_histogram::decoded(part.encoded());
    REQUIRE(read);
    merged.merge(*read);
  }
  CHECK(merged.encoded() == whole.encoded());
  CHECK(merged.count() == 5000);
  merged.clear();
  CHECK(merged.count() == 0);
  CHECK(merged.encoded() == hdr_histogram{}.encoded());
}
