#include "actors/model_client.hpp"
#include "actors/model_failures.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <doctest/doctest.h>

#include <deque>

using namespace varro;
using namespace std::chrono_literals;

namespace {

// A network that the test plays: it keeps what was sent and answers when it is told to.
class played_transport : public http_transport {
public:
  struct sent {
    request_id id;
    http_request request;
    transport_callbacks callbacks;
  };

  request_id start(http_request request, transport_limits limit, transport_callbacks callbacks) override {
    limits.push_back(limit);
    requests.push_back({++last_id_, std::move(request), std::move(callbacks)});
    return last_id_;
  }

  void cancel(request_id id) override {
    cancelled.push_back(id);
    if (!ends_when_cancelled)
      return;
    transport_end end;
    end.why = transport_end::reason::cancelled;
    end.http_status = head_status;
    requests[id - 1].callbacks.on_end(end);
  }

  void answer(size_t index, int status, std::string_view body, std::optional<std::chrono::milliseconds> after = {}) {
    auto& callbacks = requests[index].callbacks;
    callbacks.on_head(status, status == 200 ? "text/event-stream" : "application/json");
    callbacks.on_bytes(body);
    transport_end end;
    end.http_status = status;
    end.retry_after = after;
    callbacks.on_end(end);
  }

  void fail(size_t index, transport_end::reason why) {
    transport_end end;
    end.why = why;
    end.detail = "Connection refused";
    requests[index].callbacks.on_end(end);
  }

  std::vector<sent> requests;
  std::vector<transport_limits> limits;
  std::vector<request_id> cancelled;
  bool ends_when_cancelled = true; // else the answer was already on its way
  int head_status = 0;             // of the request that is cancelled

private:
  request_id last_id_ = 0;
};

constexpr auto hello_stream = "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
                              "\"assistant\",\"content\":\"hello\"},\"finish_reason\":null}]}\n\n"
                              "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},"
                              "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

constexpr auto begun_message
  = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"type\":\"message\","
    "\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,"
    "\"usage\":{\"input_tokens\":21,\"output_tokens\":3}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
    "{\"type\":\"text\",\"text\":\"Hel\"}}\n\n";

constexpr auto too_long
  = R"({"error":{"message":"This model's maximum context length is 20000 tokens. However, your messages )"
    R"(resulted in 40000 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}})";

// An agent_run that asks, and notes what it is told in order.
agent_run_actor::behavior_type asking_twin(agent_run_actor::pointer self, model_client_actor client,
                                           std::shared_ptr<std::vector<std::string>> log);

struct fixture {
  struct configuration : caf::actor_system_config {
    configuration() {
      add_message_types<caf::id_block::varro_base>();
      add_message_types<caf::id_block::varro>();
      set("scheduler.policy", caf::atom("testing"));
    }
  };
  configuration system_config;
  caf::actor_system system{system_config};
  std::shared_ptr<config> settings = std::make_shared<config>();
  std::shared_ptr<played_transport> network = std::make_shared<played_transport>();
  std::shared_ptr<config_in_force> in_force = std::make_shared<config_in_force>(settings);
  model_client_actor client = system.spawn(model_client, std::shared_ptr<const config_in_force>{in_force},
                                           std::shared_ptr<http_transport>{network}, picture_scaler_actor{});
  caf::scoped_actor self{system, true};
  std::optional<model_response> response;
  std::optional<caf::error> error;

  ~fixture() {
    caf::anon_send_exit(client, caf::exit_reason::kill);
    client = nullptr;
    coordinator().run();
  }

  caf::scheduler::test_coordinator& coordinator() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

  static model_query query(provider_kind kind = provider_kind::openai) {
    model_query query;
    query.model.id = "test:m";
    query.model.kind = kind;
    query.model.provider = "test";
    query.model.name = "m";
    query.model.base_url = "http://127.0.0.1:9/v1";
    query.model.api_key = "sk-secret-1234";
    model_request request;
    request.parts.push_back(user_prompt_part{"hi", "2026-01-01T00:00:00Z"});
    query.history = std::make_shared<const message_history>(message_history{request});
    return query;
  }

  // A question that was asked, and its answer once there is one.
  struct asked {
    std::optional<caf::expected<model_response>> answer;
  };
  using response_handle = std::shared_ptr<asked>;

  // An actor of its own: who asks is told what each attempt has used, too.
  static caf::behavior asker(caf::event_based_actor* self, const response_handle& handle,
                             const model_client_actor& client, const model_query& what) {
    self->request(client, caf::infinite, ask_atom_v, int64_t{1}, what)
      .then(
        [=](const model_response& value) {
          handle->answer = value;
          self->quit();
        },
        [=](caf::error& e) {
          handle->answer = std::move(e);
          self->quit();
        });
    return {[](usage_atom, const usage_row&, const token_usage&) {}};
  }

  response_handle ask(model_query what = query()) {
    auto handle = std::make_shared<asked>();
    system.spawn(asker, handle, client, std::move(what));
    coordinator().run();
    return handle;
  }

  bool answered(response_handle& handle) {
    coordinator().run();
    if (!handle->answer)
      return false;
    if (*handle->answer)
      response = **handle->answer;
    else
      error = handle->answer->error();
    handle->answer.reset();
    return true;
  }

  void wait(std::chrono::milliseconds span) {
    coordinator().advance_time(span);
    coordinator().run();
  }
};

agent_run_actor::behavior_type asking_twin(agent_run_actor::pointer self, model_client_actor client,
                                           std::shared_ptr<std::vector<std::string>> log) {
  return {
    [=](step_atom) {
      self->request(client, caf::infinite, ask_atom_v, int64_t{1}, fixture::query(provider_kind::anthropic))
        .then([=](const model_response&) { log->push_back("response"); },
              [=](const caf::error&) { log->push_back("error"); });
    },
    [](result_atom, const tool_outcome&) {},
    [=](usage_atom, const usage_row& row, const token_usage& spent) {
      log->push_back(row.outcome + (row.estimated ? ", estimated, spent " : ", spent ")
                     + std::to_string(spent.input_tokens) + " " + std::to_string(spent.output_tokens));
    },
    [](cancel_atom) {},
  };
}

// Questions of about a thousand tokens each, with short answers.
model_query long_chat(int turns) {
  auto asked = fixture::query();
  message_history history;
  for (int i = 0; i < turns; ++i) {
    model_request request;
    request.parts.push_back(user_prompt_part{std::string(3'000, 'a') + std::to_string(i), "2026-01-01T00:00:00Z"});
    model_response answer;
    text_part text;
    text.content = "fine";
    answer.parts.push_back(text);
    history.push_back(request);
    history.push_back(answer);
  }
  history.pop_back();
  asked.history = std::make_shared<const message_history>(history);
  return asked;
}

std::string text_of_response(const model_response& response) {
  for (const auto& part : response.parts)
    if (const auto* text = std::get_if<text_part>(&part))
      return text->content;
  return {};
}

} // namespace

TEST_CASE_FIXTURE(fixture, "a streamed answer becomes one response") {
  auto handle = ask();
  REQUIRE(network->requests.size() == 1);
  network->answer(0, 200, hello_stream);
  REQUIRE(answered(handle));
  REQUIRE(response);
  CHECK(text_of_response(*response) == "hello");
}

TEST_CASE_FIXTURE(fixture, "statuses that pass are tried again, statuses that do not are not") {
  for (int status : {408, 409, 429, 500, 502, 503, 529}) {
    network->requests.clear();
    auto handle = ask();
    network->answer(0, status, R"({"error":{"message":"later"}})");
    CHECK_FALSE(answered(handle));
    wait(settings->model_client.backoff_first);
    REQUIRE_MESSAGE(network->requests.size() == 2, status);
    network->answer(1, 200, hello_stream);
    CHECK(answered(handle));
  }
  for (int status : {400, 401, 403, 404, 413, 422}) {
    network->requests.clear();
    error.reset();
    auto handle = ask();
    network->answer(0, status, R"({"error":{"message":"never, sk-secret-1234"}})");
    REQUIRE(answered(handle));
    REQUIRE(error);
    CHECK(code_of(*error) == errc::model_rejected);
    CHECK(text_of(*error).find("never") != std::string::npos);
    CHECK(text_of(*error).find("sk-secret") == std::string::npos);
  }
}

TEST_CASE_FIXTURE(fixture, "an account without credit is not asked again, although its status is 429") {
  auto handle = ask();
  network->answer(0, 429, R"({"error":{"message":"You exceeded your quota","type":"insufficient_quota"}})");
  REQUIRE(answered(handle));
  CHECK(text_of(*error).find("quota") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "retries end after the limit, with the vendor's words") {
  auto handle = ask();
  for (int attempt = 0; attempt <= settings->model_client.retries_max; ++attempt) {
    REQUIRE(network->requests.size() == static_cast<size_t>(attempt) + 1);
    network->answer(static_cast<size_t>(attempt), 503, R"({"error":{"message":"overloaded today"}})");
    coordinator().run();
    wait(settings->model_client.backoff_max);
  }
  REQUIRE(answered(handle));
  CHECK(code_of(*error) == errc::model_unreachable);
  CHECK(text_of(*error).find("overloaded today") != std::string::npos);
  CHECK(text_of(*error).find("5 times") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "retry-after is obeyed, and one that is too long is an error") {
  auto handle = ask();
  network->answer(0, 429, R"({"error":{"message":"slow down"}})", 20'000ms);
  coordinator().run();
  wait(19'900ms);
  CHECK(network->requests.size() == 1);
  wait(200ms);
  CHECK(network->requests.size() == 2);
  network->answer(1, 429, R"({"error":{"message":"slow down"}})", settings->model_client.retry_after_max + 1ms);
  REQUIRE(answered(handle));
  CHECK(code_of(*error) == errc::model_unreachable);
}

TEST_CASE_FIXTURE(fixture,
                  "a connection that drops is tried again, also in the middle of an answer: nobody has seen it") {
  auto handle = ask();
  network->fail(0, transport_end::reason::connect_failed);
  coordinator().run();
  wait(settings->model_client.backoff_first);
  REQUIRE(network->requests.size() == 2);
  auto& callbacks = network->requests[1].callbacks;
  callbacks.on_head(200, "text/event-stream");
  callbacks.on_bytes(
    "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\"}}]}\n\n");
  transport_end end;
  end.why = transport_end::reason::dropped;
  end.http_status = 200;
  callbacks.on_end(end);
  CHECK_FALSE(answered(handle));
  wait(settings->model_client.backoff_max);
  REQUIRE(network->requests.size() == 3);
  network->answer(2, 200, hello_stream);
  REQUIRE(answered(handle));
  REQUIRE(response);
  CHECK(text_of_response(*response) == "hello");
}

TEST_CASE_FIXTURE(fixture, "a vendor that is overloaded in the middle of its answer is asked again") {
  auto handle = ask(query(provider_kind::anthropic));
  network->answer(0, 200,
                  std::string(begun_message)
                    + "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
                      "\"message\":\"Overloaded\"}}\n\n");
  CHECK_FALSE(answered(handle));
  wait(settings->model_client.backoff_first);
  REQUIRE(network->requests.size() == 2);
  // One that says something final is not.
  network->answer(1, 200,
                  std::string(begun_message)
                    + "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
                      "\"message\":\"No\"}}\n\n");
  REQUIRE(answered(handle));
  CHECK(network->requests.size() == 2);
  CHECK(text_of(*error).find("No") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "a stream that stops without a sign of its end is asked for again, once") {
  const auto cut = std::string{hello_stream}.substr(0, std::string_view{hello_stream}.find("\n\n") + 2);
  auto handle = ask();
  network->answer(0, 200, cut);
  CHECK_FALSE(answered(handle));
  wait(settings->model_client.backoff_max);
  REQUIRE(network->requests.size() == 2);
  network->answer(1, 200, hello_stream);
  REQUIRE(answered(handle));
  CHECK(response->finish_reason == "stop");

  // A server that never says it is believed from the second time on, and not asked twice for each answer.
  auto other = ask();
  network->answer(2, 200, cut);
  coordinator().run();
  wait(settings->model_client.backoff_max);
  REQUIRE(network->requests.size() == 4);
  network->answer(3, 200, cut);
  REQUIRE(answered(other));
  CHECK(text_of_response(*response) == "hello");
  auto third = ask();
  network->answer(4, 200, cut);
  REQUIRE(answered(third));
  CHECK(network->requests.size() == 5);

  // Once it does say it, a missing sign means something again.
  auto fourth = ask();
  network->answer(5, 200, hello_stream);
  REQUIRE(answered(fourth));
  auto fifth = ask();
  network->answer(6, 200, cut);
  CHECK_FALSE(answered(fifth));
}

TEST_CASE_FIXTURE(fixture, "a model that refused to stream is asked for whole answers from then on") {
  settings->model_client.retries_max = 0;
  auto handle = ask();
  network->answer(0, 400,
                  R"({"error":{"message":"Your organization must be verified to stream this model.",)"
                  R"("type":"invalid_request_error","param":"stream","code":"unsupported_value"}})");
  CHECK_FALSE(answered(handle));
  REQUIRE(network->requests.size() == 2);
  CHECK(json::parse(network->requests[1].request.body)["stream"] == false);
  network->answer(1, 200, R"({"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]})");
  REQUIRE(answered(handle));
  ask();
  REQUIRE(network->requests.size() == 3);
  CHECK(json::parse(network->requests[2].request.body)["stream"] == false);
}

TEST_CASE_FIXTURE(fixture, "a reload holds for the next request, and what was learned of a model is forgotten") {
  auto handle = ask();
  network->answer(0, 400,
                  R"({"error":{"message":"Your organization must be verified to stream this model.",)"
                  R"("type":"invalid_request_error","param":"stream","code":"unsupported_value"}})");
  CHECK_FALSE(answered(handle));
  network->answer(1, 200, R"({"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]})");
  REQUIRE(answered(handle));
  auto next = std::make_shared<config>();
  next->model_client.retries_max = 0;
  in_force->exchange(next, {});
  auto again = ask();
  REQUIRE(network->requests.size() == 3);
  CHECK(json::parse(network->requests[2].request.body)["stream"] == true);
  network->answer(2, 503, R"({"error":{"message":"overloaded today"}})");
  REQUIRE(answered(again)); // and not asked once more
  CHECK(text_of(*error).find("overloaded today") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "an error inside an answer of status 200 does not read as if nobody had answered") {
  auto handle = ask();
  network->answer(0, 200,
                  "data: {\"error\":{\"message\":\"No such deployment\",\"type\":\"invalid_request_error\"}}\n\n");
  REQUIRE(answered(handle));
  CHECK(text_of(*error).find("No such deployment") != std::string::npos);
  CHECK(text_of(*error).find("could not be reached") == std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "a time limit is no reason to pay more than once more") {
  auto handle = ask();
  for (int attempt = 0; attempt <= settings->model_client.timeouts_max; ++attempt) {
    REQUIRE(network->requests.size() == static_cast<size_t>(attempt) + 1);
    network->fail(static_cast<size_t>(attempt), transport_end::reason::timed_out);
    coordinator().run();
    wait(settings->model_client.backoff_max);
  }
  REQUIRE(answered(handle));
  CHECK(network->requests.size() == 2);
  CHECK(text_of(*error).find("did not answer in time") != std::string::npos);
  CHECK(text_of(*error).find("silence_max_ms") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "other failures before a time limit do not use up its one attempt") {
  ask();
  network->answer(0, 503, "{}");
  coordinator().run();
  wait(settings->model_client.backoff_max);
  REQUIRE(network->requests.size() == 2);
  network->fail(1, transport_end::reason::timed_out);
  coordinator().run();
  wait(settings->model_client.backoff_max);
  CHECK(network->requests.size() == 3);
}

TEST_CASE_FIXTURE(fixture, "a model may be silent for ten minutes, as with the vendors' own clients") {
  ask();
  REQUIRE(network->limits.size() == 1);
  CHECK(network->limits[0].first_byte_max == 600'000ms);
  CHECK(network->limits[0].silence_max == 600'000ms);
}

TEST_CASE_FIXTURE(fixture, "what failed attempts have used is told to the run that asked, before the answer") {
  auto log = std::make_shared<std::vector<std::string>>();
  auto asker = system.spawn(asking_twin, client, log);
  caf::anon_send(asker, step_atom_v);
  coordinator().run();
  auto& callbacks = network->requests.at(0).callbacks;
  callbacks.on_head(200, "text/event-stream");
  callbacks.on_bytes(begun_message);
  transport_end end;
  end.why = transport_end::reason::dropped;
  end.http_status = 200;
  end.unanswered = 1; // sent twice
  callbacks.on_end(end);
  coordinator().run();
  wait(settings->model_client.backoff_max);
  REQUIRE(network->requests.size() == 2);
  network->answer(1, 503, "{}");
  coordinator().run();
  wait(settings->model_client.backoff_max);
  REQUIRE(network->requests.size() == 3);
  network->answer(2, 400, R"({"error":{"message":"no more"}})");
  coordinator().run();
  CHECK(*log
        == std::vector<std::string>{"broken, estimated, spent 0 0", "broken, estimated, spent 21 3",
                                    "refused, spent 0 0", "refused, spent 0 0", "error"});
  caf::anon_send_exit(asker, caf::exit_reason::kill);
  coordinator().run();
}

TEST_CASE_FIXTURE(fixture, "a request that is longer than the vendor takes is asked once more, shorter") {
  auto asked = long_chat(40);
  auto handle = ask(asked);
  auto whole = network->requests[0].request.body.size();
  network->answer(0, 400, too_long);
  CHECK_FALSE(answered(handle));
  REQUIRE(network->requests.size() == 2);
  CHECK(network->requests[1].request.body.size() < whole / 2);
  CHECK(network->requests[1].request.body.find("39\"") != std::string::npos);
  SUBCASE("and the answer says what it was asked without") {
    network->answer(1, 200, hello_stream);
    REQUIRE(answered(handle));
    CHECK(left_out_of(response->metadata).turns > 0);
    CHECK(marks_left_out(response->metadata));
  }
  SUBCASE("a few times, each one shorter, and then no more") {
    for (size_t sent = 1; sent < network->requests.size(); ++sent) {
      CHECK(network->requests[sent].request.body.size() < network->requests[sent - 1].request.body.size());
      network->answer(sent, 400, too_long);
      coordinator().run();
    }
    CHECK(network->requests.size() <= static_cast<size_t>(shortenings_max) + 1);
    REQUIRE(answered(handle));
    CHECK(code_of(*error) == errc::model_rejected);
    CHECK(text_of(*error).find("fork an earlier turn") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(fixture, "what a vendor said about its limit is remembered: the next request is short at once") {
  auto asked = long_chat(40);
  auto handle = ask(asked);
  network->answer(0, 400, too_long);
  coordinator().run();
  REQUIRE(network->requests.size() == 2);
  network->answer(1, 200, hello_stream);
  REQUIRE(answered(handle));
  ask(asked);
  REQUIRE(network->requests.size() == 3);
  CHECK(network->requests[2].request.body.size() <= network->requests[1].request.body.size());
}

TEST_CASE_FIXTURE(fixture, "a vendor that counts otherwise than we do gets a shorter request all the same") {
  // Its own count of an earlier answer makes us believe that there is plenty of room.
  auto asked = long_chat(40);
  auto history = *asked.history;
  for (auto& content : history)
    if (const auto* answer = content.as<model_response>()) {
      auto counted = *answer;
      counted.usage.input_tokens = 10;
      content = std::move(counted);
    }
  asked.history = std::make_shared<const message_history>(history);
  asked.model.context_tokens_max = 200'000;
  ask(asked);
  network->answer(0, 400, R"({"error":{"message":"Your input exceeds the context window of this model.","type":"x"}})");
  coordinator().run();
  REQUIRE(network->requests.size() == 2);
  CHECK(network->requests[1].request.body.size() < network->requests[0].request.body.size() * 2 / 3);
}

TEST_CASE_FIXTURE(
  fixture, "a refusal in words that nobody knows is taken once for one of the length, and forgotten if it was not") {
  constexpr auto unknown = R"({"error":{"message":"Fehler 17: so nicht","type":"bad_request"}})";
  auto asked = long_chat(40);
  auto handle = ask(asked);
  const auto whole = network->requests[0].request.body.size();
  network->answer(0, 400, unknown);
  CHECK_FALSE(answered(handle));
  REQUIRE(network->requests.size() == 2);
  CHECK(network->requests[1].request.body.size() < whole * 3 / 4);
  SUBCASE("it was the length: the next request is short at once") {
    network->answer(1, 200, hello_stream);
    REQUIRE(answered(handle));
    ask(asked);
    CHECK(network->requests[2].request.body.size() < whole * 3 / 4);
  }
  SUBCASE("it was not: the user reads the vendor's words, and the next request is whole") {
    network->answer(1, 400, unknown);
    REQUIRE(answered(handle));
    CHECK(text_of(*error).find("Fehler 17") != std::string::npos);
    ask(asked);
    REQUIRE(network->requests.size() == 3);
    CHECK(network->requests[2].request.body.size() == whole);
  }
}

TEST_CASE_FIXTURE(fixture, "a short chat is not made shorter for a refusal in words that nobody knows") {
  auto handle = ask(long_chat(2));
  network->answer(0, 400, R"({"error":{"message":"Fehler 17: so nicht"}})");
  REQUIRE(answered(handle));
  CHECK(network->requests.size() == 1);
}

TEST_CASE_FIXTURE(fixture, "what is too large although no words can be left out is asked without its pictures") {
  auto asked = query();
  asked.model.vision = true;
  model_request request;
  std::vector<user_content> items{std::string{"look"},
                                  binary_content{std::string(60'000, 'x'), "image/png", nullptr, "id"}};
  request.parts.push_back(user_prompt_part{items, "2026-01-01T00:00:00Z"});
  asked.history = std::make_shared<const message_history>(message_history{request});
  auto handle = ask(asked);
  network->answer(0, 413, "<html>413 Request Entity Too Large</html>");
  CHECK_FALSE(answered(handle));
  REQUIRE(network->requests.size() == 2);
  CHECK(network->requests[1].request.body.size() < 10'000);
  network->answer(1, 200, hello_stream);
  REQUIRE(answered(handle));
  CHECK(left_out_of(response->metadata).pictures == 1);
}

TEST_CASE_FIXTURE(fixture, "a server that sends to the other API and does not have it is asked as before") {
  constexpr auto elsewhere = R"({"error":{"message":"Function tools are not supported. Please use /v1/responses."}})";
  constexpr auto no_route = R"x({"error":{"message":"Invalid URL (POST /v1/responses)","code":"unknown_url"}})x";
  auto handle = ask();
  network->answer(0, 400, elsewhere);
  coordinator().run();
  REQUIRE(network->requests.size() == 2);
  CHECK(network->requests[1].request.url.ends_with("/responses"));
  network->answer(1, 404, no_route);
  CHECK_FALSE(answered(handle));
  REQUIRE(network->requests.size() == 3);
  CHECK(network->requests[2].request.url.ends_with("/chat/completions"));
  network->answer(2, 200, hello_stream);
  REQUIRE(answered(handle));
  ask();
  REQUIRE(network->requests.size() == 4);
  CHECK(network->requests[3].request.url.ends_with("/chat/completions"));
}

TEST_CASE_FIXTURE(fixture, "what cannot be made shorter is not sent a second time, whatever the status") {
  auto handle = ask(long_chat(1));
  network->answer(
    0, 500,
    R"({"error":{"code":500,"message":"the request exceeds the available context size","type":"server_error"}})");
  REQUIRE(answered(handle));
  CHECK(network->requests.size() == 1);
  CHECK(text_of(*error).find("longer than") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "a model whose context is known is never sent more than that") {
  auto asked = query();
  asked.model.context_tokens_max = 4'000;
  message_history history;
  for (int i = 0; i < 10; ++i) {
    model_request request;
    request.parts.push_back(user_prompt_part{std::string(3'000, 'a'), "2026-01-01T00:00:00Z"});
    model_response answer;
    text_part text;
    text.content = "fine";
    answer.parts.push_back(text);
    history.push_back(request);
    history.push_back(answer);
  }
  history.pop_back();
  asked.history = std::make_shared<const message_history>(history);
  ask(asked);
  CHECK(network->requests.at(0).request.body.size() < 12'000);
  CHECK(network->requests.at(0).request.body.find("earlier turns of this chat were left out") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "an answer that the vendor refused in the middle is not sent back") {
  auto asked = query();
  model_request request;
  request.parts.push_back(user_prompt_part{"hi", "2026-01-01T00:00:00Z"});
  model_response refused;
  text_part text;
  text.content = "forbidden half";
  refused.parts.push_back(text);
  refused.finish_reason = "content_filter";
  asked.history = std::make_shared<const message_history>(message_history{request, refused, request});
  ask(asked);
  CHECK(network->requests.at(0).request.body.find("forbidden half") == std::string::npos);
}

TEST_CASE("a refusal is mended in the way that it names, where there is one") {
  using remedy = vendor_error::remedy;
  auto query = fixture::query(provider_kind::openai);
  auto mended = [&](remedy needs) {
    vendor_error error;
    error.needs = needs;
    return remedied(query, error);
  };
  CHECK_FALSE(mended(remedy::none));
  CHECK_FALSE(mended(remedy::chat_completions)); // it is that already
  REQUIRE(mended(remedy::responses_api));
  CHECK(mended(remedy::responses_api)->model.kind == provider_kind::openai_responses);
  query.model.kind = provider_kind::openai_responses;
  CHECK_FALSE(mended(remedy::chat_completions)); // the configuration says which API this provider has
  query.model.either_openai_api = true;
  CHECK(mended(remedy::chat_completions)->model.kind == provider_kind::openai);
  CHECK(mended(remedy::no_thinking)->without_thinking);
  CHECK(mended(remedy::no_pictures)->without_pictures);
  CHECK(mended(remedy::no_summary)->without_summary);
  CHECK(mended(remedy::no_stream)->settings["stream"] == false);
  CHECK(mended(remedy::shorter));
}

TEST_CASE_FIXTURE(fixture, "a stop closes the connection and answers at once") {
  auto handle = ask();
  self->send(client, cancel_atom_v, int64_t{1});
  REQUIRE(answered(handle));
  CHECK(code_of(*error) == errc::cancelled);
  CHECK(network->cancelled == std::vector<http_transport::request_id>{1});
  CHECK(network->requests.size() == 1); // and is not tried again
}

TEST_CASE_FIXTURE(fixture, "a stopped request answers with what it has cost until then") {
  auto handle = ask(query(provider_kind::anthropic));
  auto& callbacks = network->requests[0].callbacks;
  callbacks.on_head(200, "text/event-stream");
  callbacks.on_bytes("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"type\":"
                     "\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,"
                     "\"usage\":{\"input_tokens\":21,\"output_tokens\":3}}}\n\n");
  network->head_status = 200;
  self->send(client, cancel_atom_v, int64_t{1});
  REQUIRE(answered(handle));
  REQUIRE(response);
  CHECK(response->state == "interrupted");
  CHECK(response->usage.input_tokens == 21);
  CHECK(response->usage.output_tokens == 3);
}

TEST_CASE_FIXTURE(fixture, "a whole answer that a stop no longer reached is not thrown away") {
  auto handle = ask();
  network->ends_when_cancelled = false;
  self->send(client, cancel_atom_v, int64_t{1});
  coordinator().run();
  network->answer(0, 200, hello_stream);
  REQUIRE(answered(handle));
  REQUIRE(response);
  CHECK(response->state == "complete");
}

TEST_CASE_FIXTURE(fixture, "a stopped request that fails meanwhile is stopped, not tried again") {
  auto handle = ask();
  network->ends_when_cancelled = false;
  self->send(client, cancel_atom_v, int64_t{1});
  coordinator().run();
  network->answer(0, 503, "{}");
  REQUIRE(answered(handle));
  CHECK(code_of(*error) == errc::cancelled);
}

TEST_CASE_FIXTURE(fixture, "a stop between two attempts ends the waiting") {
  auto handle = ask();
  network->answer(0, 503, "{}");
  coordinator().run();
  self->send(client, cancel_atom_v, int64_t{1});
  REQUIRE(answered(handle));
  wait(60'000ms);
  CHECK(network->requests.size() == 1);
}

TEST_CASE_FIXTURE(fixture, "the offline model needs no network") {
  auto handle = ask(query(provider_kind::offline));
  REQUIRE(answered(handle));
  CHECK(response);
  CHECK(network->requests.empty());
}

TEST_CASE("back-off doubles up to its ceiling and keeps at least half of it") {
  model_client_config limits;
  limits.backoff_first = 500ms;
  limits.backoff_max = 3'000ms;
  CHECK(backoff(limits, 1, 1.0) == 500ms);
  CHECK(backoff(limits, 1, 0.0) == 250ms);
  CHECK(backoff(limits, 2, 1.0) == 1'000ms);
  CHECK(backoff(limits, 9, 1.0) == 3'000ms);
  CHECK(backoff(limits, 1'000, 0.5) == 2'250ms);
}
