#include "base/utf8.hpp"
#include "http/form.hpp"

#include "base/text.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

received_request post(std::string type, std::string body) {
  received_request result;
  result.method = "POST";
  result.target = "/?a=1&b=%20x+y&c";
  result.headers = {{"content-type", std::move(type)}};
  result.body = std::move(body);
  return result;
}

const std::string multipart = "multipart/form-data; boundary=XX";

} // namespace

TEST_CASE("an urlencoded form is decoded, of any size") {
  auto request = post("application/x-www-form-urlencoded; charset=utf-8", "message=a%20b+c%26&chat_id=&x");
  auto fields = parse_form(request);
  REQUIRE(fields);
  CHECK(fields->get("message") == "a b c&");
  CHECK(fields->has("chat_id"));
  CHECK_FALSE(fields->has("model"));
  auto large = post("application/x-www-form-urlencoded", "message=" + std::string(1'000'000, 'x'));
  CHECK(parse_form(large)->get("message").size() == 1'000'000);
}

TEST_CASE("a multipart form gives fields and files") {
  auto request = post(multipart,
                      "--XX\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nh\xc3\xa9\r\nllo\r\n"
                      "--XX\r\ncontent-disposition: form-data; filename=\"a \\\"b\\\".csv\"; name=files\r\n"
                      "Content-Type: text/csv\r\n\r\n1,2\r\n--X\r\n\r\n"
                      "--XX\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\"\r\n\r\n\r\n--XX--\r\n");
  auto fields = parse_form(request);
  REQUIRE(fields);
  CHECK(fields->get("message") == "h\xc3\xa9\r\nllo");
  REQUIRE(fields->files.size() == 1);
  CHECK(fields->files[0].field == "files");
  CHECK(fields->files[0].name == "a \"b\".csv");
  CHECK(fields->files[0].bytes == "1,2\r\n--X\r\n");
}

TEST_CASE("a malformed form is an error") {
  const std::string part = "Content-Disposition: form-data; name=\"a\"\r\n\r\nb";
  CHECK(parse_form(post(multipart, "--XX\r\n" + part + "\r\n--XX--")));
  for (std::string body :
       {std::string{}, std::string{"--YY\r\n"} + part + "\r\n--YY--", "--XX\r\n" + part, "--XX\r\n" + part + "\r\n--X",
        std::string{"--XX\r\n\r\nb\r\n--XX--"},
        std::string{"--XX\r\nContent-Disposition: form-data\r\n\r\nb\r\n--XX--"}, "--XX" + part + "\r\n--XX--"}) {
    CAPTURE(body);
    CHECK_FALSE(parse_form(post(multipart, body)));
  }
  CHECK_FALSE(parse_form(post("multipart/form-data", "--XX\r\n" + part + "\r\n--XX--")));
  CHECK_FALSE(parse_form(post("text/plain", "a=b")));
  std::string many;
  for (int i = 0; i < 1'001; ++i)
    many += "--XX\r\n" + part + "\r\n";
  CHECK_FALSE(parse_form(post(multipart, many + "--XX--")));
}

TEST_CASE("the query's values are decoded") {
  auto request = post("", "");
  CHECK(query_value(request, "a") == "1");
  CHECK(query_value(request, "b") == " x y");
  CHECK(query_value(request, "c") == "");
  CHECK_FALSE(query_value(request, "d"));
}

TEST_CASE("percent escapes are decoded strictly in paths") {
  CHECK(percent_decode("a%2fb+c", false) == "a/b+c");
  CHECK_FALSE(percent_decode("%", false));
  CHECK_FALSE(percent_decode("%4", false));
  CHECK_FALSE(percent_decode("%u0041", false));
  CHECK(percent_decode(percent_encode("a \xc3\xa9/%"), false) == "a \xc3\xa9/%");
}

TEST_CASE("a cookie is found by its whole name") {
  received_request request;
  request.headers = {{"cookie", "xvarro_session=1; varro_session=2;varro_sessions=3"}};
  CHECK(cookie(request, "varro_session") == "2");
  CHECK(cookie(request, "session").empty());
}

TEST_CASE("numbers are digits within 64 bits, nothing else") {
  CHECK(parse_number("0") == 0);
  CHECK(parse_number("9223372036854775807") == INT64_MAX);
  for (std::string text : {"", "-1", "+1", " 1", "1 ", "1a", "0x1", "9223372036854775808"})
    CHECK_FALSE(parse_number(text));
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (std::string text : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(text));
  for (std::string text :
       {std::string{"a\0b", 3}, std::string{"\x80"}, std::string{"\xc3"}, std::string{"\xc0\x80"},
        std::string{"\xe0\x80\x80"}, std::string{"\xed\xa0\x80"}, std::string{"\xf4\x90\x80\x80"}, std::string{"\xff"}})
    CHECK_FALSE(is_utf8(text));
  CHECK(code_points("a\xc3\xa9\xe2\x82\xac") == 3);
}
