// What a decoded answer holds, for the tests of the wires.
#pragma once

#include "models/provider.hpp"

#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

namespace varro::test {

template <class Part>
std::vector<Part> parts_of(const response_decoder::outcome& end) {
  std::vector<Part> found;
  REQUIRE_MESSAGE(end.response, (end.error ? end.error->message : ""));
  for (const auto& part : end.response->parts)
    if (const auto* one = std::get_if<Part>(&part))
      found.push_back(*one);
  return found;
}

inline std::string text_of(const response_decoder::outcome& end) {
  std::string text;
  for (const auto& part : parts_of<text_part>(end))
    text += part.content;
  return text;
}

} // namespace varro::test
