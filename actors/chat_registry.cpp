#include "actors/chat_registry.hpp"

#include "actors/chat_session.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace varro {

namespace {

using self_pointer = chat_registry_actor::stateful_pointer<chat_registry_state>;

constexpr auto sweep_period = std::chrono::seconds{30};

// A session that was handed out this recently is about to be used: it is not closed, however many there are.
constexpr auto handed_out_recently = std::chrono::seconds{30};

caf::error stopping() {
  return fail(errc::shutting_down, "The server is stopping. Try again in a moment.");
}

chat_session_actor add_session(self_pointer self, chat_contents contents, bool stored) {
  auto& state = self->state;
  auto chat_id = contents.chat.id;
  auto user_id = contents.chat.user_id;
  auto session = self->spawn<caf::monitored>(chat_session, state.services, std::move(contents), stored);
  state.sessions[chat_id] = {user_id, session, self->clock().now()};
  return session;
}

caf::result<chat_session_actor> find(self_pointer self, int64_t user, int64_t chat) {
  auto& state = self->state;
  if (state.stopping)
    return stopping();
  auto found = state.sessions.find(chat);
  if (found != state.sessions.end()) {
    if (found->second.user_id != user)
      return fail(errc::not_found, "There is no such chat.");
    found->second.found_at = self->clock().now();
    return found->second.session;
  }
  auto promise = self->make_response_promise<chat_session_actor>();
  auto& waiters = state.loading[{user, chat}];
  waiters.push_back(promise);
  if (waiters.size() > 1)
    return promise;
  self->request(state.services.reader, caf::infinite, load_atom_v, user, chat)
    .then(
      [=](chat_contents& contents) {
        auto& s = self->state;
        auto waiting = std::move(s.loading[{user, chat}]);
        s.loading.erase({user, chat});
        if (s.stopping) {
          for (auto& waiter : waiting)
            waiter.deliver(stopping());
          return;
        }
        auto session = add_session(self, std::move(contents), true);
        for (auto& waiter : waiting)
          waiter.deliver(session);
      },
      [=](caf::error& error) {
        auto waiting = std::move(self->state.loading[{user, chat}]);
        self->state.loading.erase({user, chat});
        for (auto& waiter : waiting)
          waiter.deliver(error);
      });
  return promise;
}

// Idle for long, or the least recently used ones beyond the limit.
void sweep(self_pointer self) {
  auto& state = self->state;
  const auto& limits = state.services.settings->chat;
  auto now = self->clock().now();
  std::vector<std::pair<caf::actor_clock::time_point, int64_t>> by_age;
  for (const auto& [chat, entry] : state.sessions)
    if (now - entry.found_at > handed_out_recently)
      by_age.emplace_back(entry.found_at, chat);
  std::sort(by_age.begin(), by_age.end());
  auto resident_max = static_cast<size_t>(limits.resident_max);
  auto excess = state.sessions.size() > resident_max ? state.sessions.size() - resident_max : 0;
  for (size_t i = 0; i < by_age.size(); ++i)
    if (i < excess || now - by_age[i].first > limits.idle)
      self->request(state.sessions[by_age[i].second].session, caf::infinite, passivate_atom_v)
        .then([](bool) {}, [](caf::error&) {});
}

void on_down(self_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  for (auto entry = state.sessions.begin(); entry != state.sessions.end(); ++entry)
    if (entry->second.session.address() == down.source) {
      state.services.stop->is_done(chat_name(entry->first));
      state.sessions.erase(entry);
      break;
    }
  if (!state.stopping || !state.sessions.empty())
    return;
  for (auto& waiter : state.stop_waiters)
    waiter.deliver(done_atom_v);
  self->quit();
}

caf::result<done_atom> stop(self_pointer self) {
  auto& state = self->state;
  auto promise = self->make_response_promise<done_atom>();
  state.stopping = true;
  if (state.sessions.empty()) {
    promise.deliver(done_atom_v);
    self->quit();
    return promise;
  }
  state.stop_waiters.push_back(promise);
  for (auto& [chat, entry] : state.sessions) {
    state.services.stop->waits_for(chat_name(chat), "it has not answered");
    self->request(entry.session, caf::infinite, stop_atom_v).then([](done_atom) {}, [](caf::error&) {});
  }
  return promise;
}

} // namespace

chat_registry_actor::behavior_type chat_registry(self_pointer self, session_services services) {
  self->state.services = std::move(services);
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  self->delayed_send(chat_registry_actor{self}, sweep_period, tick_atom_v);
  return {
    [=](find_atom, int64_t user, int64_t chat) { return find(self, user, chat); },
    [=](start_atom, int64_t user, const std::string& model) -> caf::result<chat_session_actor> {
      auto& state = self->state;
      if (state.stopping)
        return stopping();
      chat_contents contents;
      contents.chat.id = state.services.ids->next_chat++;
      contents.chat.user_id = user;
      contents.chat.model = model;
      return add_session(self, std::move(contents), false);
    },
    [=](resume_atom, int64_t user, int64_t chat) {
      self->request(chat_registry_actor{self}, caf::infinite, find_atom_v, user, chat)
        .then([](chat_session_actor&) {},
              [=](caf::error& error) {
                log(log_level::error,
                    "an open run of chat " + std::to_string(chat) + " was not taken up: " + text_of(error));
              });
    },
    [=](tick_atom) {
      sweep(self);
      self->delayed_send(chat_registry_actor{self}, sweep_period, tick_atom_v);
    },
    [=](count_atom) {
      actor_counts counts;
      counts.sessions = static_cast<int64_t>(self->state.sessions.size());
      counts.runs = self->state.services.counts->runs.load();
      return counts;
    },
    [=](stop_atom) { return stop(self); },
  };
}

} // namespace varro
