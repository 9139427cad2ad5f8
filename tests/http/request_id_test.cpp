#include "http/request_id.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace varro;

namespace {

std::string id_of(std::string said, bool by_proxy) {
  received_request request;
  request.by_proxy = by_proxy;
  request.headers = {{"x-request-id", std::move(said)}};
  return request_id_of(request);
}

} // namespace

TEST_CASE("a trusted proxy names requests, and nobody else does") {
  CHECK(id_of("Abc-12.3_x", true) == "Abc-12.3_x");
  CHECK(id_of("Abc-12.3_x", false) != "Abc-12.3_x");
}

TEST_CASE("a name that is too long, or has other characters, is not taken") {
  CHECK(id_of(std::string(request_id_bytes_max, 'a'), true) == std::string(request_id_bytes_max, 'a'));
  for (auto bad : {std::string(request_id_bytes_max + 1, 'a'), std::string{}, std::string{"a b"}, std::string{"a\"b"},
                   std::string{"a=b"}, std::string{"\xc3\xa4"}, std::string{"a<b"}}) {
    auto id = id_of(bad, true);
    CHECK(id != bad);
    CHECK(id.size() == 16);
  }
}

TEST_CASE("new names differ") {
  std::set<std::string> all;
  for (int i = 0; i < 1'000; ++i)
    all.insert(new_request_id());
  CHECK(all.size() == 1'000);
}
