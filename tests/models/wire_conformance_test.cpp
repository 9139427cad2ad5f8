// Every recorded exchange of the wires, through our adapters.
#include "models/anthropic.hpp"
#include "models/google.hpp"
#include "models/message_json.hpp"
#include "models/openai_chat.hpp"
#include "models/openai_responses.hpp"
#include "tests/support/wire_judge.hpp"
#include "tests/support/wire_replay.hpp"
#include "tests/support/wire_responses.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

bool recordings_are_here() {
  if (wire_directory())
    return true;
  MESSAGE("skipped: the recorded exchanges are not there (../shared/wire, or VARRO_WIRE_DIR)");
  return false;
}

json body_of(const model_query& query) {
  switch (query.model.kind) {
  case provider_kind::anthropic:
    return anthropic::encode_body(query);
  case provider_kind::google:
    return google::encode_body(query);
  case provider_kind::openai_responses:
    return openai_responses::encode_body(query);
  default:
    return openai_chat::encode_body(query);
  }
}

void check_decoding(const recording& file) {
  for (size_t i = 0; i < file.exchanges.size(); ++i) {
    CAPTURE(i);
    const auto& exchange = file.exchanges[i];
    const auto whole = decode(file, exchange, cuts::none);
    CHECK(decoding_fault(exchange, whole) == "");
    for (const auto how : {cuts::every_byte, cuts::random}) {
      const auto cut = decode(file, exchange, how);
      REQUIRE(cut.response.has_value() == whole.response.has_value());
      if (whole.response)
        CHECK(difference(steady(*whole.response), steady(*cut.response)) == "");
      else
        CHECK(cut.error->message == whole.error->message);
    }
  }
}

// Every response that pydantic-ai made of this file is one of ours, in the same order.
int check_parsed(const recording& file) {
  if (file.parsed.is_null())
    return 0;
  std::vector<json> ours;
  for (const auto& exchange : file.exchanges)
    if (const auto outcome = decode(file, exchange, cuts::none); outcome.response)
      ours.push_back(to_json(message(*outcome.response)));
  int checked = 0;
  for (const auto& list : file.parsed.at("lists")) {
    size_t next = 0;
    for (const auto& expected : list.at("messages")) {
      if (expected.at("kind") != "response")
        continue;
      std::string first_difference;
      for (; next < ours.size(); ++next) {
        const auto found = response_difference(expected, ours[next]);
        if (found.empty())
          break;
        if (first_difference.empty())
          first_difference = found;
      }
      CHECK_MESSAGE(next < ours.size(), "no answer of ours is the parsed one: " << first_difference);
      ++next;
      ++checked;
    }
  }
  return checked;
}

// A request that the vendor refused for good says nothing about how one should look.
struct compared {
  int requests = 0;
  int following = 0; // of these, those whose history holds answers that we decoded
};

void check_requests(const recording& file, compared& checked) {
  for (size_t i = 0; i < file.exchanges.size(); ++i) {
    CAPTURE(i);
    const auto& exchange = file.exchanges[i];
    if (exchange.status >= 400 && exchange.status < 500 && exchange.status != 429)
      continue;
    const auto body = body_of(query_for(file, i));
    CHECK(cache_mark_fault(file.kind, body) == "");
    const auto recorded = canonical_request(file.kind, exchange.request);
    auto ours = canonical_request(file.kind, body);
    forgive_additions(recorded, ours);
    CHECK(difference(recorded, ours) == "");
    ++checked.requests;
    checked.following += goes_on(file, i) ? 1 : 0;
  }
}

void check_kind(const char* kind) {
  if (!recordings_are_here())
    return;
  const auto files = recordings_of(kind);
  CHECK(!files.empty());
  int responses = 0;
  compared checked;
  for (const auto& file : files) {
    CAPTURE(file.name);
    check_decoding(file);
    responses += check_parsed(file);
    check_requests(file, checked);
  }
  MESSAGE(std::string(kind) << ": " << files.size() << " recordings, " << responses << " parsed responses, "
                            << checked.requests << " requests compared, " << checked.following
                            << " of them after answers of our own decoding");
  CHECK(checked.following > 0);
}

} // namespace

TEST_CASE("every recorded exchange with the Messages API decodes and encodes as recorded") {
  check_kind("anthropic");
}

TEST_CASE("every recorded exchange of chat completions decodes and encodes as recorded") {
  check_kind("openai-chat");
}

TEST_CASE("every recorded exchange of generateContent decodes and encodes as recorded") {
  check_kind("google");
}

TEST_CASE("every recorded exchange of the Responses API decodes and encodes as recorded") {
  check_kind("openai-responses");
}
