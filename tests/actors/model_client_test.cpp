#include "actors/model_client.hpp"

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

  request_id start(http_request request, transport_limits, transport_callbacks callbacks) override {
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

struct fixture {
  struct configuration : caf::actor_system_config {
    configuration() {
      add_message_types<caf::id_block::varro>();
      set("scheduler.policy", caf::atom("testing"));
    }
  };
  configuration system_config;
  caf::actor_system system{system_config};
  std::shared_ptr<config> settings = std::make_shared<config>();
  std::shared_ptr<played_transport> network = std::make_shared<played_transport>();
  model_client_actor client
    = system.spawn(model_client, std::shared_ptr<const config>{settings}, std::shared_ptr<http_transport>{network});
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
    query.history = std::make_shared<const std::vector<message>>(std::vector<message>{request});
    return query;
  }

  using response_handle = decltype(std::declval<caf::scoped_actor&>()->request(
    std::declval<model_client_actor&>(), caf::infinite, ask_atom_v, int64_t{1}, std::declval<model_query>()));

  response_handle ask(model_query what = query()) {
    auto handle = self->request(client, caf::infinite, ask_atom_v, int64_t{1}, std::move(what));
    coordinator().run();
    return handle;
  }

  bool answered(response_handle& handle) {
    coordinator().run();
    if (self->mailbox().empty())
      return false;
    handle.receive([&](model_response& value) { response = value; }, [&](caf::error& e) { error = e; });
    return true;
  }

  void wait(std::chrono::milliseconds span) {
    coordinator().advance_time(span);
    coordinator().run();
  }
};

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

TEST_CASE_FIXTURE(fixture, "a connection that drops before any content is tried again, after content it is an error") {
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
  REQUIRE(answered(handle));
  CHECK(code_of(*error) == errc::model_unreachable);
  CHECK(network->requests.size() == 2);
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
