#include "actors/chat_registry.hpp"

#include "actors/chat_session.hpp"
#include "actors/run_queue.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <iterator>

namespace varro {

namespace {

using self_pointer = chat_registry_pointer;

constexpr auto sweep_period = std::chrono::seconds{30};

// A session that was handed out this recently is about to be used: it is not closed, however many there are.

caf::error stopping() {
  return fail(errc::shutting_down, "The server is stopping. Try again in a moment.");
}

chat_session_actor add_session(self_pointer self, chat_contents contents, bool stored) {
  auto& state = self->state;
  auto chat_id = contents.chat.id;
  auto user_id = contents.chat.user_id;
  auto session = self->spawn<caf::monitored>(chat_session, state.services, std::move(contents), stored);
  state.sessions[chat_id] = {user_id, session, self->clock().now(), {}};
  return session;
}

using aged_chat = std::pair<caf::actor_clock::time_point, int64_t>; // when it was asked for last

// The chats that nobody has asked for of late and for which this holds, the least recently used first.
std::vector<aged_chat> left_alone(self_pointer self,
                                  const std::function<bool(int64_t, const registered_session&)>& wanted) {
  std::vector<aged_chat> by_age;
  auto now = self->clock().now();
  for (const auto& [chat, entry] : self->state.sessions)
    if (now - entry.found_at > handed_out_recently && wanted(chat, entry))
      by_age.emplace_back(entry.found_at, chat);
  std::sort(by_age.begin(), by_age.end());
  return by_age;
}

// Ends those that nobody needs: idle for long, and the least recently used ones beyond the number that there may be.
void sweep(self_pointer self) {
  auto& state = self->state;
  const auto& limits = state.services.settings->chat;
  auto now = self->clock().now();
  auto by_age = left_alone(self, [](int64_t, const registered_session&) { return true; });
  auto resident_max = static_cast<size_t>(limits.resident_max);
  auto excess = state.sessions.size() > resident_max ? state.sessions.size() - resident_max : 0;
  for (size_t i = 0; i < by_age.size(); ++i)
    if (i < excess || now - by_age[i].first > limits.idle)
      self->request(state.sessions[by_age[i].second].session, caf::infinite, passivate_atom_v, false)
        .then([](bool) {}, [](caf::error&) {});
}

// Asks the large chats of this list to leave, one after the other, until `enough` holds: some have something to do.
void evict(self_pointer self, std::vector<int64_t> chats, const std::function<bool()>& enough) {
  auto& state = self->state;
  while (!chats.empty() && !state.sessions.contains(chats.back()))
    chats.pop_back();
  if (chats.empty() || state.stopping || enough()) {
    state.evicting = false;
    return;
  }
  auto chat = chats.back();
  chats.pop_back();
  auto go_on = [=] { evict(self, chats, enough); };
  self->request(state.sessions[chat].session, caf::infinite, passivate_atom_v, true)
    .then(
      [=](bool left) {
        if (left) // else it would count until its end is told
          self->state.services.resident->release(chat);
        go_on();
      },
      [=](caf::error&) { go_on(); });
}

// Large chats that nobody has asked for of late leave, those of `user` (0: of anybody), the least recently used first.
void make_memory(self_pointer self, int64_t user, const std::function<bool()>& enough) {
  auto& state = self->state;
  if (state.evicting)
    return;
  auto large = state.services.settings->chat.resident_bytes_max / 1'000;
  auto by_age = left_alone(self, [&](int64_t chat, const registered_session& entry) {
    return (user == 0 || entry.user_id == user) && state.services.resident->bytes_of(chat) >= large;
  });
  std::vector<int64_t> chats; // the last one first
  std::transform(by_age.rbegin(), by_age.rend(), std::back_inserter(chats),
                 [](const aged_chat& each) { return each.second; });
  state.evicting = true;
  evict(self, std::move(chats), enough);
}

void relieve(self_pointer self) {
  auto& services = self->state.services;
  auto enough = [resident = services.resident, max = services.settings->chat.resident_bytes_max] {
    return resident->bytes() <= max / 4 * 3;
  };
  if (!enough())
    make_memory(self, 0, enough);
}

// Before a chat is taken in. Why this user may have no further one in memory now; empty: there is room.
caf::error make_room(self_pointer self, int64_t user, int64_t chat) {
  auto& services = self->state.services;
  if (self->state.resuming.contains(chat)) // else its run would stay open until somebody looks at it
    return {};
  relieve(self);
  auto refused = services.resident->refusal(user, services.settings->chat);
  if (refused) // until there is room for one chat
    make_memory(self, user, [resident = services.resident, settings = services.settings, user] {
      return resident->bytes_of_user(user) + settings->chat.history_bytes_max
        <= settings->chat.resident_bytes_max / resident_histories::shares;
    });
  return refused;
}

// Who asked for a session is told first.
void end_if_over(self_pointer self) {
  auto& state = self->state;
  if (!state.stopping || !state.sessions.empty() || !state.loading.empty() || state.beginning > 0)
    return;
  for (auto& waiter : state.stop_waiters)
    waiter.deliver(done_atom_v);
  self->quit();
}

chat_session_actor add_chat(self_pointer self, int64_t chat, int64_t user, const std::string& model) {
  chat_contents contents;
  contents.chat.id = chat;
  contents.chat.user_id = user;
  contents.chat.model = model;
  return add_session(self, std::move(contents), false);
}

caf::result<chat_session_actor> begin(self_pointer self, int64_t user, const std::string& model) {
  auto& state = self->state;
  if (state.stopping)
    return stopping();
  if (auto chat = state.services.ids->chats.take(1))
    return add_chat(self, *chat, user, model);
  auto promise = self->make_response_promise<chat_session_actor>();
  ++state.beginning;
  self->request(state.services.store, caf::infinite, draw_chat_atom_v)
    .then(
      [=](int64_t chat) mutable {
        --self->state.beginning;
        if (self->state.stopping) {
          promise.deliver(stopping());
          end_if_over(self);
          return;
        }
        promise.deliver(add_chat(self, chat, user, model));
      },
      [=](caf::error& error) mutable {
        --self->state.beginning;
        promise.deliver(error);
        end_if_over(self);
      });
  return promise;
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
  if (state.removing.contains(chat))
    return fail(errc::not_found, "There is no such chat.");
  if (state.held.contains(chat))
    return fail(errc::run_in_progress,
                "What nobody has used for long is being deleted at this moment, this chat too. Try again in a moment.");
  if (auto refused = make_room(self, user, chat))
    return refused;
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
          end_if_over(self);
          return;
        }
        // Others were loaded meanwhile.
        if (auto refused = make_room(self, user, chat)) {
          for (auto& waiter : waiting)
            waiter.deliver(refused);
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
        end_if_over(self);
      });
  return promise;
}

// Its end is told to this actor later than it is felt by who asks it.
caf::result<chat_session_actor> find_next(self_pointer self, int64_t user, int64_t chat,
                                          const chat_session_actor& ended) {
  auto& state = self->state;
  auto found = state.sessions.find(chat);
  if (state.stopping || found == state.sessions.end() || found->second.user_id != user
      || found->second.session != ended)
    return find(self, user, chat);
  auto promise = self->make_response_promise<chat_session_actor>();
  found->second.after.push_back(promise);
  return promise;
}

void on_down(self_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  for (auto entry = state.sessions.begin(); entry != state.sessions.end(); ++entry)
    if (entry->second.session.address() == down.source) {
      state.services.stop->is_done(chat_name(entry->first));
      state.services.resident->release(entry->first);
      auto chat = entry->first;
      auto user = entry->second.user_id;
      auto waiting = std::move(entry->second.after);
      state.sessions.erase(entry);
      for (auto& waiter : waiting)
        self->request(chat_registry_actor{self}, caf::infinite, find_atom_v, user, chat)
          .then([=](chat_session_actor& next) mutable { waiter.deliver(std::move(next)); },
                [=](caf::error& error) mutable { waiter.deliver(std::move(error)); });
      break;
    }
  end_if_over(self);
}

caf::result<done_atom> stop(self_pointer self) {
  auto& state = self->state;
  auto promise = self->make_response_promise<done_atom>();
  state.stopping = true;
  state.stop_waiters.push_back(promise);
  self->send(state.services.queue, stop_atom_v); // before places come free
  for (auto& [chat, entry] : state.sessions) {
    state.services.stop->waits_for(chat_name(chat), "it has not answered");
    self->request(entry.session, caf::infinite, stop_atom_v).then([](done_atom) {}, [](caf::error&) {});
  }
  end_if_over(self);
  return promise;
}

// Ends with this actor.
void start_queue(self_pointer self) {
  auto& services = self->state.services;
  auto user_max = services.runs_at_once;
  if (!user_max)
    user_max = [max = services.settings->limits.everybody.runs_at_once.value_or(0)](int64_t) { return max; };
  services.queue = self->spawn<caf::linked>(run_queue, int64_t{services.settings->agent.runs_max}, std::move(user_max),
                                            services.counts);
}

} // namespace

chat_registry_impl_actor::behavior_type chat_registry(self_pointer self, session_services services) {
  self->state.services = std::move(services);
  start_queue(self);
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  self->delayed_send(chat_registry_actor{self}, sweep_period, tick_atom_v);
  return {
    [=](find_atom, int64_t user, int64_t chat) { return find(self, user, chat); },
    [=](find_atom, int64_t user, int64_t chat, const chat_session_actor& ended) {
      return find_next(self, user, chat, ended);
    },
    [=](start_atom, int64_t user, const std::string& model) { return begin(self, user, model); },
    [=](remove_atom, int64_t user, int64_t chat) { return remove_chat(self, user, chat); },
    [=](passivate_atom, int64_t user, int64_t chat) { return hold_chat(self, user, chat); },
    [=](ready_atom, int64_t chat) { self->state.held.erase(chat); },
    [=](resume_atom, int64_t user, int64_t chat) {
      self->state.resuming.insert(chat);
      self->request(chat_registry_actor{self}, caf::infinite, find_atom_v, user, chat)
        .then([=](chat_session_actor&) { self->state.resuming.erase(chat); },
              [=](caf::error& error) {
                self->state.resuming.erase(chat);
                log(log_level::error,
                    "an open run of chat " + std::to_string(chat) + " was not taken up: " + text_of(error));
              });
    },
    [=](tick_atom) {
      sweep(self);
      relieve(self);
      self->delayed_send(chat_registry_actor{self}, sweep_period, tick_atom_v);
    },
    [=](count_atom) {
      actor_counts counts;
      counts.sessions = static_cast<int64_t>(self->state.sessions.size());
      counts.runs = self->state.services.counts->runs.load();
      counts.waiting_runs = self->state.services.counts->waiting_runs.load();
      return counts;
    },
    [=](stop_atom) { return stop(self); },
  };
}

} // namespace varro
