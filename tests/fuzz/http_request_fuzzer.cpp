// A connection's bytes, as they come and cut in two: the same requests, or the same refusal.
#include "http/request_parser.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <string>
#include <vector>

using namespace varro;

namespace {

constexpr request_limits limits{512, 2'048, 20};

struct outcome {
  std::vector<received_request> requests;
  int status = 0; // of the refusal

  void take_from(request_parser& parser, std::string& input) {
    while (status == 0) {
      auto now = parser.feed(input);
      if (now == request_parser::state::refused)
        status = parser.status();
      if (now != request_parser::state::complete)
        return;
      requests.push_back(parser.take());
      if (input.empty())
        return;
    }
  }
};

bool are_equal(const received_request& a, const received_request& b) {
  auto field_is_equal
    = [](const header_field& x, const header_field& y) { return x.name == y.name && x.value == y.value; };
  return a.method == b.method && a.target == b.target && a.version_minor == b.version_minor && a.body == b.body
    && a.keep_alive == b.keep_alive
    && std::equal(a.headers.begin(), a.headers.end(), b.headers.begin(), b.headers.end(), field_is_equal);
}

outcome outcome_of(std::string_view first, std::string_view second) {
  outcome result;
  request_parser parser{limits};
  std::string input{first};
  result.take_from(parser, input);
  input += second;
  result.take_from(parser, input);
  fuzz::law(parser.body_bytes() <= limits.body_bytes_max, "a body is bounded");
  return result;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::fuzzed_bytes input{data, size};
  auto cut = input.cut();
  auto all = input.rest();
  auto whole = outcome_of(all, "");
  auto parts = outcome_of(all.substr(0, cut), all.substr(cut));
  fuzz::law(whole.status == parts.status, "a refusal does not depend on how bytes come");
  fuzz::law(
    std::equal(whole.requests.begin(), whole.requests.end(), parts.requests.begin(), parts.requests.end(), are_equal),
    "a request does not depend on how bytes come");
  for (const auto& request : whole.requests) {
    fuzz::law(request.target.starts_with("/") || request.target == "*", "a target is an origin form");
    fuzz::law(request.headers.size() <= limits.fields_max, "fields are bounded");
    for (const auto& field : request.headers)
      fuzz::law(field.value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos,
                "no field hides another");
  }
  return 0;
}
