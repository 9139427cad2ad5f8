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

TEST_CASE("what a request needs instead is found in each vendor's words") {
  using remedy = vendor_error::remedy;
  struct row {
    int status;
    const char* body;
    remedy needs;
  };
  for (
    const auto& one : {
      // too long
      row{
        400,
        R"({"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again.",)"
        R"("type":"invalid_request_error","param":"input","code":"context_length_exceeded"}})",
        remedy::shorter},
      row{
        400,
        R"({"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.","type":"BadRequestError","code":400}})",
        remedy::shorter},
      row{
        400,
        R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}})",
        remedy::shorter},
      row{
        400,
        R"({"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 190000 + 16000 > 200000, )"
        R"(decrease input length or `max_tokens` and try again"}})",
        remedy::shorter},
      row{413, R"({"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}})",
          remedy::shorter},
      row{
        400,
        R"({"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}})",
        remedy::shorter},
      row{
        400,
        R"({"error":{"code":400,"message":"request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it",)"
        R"("type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}})",
        remedy::shorter},
      row{400, R"({"error":"input length exceeds the context length"})", remedy::shorter},
      row{
        400,
        R"({"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","code":"context_length_exceeded"}})",
        remedy::shorter},
      row{
        400,
        R"({"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 140000 tokens."})",
        remedy::shorter},
      row{413, "<html>413 Request Entity Too Large</html>", remedy::shorter},
      // the other wire
      row{
        400,
        R"({"error":{"message":"Function tools with reasoning_effort are not supported for gpt-5.5 in /v1/chat/completions. Please use /v1/responses )"
        R"(instead.","type":"invalid_request_error","param":"reasoning_effort","code":null}})",
        remedy::responses_api},
      row{
        400,
        R"({"error":{"message":"Function tools with reasoning_effort are not supported for gpt-5.6-sol in /v1/chat/completions. To use function tools, use )"
        R"(/v1/responses or set reasoning_effort to 'none'."}})",
        remedy::responses_api},
      row{
        404,
        R"({"error":{"message":"This model is only supported in v1/responses and not in v1/chat/completions.","type":"invalid_request_error",)"
        R"("param":"model","code":null}})",
        remedy::responses_api},
      row{
        404,
        R"({"error":{"message":"This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",)"
        R"("type":"invalid_request_error","param":"model","code":null}})",
        remedy::responses_api},
      row{
        429,
        R"({"error":{"message":"Request too large for gpt-5 in organization org-1 on tokens per min (TPM): Limit 60000, Requested 67714. )"
        R"(The input or output tokens must be reduced in order to run successfully.","type":"tokens","code":"rate_limit_exceeded"}})",
        remedy::shorter},
      row{
        429,
        R"({"error":{"message":"Rate limit reached for gpt-5 on tokens per min (TPM): Limit 60000, Used 59000, Requested 2000.",)"
        R"("code":"rate_limit_exceeded"}})",
        remedy::none},
      row{
        400,
        R"({"message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that…"})",
        remedy::shorter},
      row{400, R"({"error":{"message":"Range of input length should be [1, 60000]","code":"invalid_parameter_error"}})",
          remedy::shorter},
      row{
        400,
        R"({"error":{"message":"prompt token count of 70000 exceeds the limit of 64000","code":"model_max_prompt_tokens_exceeded"}})",
        remedy::shorter},
      row{500, R"({"error":{"code":500,"message":"context shift is disabled","type":"server_error"}})",
          remedy::shorter},
      row{400, R"({"error":{"code":400,"message":"Request payload size exceeds the limit: 20971520 bytes."}})",
          remedy::shorter},
      row{
        404,
        R"({"error":{"message":"Unknown request URL: POST /openai/v1/responses. Please check the URL for typos.","type":"invalid_request_error","code":"unknown_url"}})",
        remedy::chat_completions},
      row{200, R"x({"error":"Unexpected endpoint or method. (POST /v1/responses)"})x", remedy::chat_completions},
      // what was sent back
      row{
        400,
        R"({"error":{"message":"The encrypted content for item rs_1 could not be verified. Reason: Encrypted content could not be decrypted or parsed.",)"
        R"("type":"invalid_request_error","code":"invalid_encrypted_content"}})",
        remedy::no_thinking},
      row{
        400,
        R"({"error":{"message":"Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'.",)"
        R"("type":"invalid_request_error","param":"input"}})",
        remedy::no_thinking},
      row{
        404,
        R"({"error":{"message":"Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."}})",
        remedy::no_thinking},
      row{
        400,
        R"({"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}})",
        remedy::no_thinking},
      row{
        400,
        R"({"error":{"message":"You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', )"
        R"('webp'].","code":"invalid_image_format"}})",
        remedy::no_pictures},
      row{400, R"({"type":"error","error":{"type":"invalid_request_error","message":"Could not process image"}})",
          remedy::no_pictures},
      // what an organization may not
      row{
        400,
        R"({"error":{"message":"Your organization must be verified to generate reasoning summaries. Please go to: x",)"
        R"("type":"invalid_request_error","param":"reasoning.summary","code":"unsupported_value"}})",
        remedy::no_summary},
      row{400,
          R"({"error":{"message":"Your organization must be verified to stream this model. Please go to: x",)"
          R"("type":"invalid_request_error","param":"stream","code":"unsupported_value"}})",
          remedy::no_stream},
      // neither
      row{404, R"({"error":{"message":"The model `gpt-9` does not exist","code":"model_not_found"}})", remedy::none},
      row{404, R"({"error":{"message":"Unknown request URL: POST /v1/chat"}})", remedy::none},
      row{429, R"({"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}})", remedy::none},
      row{401, R"({"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}})", remedy::none},
      row{400, R"({"error":{"message":"Unsupported value: 'none' is not supported","code":"unsupported_value"}})",
          remedy::none},
    }) {
    CAPTURE(one.body);
    CHECK(read_error_body(one.status, one.body, "").needs == one.needs);
    if (one.body[0] == '{' && one.status != 413)
      CHECK(read_stream_error(json::parse(one.body), "").needs == one.needs);
  }
}
