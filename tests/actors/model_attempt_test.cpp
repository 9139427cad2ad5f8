#include "actors/model_attempt.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

using reason = transport_end::reason;

model_query anthropic_query() {
  model_query query;
  query.model.id = "anthropic:sonnet";
  query.model.provider = "anthropic";
  query.model.name = "sonnet";
  query.model.kind = provider_kind::anthropic;
  return query;
}

// The answer as far as it came, and how it ended.
usage_row used(std::string_view body, transport_end end, bool stopped = false) {
  auto query = anthropic_query();
  auto decoder = provider_for(query.model.kind).decoder(query, end.http_status, "text/event-stream");
  decoder->feed(body);
  return usage_of({query.model, 7, 5'000, stopped}, conclude(end.http_status == 0 ? nullptr : decoder.get(), end));
}

transport_end ended(reason why, int status = 200) {
  transport_end end;
  end.why = why;
  end.http_status = status;
  return end;
}

const std::string begin
  = R"(data: {"type":"message_start","message":{"id":"msg_1","model":"sonnet","usage":{"input_tokens":10,)"
    R"("output_tokens":1,"cache_creation_input_tokens":30,"cache_read_input_tokens":500,"cache_creation":)"
    R"({"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}}}}

)";
const std::string words = R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Three hundred characters, about: a hundred tokens. Three hundred characters, about."}}

)";
const std::string finish
  = R"(data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":77}}

data: {"type":"message_stop"}

)";

} // namespace

TEST_CASE("an answered request has what the vendor told, by class and lifetime, and is no estimate") {
  auto row = used(begin + words + finish, ended(reason::complete));
  CHECK(row.outcome == usage_outcome::answered);
  CHECK_FALSE(row.estimated);
  CHECK(row.tokens == billed_tokens{10, 77, 500, 20, 10});
  CHECK(row.at == 7);
  CHECK(row.model == "anthropic:sonnet");
  CHECK(row.provider == "anthropic");
  CHECK(row.vendor_id == "msg_1");
}

TEST_CASE("of a stream that breaks off, the request is what the vendor told and the answer what was received") {
  auto row = used(begin + words, ended(reason::dropped));
  CHECK(row.outcome == usage_outcome::broken);
  CHECK(row.estimated);
  CHECK(row.tokens.input == 10);
  CHECK(row.tokens.cache_read == 500);
  CHECK(row.tokens.output > 20);
  CHECK(row.tokens.output < 60);
  CHECK(used(begin, ended(reason::timed_out)).tokens.output == 1);
}

TEST_CASE("a stopped request is an estimate, also when it had told nothing yet") {
  auto row = used(begin + words, ended(reason::cancelled), true);
  CHECK(row.outcome == usage_outcome::stopped);
  CHECK(row.estimated);
  CHECK(row.tokens.input == 10);
  CHECK(row.tokens.output > 20);
  auto silent = used("", ended(reason::cancelled, 0), true);
  CHECK(silent.outcome == usage_outcome::stopped);
  CHECK(silent.estimated);
  CHECK(silent.tokens == billed_tokens{5'000, 0, 0, 0, 0});
}

TEST_CASE("a connection that broke off before the answer may have been billed, and one that never was has not") {
  auto silent = used("", ended(reason::dropped, 0));
  CHECK(silent.outcome == usage_outcome::broken);
  CHECK(silent.estimated);
  CHECK(silent.tokens.input == 5'000);
  auto end = ended(reason::connect_failed, 0);
  end.unsent = true;
  auto unsent = used("", end);
  CHECK(unsent.outcome == usage_outcome::unsent);
  CHECK_FALSE(unsent.estimated);
  CHECK(unsent.tokens == billed_tokens{});
}

TEST_CASE("a refusal is billed nothing, wherever it stands, unless the vendor told usage before") {
  const std::string overloaded = R"(data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}

)";
  auto status = used(R"({"type":"error","error":{"type":"api_error","message":"no"}})", ended(reason::complete, 500));
  CHECK(status.outcome == usage_outcome::refused);
  CHECK_FALSE(status.estimated);
  CHECK(status.tokens == billed_tokens{});
  CHECK(used(R"({"type":"err)", ended(reason::dropped, 500)).outcome == usage_outcome::refused);
  CHECK(used(overloaded, ended(reason::complete)).outcome == usage_outcome::refused);
  auto late = used(begin + words + overloaded, ended(reason::complete));
  CHECK(late.outcome == usage_outcome::broken);
  CHECK(late.estimated);
  CHECK(late.tokens.cache_read == 500);
}

TEST_CASE("what cannot be read and a vendor that tells nothing are estimates") {
  auto garbage = used("data: {]\n\n", ended(reason::complete));
  CHECK(garbage.outcome == usage_outcome::broken);
  CHECK(garbage.estimated);
  CHECK(garbage.tokens.input == 5'000);
  const std::string quiet = R"(data: {"type":"message_start","message":{"id":"msg_1","model":"sonnet"}}

)";
  const std::string end = R"(data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}

data: {"type":"message_stop"}

)";
  auto row = used(quiet + words + end, ended(reason::complete));
  CHECK(row.outcome == usage_outcome::answered);
  CHECK(row.estimated);
  CHECK(row.tokens.input == 5'000);
  CHECK(row.tokens.output > 20);
}
