// A gateway on real sockets, with a twin of a session and presenters whose events are easily told apart.
#pragma once

#include "http/http_gateway.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/http_twins.hpp"

#include <thread>
#include <utility>
#include <variant>

#include <doctest/doctest.h>

#include <sys/socket.h>

namespace varro::test {

inline constexpr int64_t chat = 7;

inline stream_event content(int64_t id, std::string data) {
  return {id, "content", std::move(data)};
}
inline const stream_event done{0, "done", "{}"};

// An answer's text is its event's data.
class plain_presenter : public part_presenter {
public:
  void pass(const message_row&) override {}
  void pass(const run_ended&) override {}

protected:
  std::vector<std::string> parts_of(const message_row& row) override {
    return {std::get<text_part>(row.content.as<model_response>()->parts.front()).content};
  }
  std::vector<std::string> parts_of_end(const run_record&) override {
    return {};
  }
  std::string phase_data(const run_phase& phase) override {
    return phase.text;
  }
  std::string over_data(const stream_over&) override {
    return done.data;
  }
};

template <class Presenter = plain_presenter, class... Shared>
presenter_source plain_presenters(Shared... shared) {
  return [=](int64_t, const std::map<int64_t, std::vector<int64_t>>&) -> std::unique_ptr<presenter> {
    return std::make_unique<Presenter>(shared...);
  };
}

// A gateway on real sockets with a twin of a session.
struct gateway_world {
  explicit gateway_world(stream_config limits = {}, presenter_source presenters = plain_presenters()) {
    reader = system.spawn(twin_reader, script);
    gateway = system.middleman().spawn_broker(http_gateway, limits, reader, std::move(presenters));
    session = system.spawn(twin_viewed_chat, script);
  }
  ~gateway_world() {
    caf::anon_send(gateway, stop_atom_v);
    caf::anon_send_exit(session, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(reader, caf::exit_reason::user_shutdown);
  }
  // A viewer's end of a stream.
  raw_client open(int64_t after = -1, int64_t of_chat = chat, const std::string& login = "") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    caf::anon_send(gateway, adopt_atom_v, ends[0], of_chat, after, session, login, std::string{"a1"});
    return raw_client{ends[1]};
  }
  // The same of a program, which gets what json_presenter makes.
  raw_client open_program(int64_t after = -1, int64_t of_chat = chat, const std::string& login = "") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    caf::anon_send(gateway, adopt_atom_v, node_atom_v, ends[0], of_chat, after, session, login, std::string{"b2"});
    return raw_client{ends[1]};
  }
  // Waits for the n-th attach; the viewer's id.
  uint64_t attached(size_t n) {
    REQUIRE(script->wait_for([&] { return script->attached.size() >= n; }));
    std::lock_guard lock{script->mutex};
    return script->attached[n - 1].first;
  }
  int64_t attached_after(size_t n) {
    attached(n);
    std::lock_guard lock{script->mutex};
    return script->attached[n - 1].second;
  }
  // What the session tells, so that the viewer gets these events; of `done` only that it is.
  void replay(uint64_t viewer, const std::vector<stream_event>& events, bool follow, int64_t of_chat = chat) {
    chat_replay unseen;
    unseen.history.chat.id = of_chat;
    unseen.follow = follow;
    for (const auto& event : events) {
      auto told = as_told(event);
      if (auto* row = std::get_if<message_row>(&told))
        unseen.history.messages.push_back(std::move(*row));
      else if (auto* phase = std::get_if<run_phase>(&told))
        unseen.phase = std::move(*phase);
      else
        unseen.over = std::get<stream_over>(std::move(told));
    }
    caf::anon_send(gateway, replay_atom_v, viewer, std::move(unseen));
  }
  void publish(const stream_event& event, int64_t of_chat = chat) {
    caf::anon_send(gateway, publish_atom_v, of_chat, as_told(event));
  }
  static chat_event as_told(const stream_event& event) {
    if (event.event == "progress")
      return run_phase{event.data};
    if (event.event == "done")
      return stream_over{};
    return make_row(chat, event.id, answer(event.data));
  }
  int64_t count() {
    caf::scoped_actor self{system};
    int64_t result = -1;
    self->request(gateway, std::chrono::seconds{20}, count_atom_v)
      .receive([&](int64_t n) { result = n; }, [](caf::error&) {});
    return result;
  }
  void wait_for_count(int64_t n) {
    while (count() != n)
      std::this_thread::yield();
  }
  bool detached(size_t n) {
    return script->wait_for([&] { return script->detached.size() >= n; });
  }

  twin_system_config settings;
  caf::actor_system system{settings};
  std::shared_ptr<twin_script> script = std::make_shared<twin_script>();
  store_reader_actor reader;
  http_gateway_actor gateway;
  viewed_chat_actor session;
};

} // namespace varro::test
