// What the routes of /api are made of: problems, cursors, keys, limits.
#include "base/base64.hpp"
#include "base/day.hpp"
#include "http/api/known_limits.hpp"
#include "http/api/once.hpp"
#include "http/api/problem.hpp"
#include "storage/idempotency.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

received_request asking(std::string target, std::vector<header_field> headers = {}, std::string body = {}) {
  received_request request;
  request.method = "GET";
  request.target = std::move(target);
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

std::optional<std::string> key(std::string value) {
  return idempotency_key_of(asking("/", {{"idempotency-key", std::move(value)}}));
}

} // namespace

TEST_CASE("programs are told problems below /api/, however it is spelt, and nowhere else") {
  for (const auto* target : {"/api/v1/chats", "/api/", "/%61pi/v1/chats", "/api/v1?q=/", "/api%2Fv1"}) {
    CHECK_MESSAGE(is_api_target(target), target);
    CHECK_MESSAGE(!is_response_target(target), target);
    CHECK(error_type_for(target) == "application/problem+json");
  }
  for (const auto* target : {"/v1/responses", "/v1/", "/%761/models", "/v1%2Fresponses?x=y"}) {
    CHECK_MESSAGE(is_api_target(target), target);
    CHECK_MESSAGE(is_response_target(target), target);
    CHECK(error_type_for(target) == "application/json");
  }
  for (const auto* target : {"/api", "/apis/", "/", "/chat/1?next=/api/", "", "/x/api/", "/v1", "/v10/", "/x/v1/"})
    CHECK_MESSAGE(!is_api_target(target), target);
}

TEST_CASE("below /v1 an error is an object of a message, its kind, the parameter and a code") {
  auto plain = parse_json(error_text_for(404, "There is \"no\" such response.", "/v1/responses/x", "a1"));
  REQUIRE(plain);
  const auto& error = plain->at("error");
  CHECK(error["message"] == "There is \"no\" such response.");
  CHECK(error["type"] == "not_found_error");
  CHECK(error["param"].is_null());
  CHECK(error["code"].is_null());
  auto named = parse_json(response_error_text(400, "x", "input", "invalid_value"));
  REQUIRE(named);
  CHECK(named->at("error")["param"] == "input");
  CHECK(named->at("error")["code"] == "invalid_value");
  const std::vector<std::pair<int, std::string>> kinds{{400, "invalid_request_error"}, {401, "authentication_error"},
                                                       {403, "permission_error"},      {422, "invalid_request_error"},
                                                       {429, "rate_limit_error"},      {503, "server_error"}};
  for (const auto& [status, kind] : kinds)
    CHECK(parse_json(response_error_text(status, "x"))->at("error")["type"] == kind);
}

TEST_CASE("a problem says what happened and where, and names no path that is none") {
  auto problem = parse_json(problem_text(404, "There is \"no\" such chat.", "/api/v1/chats/7?x=y", "a1"));
  REQUIRE(problem);
  CHECK((*problem)["status"] == 404);
  CHECK((*problem)["title"] == "Not Found");
  CHECK((*problem)["detail"] == "There is \"no\" such chat.");
  CHECK((*problem)["instance"] == "/api/v1/chats/7#a1");
  CHECK_FALSE(parse_json(problem_text(400, "x", "/api/\"<>", ""))->contains("instance"));
  CHECK_FALSE(parse_json(problem_text(400, "x", "", ""))->contains("instance"));
  CHECK((*parse_json(problem_text(400, "x", "/api/\"<>", "a1")))["instance"] == "#a1");
}

TEST_CASE("a cursor comes back as it went, and nothing else is one") {
  for (const std::string place : {"1-2", "m17-p0", "a name/with ü", "x"})
    CHECK(cursor_of(asking("/?cursor=" + to_cursor(place))) == place);
  CHECK(cursor_of(asking("/")) == "");
  for (const auto& text : {std::string{""}, std::string{"1-2"}, std::string{"!"}, base64url_encode("1-2"),
                           base64url_encode("1:"), base64url_encode("1:\xff"), std::string(7'000, 'A')})
    CHECK_MESSAGE(!cursor_of(asking("/?cursor=" + text)), text);
}

TEST_CASE("a page has from 1 to 200 entries") {
  CHECK(page_limit(asking("/")) == api_page_usual);
  CHECK(page_limit(asking("/?limit=1")) == 1);
  CHECK(page_limit(asking("/?limit=200")) == api_page_max);
  for (const auto* text : {"0", "201", "", "-1", "x", "99999999999999999999"})
    CHECK_MESSAGE(!page_limit(asking(std::string{"/?limit="} + text)), text);
}

TEST_CASE("a key is visible characters of ASCII, in quotes or bare, and not longer than it may be") {
  CHECK(idempotency_key_of(asking("/")) == "");
  CHECK(key("8e03978e-40d5") == "8e03978e-40d5");
  CHECK(key(" \"8e03978e-40d5\" ") == "8e03978e-40d5");
  CHECK(key(std::string(idempotency_key_bytes_max, 'x')));
  CHECK_FALSE(key(std::string(idempotency_key_bytes_max + 1, 'x')));
  for (const auto* text : {"", "\"\"", "\"", "a b", "a\"b", "a\\b", "\x7f", "\xc3\xbc"})
    CHECK_MESSAGE(!key(text), text);
}

TEST_CASE("two keys are none") {
  CHECK_FALSE(idempotency_key_of(asking("/", {{"idempotency-key", "a"}, {"idempotency-key", "a"}})));
}

TEST_CASE("requests are the same by what they ask for, not by how it is written") {
  const json one = json::parse(R"({"message": "x", "model": "m"})"),
             same = json::parse(R"({"model":"m","message":"x"})");
  const auto request = asking("/api/v1/chats");
  const auto first = fingerprint_of(request, one, {});
  CHECK(first.size() == 64);
  CHECK(first == fingerprint_of(request, same, {}));
  CHECK(first == fingerprint_of(asking("/api/v1/%63hats"), one, {}));
  CHECK(first != fingerprint_of(asking("/api/v1/chats/1/turns"), one, {}));
  CHECK(first != fingerprint_of(request, json::parse(R"({"message": "x"})"), {}));
  form fields;
  fields.fields = {{"message", "x"}};
  const auto sent = fingerprint_of(request, json::object(), fields);
  fields.files.push_back({"files", "a.csv", "1,2"});
  CHECK(sent != fingerprint_of(request, json::object(), fields));
  form as_field, as_file;
  as_field.fields = {{"a", "b"}};
  as_file.files.push_back({"files", "a", "b"});
  CHECK(fingerprint_of(request, json::object(), as_field) != fingerprint_of(request, json::object(), as_file));
  form moved; // the same bytes, cut elsewhere
  moved.fields = {{"messag", "ex"}};
  CHECK(sent != fingerprint_of(request, json::object(), moved));
}

TEST_CASE("a key is under way until its request is over, for its user alone") {
  keys_under_way keys;
  {
    auto pass = keys.enter(1, "k");
    CHECK(pass);
    CHECK_FALSE(keys.enter(1, "k"));
    CHECK(keys.enter(2, "k"));
    CHECK(keys.enter(1, "other"));
  }
  CHECK(keys.enter(1, "k"));
}

TEST_CASE("limits tell what is left, and when they begin anew") {
  user_allowance allowance;
  allowance.at = *days_of("2028-02-10") * day_us + 6 * 3'600'000'000; // in a February of 29 days
  allowance.limits.model_requests_per_day = 100;
  allowance.limits.tokens_per_day = 1'000;
  allowance.limits.money_per_month = 2.5;
  allowance.limits.runs_at_once = 3;
  allowance.limits.chats = 0; // no limit
  allowance.used.requests = 30;
  allowance.used.tokens = 1'200; // the last answer passed the limit
  allowance.used.cost_nano = 500'000'000;
  const auto limits = known_limits(allowance);
  REQUIRE(limits.size() == 4);
  CHECK(limits[2].name == "money_per_month");
  CHECK(limits[2].used == 0.5);
  CHECK(limits[2].window_s == 29 * 86'400);
  CHECK(limits[2].resets_in_s == 19 * 86'400 + 18 * 3'600);
  CHECK_FALSE(limits[3].window_s);
  reply told;
  tell_limits(told, allowance);
  REQUIRE(told.headers.size() == 2);
  CHECK(told.headers[0].second
        == "\"model_requests_per_day\";q=100;w=86400, \"tokens_per_day\";q=1000;w=86400;qu=\"tokens\"");
  CHECK(told.headers[1].second == "\"model_requests_per_day\";r=70;t=64800, \"tokens_per_day\";r=0;t=64800");
  reply silent;
  tell_limits(silent, user_allowance{});
  CHECK(silent.headers.empty());
}

TEST_CASE("an answer that the client has is not sent again") {
  auto answer = [] { return json_reply(200, {{"a", 1}, {"b", 2}}); };
  const auto first = with_etag(asking("/"), answer());
  REQUIRE(first.headers.size() == 1);
  const auto tag = first.headers[0].second;
  const auto same = with_etag(asking("/", {{"if-none-match", "\"x\", " + tag}}), answer());
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(with_etag(asking("/", {{"if-none-match", "\"x\""}}), answer()).status == 200);
}
