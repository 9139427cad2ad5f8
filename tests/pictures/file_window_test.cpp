#include "pictures/file_window.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>

using namespace varro;

namespace {

picture_limits some_limits() {
  picture_limits limits;
  limits.images_max = 100;
  limits.pages_max = 100;
  limits.request_bytes_max = 20'000;
  limits.tokens_max = 50'000;
  return limits;
}

file_charge picture(size_t bytes = 10, int64_t tokens = 100) {
  return {1, 0, bytes, tokens};
}

size_t first_of(size_t count, const file_charge& each, const picture_limits& limits) {
  return first_file_kept(std::vector<file_charge>(count, each), limits);
}

} // namespace

TEST_CASE("All files go while they are within the limits") {
  CHECK(first_of(0, picture(), some_limits()) == 0);
  CHECK(first_of(100, picture(), some_limits()) == 0);
}

TEST_CASE("One too many and the older half leaves, and the next ones change nothing for as long") {
  CHECK(first_of(101, picture(), some_limits()) == 51);
  for (size_t count = 101; count <= 151; ++count)
    CHECK(first_of(count, picture(), some_limits()) == 51);
  CHECK(first_of(152, picture(), some_limits()) == 102);
  CHECK(first_of(1'000, picture(), some_limits()) == 918);
}

TEST_CASE("Bytes, pages and tokens are limits as well as the number") {
  CHECK(first_of(11, picture(2'000), some_limits()) == 6);
  CHECK(first_of(6, picture(10, 10'000), some_limits()) == 4);
  CHECK(first_of(3, {0, 40, 10, 10}, some_limits()) == 2);
}

TEST_CASE("A file that uses more than half of a limit goes alone") {
  std::vector<file_charge> charges(10, picture());
  charges.push_back({0, 90, 10, 10});
  CHECK(first_file_kept(charges, some_limits()) == 0);
  charges.push_back({0, 90, 10, 10});
  CHECK(first_file_kept(charges, some_limits()) == 11);
}

TEST_CASE("What goes never passes a limit, and what has left never comes back, whatever comes") {
  std::minstd_rand random{11};
  const auto limits = some_limits();
  for (int history = 0; history < 200; ++history) {
    std::vector<file_charge> charges;
    size_t before = 0, changes = 0;
    for (int i = 0; i < 400; ++i) {
      file_charge next{1, 0, random() % 2'000, static_cast<int64_t>(random() % 3'000)};
      if (random() % 20 == 0)
        next = {0, static_cast<int>(random() % 100), random() % 20'000, 1};
      else if (random() % 20 == 0)
        next = {};
      REQUIRE(fits_alone(next, limits));
      charges.push_back(next);
      const auto first = first_file_kept(charges, limits);
      REQUIRE(first >= before);
      REQUIRE(first < charges.size());
      changes += first != before;
      before = first;
      file_charge sum;
      for (size_t k = first; k < charges.size(); ++k) {
        sum.images += charges[k].images;
        sum.pages += charges[k].pages;
        sum.bytes += charges[k].bytes;
        sum.tokens += charges[k].tokens;
      }
      REQUIRE(fits_alone(sum, limits));
    }
    CHECK(changes > 0);
    CHECK(changes < 120);
  }
}

TEST_CASE("Vendors that take fewer pictures get fewer") {
  model_config model;
  model.kind = provider_kind::anthropic;
  model.provider = "anthropic";
  CHECK(picture_limits_of(model).images_max == 100);
  model.context_tokens_max = 1'000'000;
  CHECK(picture_limits_of(model).images_max == 600);
  model.vision = false;
  CHECK(picture_limits_of(model).images_max == 0);

  model_config other;
  other.kind = provider_kind::openai;
  other.provider = "somebody";
  CHECK(picture_limits_of(other).images_max == 8);
  CHECK(picture_limits_of(other).pages_max == 0);
  other.base_url = "https://api.groq.com/openai/v1";
  CHECK(picture_limits_of(other).images_max == 5);
  other.provider = "openai";
  CHECK(picture_limits_of(other).pages_max > 0);
}

TEST_CASE("A picture is made smaller with its proportions, and never larger") {
  auto size = scaled_size(2905, 1977, 1568);
  CHECK(size.width == 1568);
  CHECK(size.height == 1067);
  CHECK(scaled_size(100, 200, 1568).height == 200);
  CHECK(scaled_size(100'000, 3, 1568).height == 1);
  CHECK(scaled_size(UINT32_MAX, UINT32_MAX, 1568).width == 1568);
}
