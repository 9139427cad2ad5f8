#include "models/vendor_errors.hpp"
#include "models/vendor_json.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("every shape of error body gives its type and words") {
  struct row {
    const char* body;
    const char* type;
    const char* message;
  };
  for (const auto& one : {
         row{R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", "overloaded_error",
             "Overloaded"},
         row{R"({"error":{"message":"no","type":"invalid_request_error","code":"model_not_found"}})", "model_not_found",
             "no"},
         row{R"({"error":{"message":"no","type":"invalid_request_error","code":null}})", "invalid_request_error", "no"},
         row{R"({"error":{"code":429,"message":"Provider returned error","metadata":{"raw":"slow down"}}})", "429",
             "Provider returned error: slow down"},
         row{R"({"error":"model 'x' not found"})", "", "model 'x' not found"},
         row{R"({"object":"error","message":"Bad","type":"BadRequestError","code":400})", "BadRequestError", "Bad"},
         row{R"({"object":"error","message":{"detail":[{"loc":["body","n"],"msg":"Extra inputs"}]},"type":"x"})", "x",
             "Extra inputs (n)"},
         row{R"({"detail":"Unauthorized"})", "", "Unauthorized"},
         row{R"([{"error":{"code":404,"message":"gone"}}])", "404", "gone"},
         row{"upstream timed out", "", "upstream timed out"},
         row{"<html><body>502</body></html>", "", "The server answered with HTTP status 418."},
         row{"", "", "The server answered with HTTP status 418."},
       }) {
    CAPTURE(one.body);
    const auto error = read_error_body(418, one.body, "");
    CHECK(error.http_status == 418);
    CHECK(error.type == one.type);
    CHECK(error.message == one.message);
  }
}

TEST_CASE("what passes by itself is retryable, what somebody must change is not") {
  CHECK(read_error_body(529, R"({"error":{"type":"overloaded_error","message":"x"}})", "").retryable);
  CHECK(read_error_body(500, "", "").retryable);
  CHECK(read_error_body(503, "<html>", "").retryable);
  CHECK(read_error_body(429, R"({"error":{"type":"rate_limit_error","message":"x"}})", "").retryable);
  CHECK_FALSE(read_error_body(429, R"({"error":{"code":"insufficient_quota","message":"x"}})", "").retryable);
  CHECK_FALSE(read_error_body(400, R"({"error":{"type":"invalid_request_error","message":"x"}})", "").retryable);
  CHECK_FALSE(read_error_body(401, R"({"error":{"type":"authentication_error","message":"x"}})", "").retryable);
}

TEST_CASE("a key that the vendor echoes does not come through") {
  const auto error
    = read_error_body(401, R"({"error":{"message":"bad key sk-secret-1, sk-secret-1!"}})", "sk-secret-1");
  CHECK(error.message == "bad key ***, ***!");
}

TEST_CASE("a message is cut at its limit, not in the middle of a character") {
  std::string words;
  while (words.size() < 3'000)
    words += "ü";
  const auto at_limit = read_error_body(400, dump_json(json{{"error", {{"message", words}}}}), "").message;
  CHECK(at_limit.size() == vendor_message_bytes_max);
  CHECK(to_valid_utf8(at_limit) == at_limit);
  const auto odd = read_error_body(400, dump_json(json{{"error", {{"message", "x" + words}}}}), "").message;
  CHECK(odd.size() == vendor_message_bytes_max - 1);
}

TEST_CASE("bytes that are not UTF-8 do not make JSON unreadable") {
  const auto value = parse_vendor_json("{\"a\":\"x\xC3\"}");
  REQUIRE(value);
  CHECK(text_member(*value, "a") == "x\xEF\xBF\xBD");
}

TEST_CASE("an object with too many members is refused, one at the limit is read") {
  const auto with = [](int members) {
    std::string text = "{";
    for (int i = 0; i < members; ++i)
      text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
    return text + "}";
  };
  CHECK(parse_vendor_json(with(vendor_object_members_max)));
  CHECK_FALSE(parse_vendor_json(with(vendor_object_members_max + 1)));
}

TEST_CASE("numbers of any size and kind become counts without overflow") {
  CHECK(integer(json(1e300)) == INT64_MAX);
  CHECK(integer(json(-1e300)) == INT64_MIN);
  CHECK(integer(json(uint64_t{18446744073709551615u})) == INT64_MAX);
  CHECK(integer(json(3.9)) == 3);
  CHECK(integer(json(true)) == 1);
  CHECK_FALSE(integer(json("3")));
  CHECK_FALSE(integer(json(nullptr)));
}

TEST_CASE("a creation time is told as pydantic-ai tells it") {
  CHECK(created_timestamp(json(1745330951)) == json("2025-04-22T14:09:11Z"));
  CHECK(created_timestamp(json(0)).is_null());
  CHECK(created_timestamp(json(-5)).is_null());
  CHECK(created_timestamp(json(1e18)).is_null());
  CHECK(created_timestamp(json("x")).is_null());
}
