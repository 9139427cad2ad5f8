// Bodies by their Content-Type, queries, cookies and paths.
#include "http/form.hpp"
#include "http/requests.hpp"
#include "http/route.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <array>
#include <string>

using namespace varro;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::array types{"application/x-www-form-urlencoded", "multipart/form-data; boundary=b",
                             "multipart/form-data; boundary=\"a b\"", "application/json"};
  fuzz::fuzzed_bytes input{data, size};
  received_request request;
  request.method = "POST";
  request.target = "/chat/send?" + std::string{input.rest()};
  request.headers.push_back({"content-type", types[input.choice(types.size())]});
  request.headers.push_back({"cookie", std::string{input.rest()}});
  request.body = input.rest();
  if (auto fields = parse_form(request)) {
    const char* begin = request.body.data();
    for (const auto& file : fields->files)
      fuzz::law(
        file.bytes.empty()
          || (file.bytes.data() >= begin && file.bytes.data() + file.bytes.size() <= begin + request.body.size()),
        "a file lies in the body");
    std::ignore = read_request<send_request>(request, *fields);
    std::ignore = read_request<fork_request>(request, *fields);
  }
  std::ignore = query_value(request, "q");
  std::ignore = cookie(request, "varro_session");
  std::ignore = find_route("GET", input.rest());
  auto after_login = page_after_login(input.rest());
  fuzz::law(after_login.starts_with("/") && !after_login.starts_with("//") && !after_login.starts_with("/\\"),
            "a login leads to our own pages");
  return 0;
}
