#include "actors/place_words.hpp"

namespace varro {

std::string ordinal(int64_t number) {
  const char* end = "th";
  if (number / 10 % 10 != 1) {
    if (number % 10 == 1)
      end = "st";
    else if (number % 10 == 2)
      end = "nd";
    else if (number % 10 == 3)
      end = "rd";
  }
  return std::to_string(number) + end;
}

std::string place_words(const std::string& what, const fair_queue::place& place) {
  auto own = ordinal(place.own) + " of your own";
  if (place.held_back)
    return "Waiting until another answer of yours has ended, because you have as many at once as you may: " + own;
  return "Waiting for a free " + what + ": " + own + ", " + std::to_string(place.before) + " before it";
}

} // namespace varro
