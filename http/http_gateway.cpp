#include "http/http_gateway.hpp"

#include "base/log.hpp"
#include "render/json_presenter.hpp"
#include "render/response_presenter.hpp"

#include <algorithm>
#include <sys/socket.h>
#include <unistd.h>

namespace varro {

namespace {

using pointer = http_gateway_broker::stateful_broker_pointer<http_gateway_state>;
using state_type = http_gateway_state;
using phase = state_type::phase;
using viewer_type = state_type::viewer;
using handle = caf::io::connection_handle;

constexpr size_t shrink_bytes = 16u << 10; // CAF keeps its buffers' capacity: larger ones are given back

// The head of a stream or its keep-alive, one for all viewers of a form.
state_type::frame shared_text(const std::string& text) {
  return {std::shared_ptr<void>{}, &text};
}

uint64_t id_of(handle hdl) {
  return static_cast<uint64_t>(hdl.id());
}

// Nobody views the chat any more.
void end_presenter(pointer self, const chat_presenter_actor& presenter) {
  self->demonitor(presenter.address());
  self->send_exit(presenter, caf::exit_reason::user_shutdown);
}

// The viewer is gone for us; CAF may hold its socket a little longer.
void forget(pointer self, handle hdl) {
  auto& state = self->state;
  auto found = state.viewers.find(hdl);
  if (found == state.viewers.end())
    return;
  auto viewer = std::move(found->second);
  state.viewers.erase(found);
  state.by_id.erase(id_of(hdl));
  if (auto chat = state.by_chat.find(viewer.view); chat != state.by_chat.end()) {
    chat->second.viewers.erase(hdl);
    if (chat->second.viewers.empty()) {
      end_presenter(self, chat->second.presenter);
      state.by_chat.erase(chat);
    }
  }
  if (viewer.session)
    self->send(viewer.session, detach_atom_v, id_of(hdl));
}

// Without waiting for what is still to be sent: a stalled peer would hold its buffers for ever. CAF then reads the end
// of the stream and closes the socket. (Its own close() sends FIN, tells us nothing more and waits for the peer for
// ever.)
void drop(pointer self, handle hdl) {
  if (auto found = self->state.viewers.find(hdl); found != self->state.viewers.end())
    ::shutdown(found->second.fd, SHUT_RDWR);
  forget(self, hdl);
}

void quit(pointer self) {
  while (!self->state.viewers.empty())
    drop(self, self->state.viewers.begin()->first);
  self->quit();
}

void ask_session(pointer self, handle hdl, viewer_type& viewer) {
  viewer.now = phase::asked;
  self->send(viewer.session, attach_atom_v, id_of(hdl), viewer.last_id);
}

// Hands CAF as much as the window has room for; when nothing is left, does what the viewer's phase waits for.
void pump(pointer self, handle hdl, viewer_type& viewer) {
  auto window = state_type::window_bytes;
  bool wrote = false;
  while (!viewer.waiting.empty() && viewer.in_flight < window) {
    const auto& frame = *viewer.waiting.front();
    auto n = std::min(frame.size() - viewer.first_sent, window - viewer.in_flight);
    self->write(hdl, n, frame.data() + viewer.first_sent);
    wrote = true;
    viewer.in_flight += n;
    viewer.waiting_bytes -= n;
    viewer.first_sent += n;
    if (viewer.first_sent == frame.size()) {
      viewer.waiting.pop_front();
      viewer.first_sent = 0;
    }
  }
  if (wrote)
    self->flush(hdl);
  if (!viewer.waiting.empty() || viewer.in_flight > 0)
    return;
  if (viewer.now == phase::partial) {
    ask_session(self, hdl, viewer);
  } else if (viewer.now == phase::ending) {
    viewer.now = phase::closed;
    viewer.idle_ticks = 0;
    ::shutdown(viewer.fd, SHUT_WR); // the peer closes when it has read everything
  }
}

void enqueue(viewer_type& viewer, state_type::frame frame) {
  viewer.waiting_bytes += frame->size();
  viewer.waiting.push_back(std::move(frame));
}

void adopt(pointer self, int fd, const state_type::view_key& view, const presenter_source& source, int64_t after,
           const viewed_chat_actor& session, std::string login, int64_t last_number = -1) {
  auto& state = self->state;
  if (state.stopping || state.viewers.size() >= static_cast<size_t>(state.limits.viewers_max)) {
    refuse_stream(fd, view.form);
    return;
  }
  auto hdl = self->add_scribe(fd);
  self->configure_read(hdl, caf::io::receive_policy::at_most(128));
  self->ack_writes(hdl, true);
  auto& viewer = state.viewers[hdl];
  viewer.fd = fd;
  viewer.view = view;
  viewer.last_id = after;
  viewer.last_number = last_number;
  viewer.session = session;
  viewer.login = std::move(login);
  state.by_id[id_of(hdl)] = hdl;
  auto& viewed = state.by_chat[view];
  if (viewed.viewers.empty())
    viewed.presenter = self->spawn<caf::monitored>(chat_presenter, view.chat, source, event_sink_actor{self});
  viewed.viewers.insert(hdl);
  ask_session(self, hdl, viewer);
  enqueue(viewer, shared_text(stream_head(view.form)));
  pump(self, hdl, viewer);
}

// What a session tells goes the way through the chat's presenters.
void present_replay(pointer self, uint64_t id, chat_replay& unseen) {
  auto& state = self->state;
  if (auto found = state.by_id.find(id); found != state.by_id.end())
    self->send(state.by_chat[state.viewers[found->second].view].presenter, replay_atom_v, id, std::move(unseen));
}

void present(pointer self, int64_t chat, const chat_event& event) {
  const auto& by_chat = self->state.by_chat;
  for (auto found = by_chat.lower_bound({chat}); found != by_chat.end() && found->first.chat == chat; ++found)
    self->send(found->second.presenter, publish_atom_v, event);
}

void replay(pointer self, uint64_t id, const std::vector<stream_event>& events, bool follow) {
  auto& state = self->state;
  auto found = state.by_id.find(id);
  if (found == state.by_id.end())
    return;
  auto hdl = found->second;
  auto& viewer = state.viewers[hdl];
  if (viewer.now != phase::asked)
    return;
  auto began_at = viewer.last_id;
  viewer.now = follow ? phase::following : phase::ending;
  bool has_id = false; // what came last
  for (const auto& event : events) {
    // Only after the id has moved on can the rest be asked for without asking for the same again.
    if (has_id && viewer.waiting_bytes > state.limits.viewer_buffer_bytes_max && viewer.last_id > began_at) {
      viewer.now = phase::partial;
      break;
    }
    if (!viewer.has(event))
      enqueue(viewer, std::make_shared<const std::string>(frame_event(event)));
    viewer.last_id = std::max(viewer.last_id, event.id);
    has_id = event.id > 0;
  }
  pump(self, hdl, viewer);
}

void publish_event(pointer self, const state_type::viewed_chat& viewed, const stream_event& event) {
  auto& state = self->state;
  state_type::frame frame;
  std::vector<handle> lagging;
  for (auto hdl : viewed.viewers) {
    auto& viewer = state.viewers[hdl];
    // Several events may carry one id; an older one this viewer has seen.
    if (viewer.now != phase::following || (event.id > 0 && event.id < viewer.last_id) || viewer.has(event))
      continue;
    if (!frame)
      frame = std::make_shared<const std::string>(frame_event(event));
    viewer.last_id = std::max(viewer.last_id, event.id);
    enqueue(viewer, frame);
    if (ends_stream(event))
      viewer.now = phase::ending;
    pump(self, hdl, viewer);
    // A response's row is told whole, and so is its end, which has all of it.
    const bool may_end = event.id > 0 || viewer.view.run == 0;
    if (may_end && viewer.waiting_bytes + viewer.in_flight > state.limits.viewer_buffer_bytes_max)
      lagging.push_back(hdl);
  }
  for (auto hdl : lagging)
    drop(self, hdl);
}

void publish(pointer self, int64_t chat, const std::vector<stream_event>& events) {
  const auto& by_chat = self->state.by_chat;
  for (const auto& event : events) {
    // Each time: the viewer that was dropped may have been the last one. What a presenter says whose viewers have all
    // left is not for those who came since.
    auto found = by_chat.lower_bound({chat});
    while (found != by_chat.end() && found->first.chat == chat
           && self->current_sender() != caf::actor_cast<caf::strong_actor_ptr>(found->second.presenter))
      ++found;
    if (found == by_chat.end() || found->first.chat != chat)
      return;
    publish_event(self, found->second, event);
  }
}

// A presenter failed. Its viewers come back with what they have seen, to another one.
void presenter_is_down(pointer self, const caf::down_msg& down) {
  auto& by_chat = self->state.by_chat;
  auto found = std::find_if(by_chat.begin(), by_chat.end(),
                            [&](const auto& each) { return each.second.presenter.address() == down.source; });
  if (found == by_chat.end())
    return;
  log(log_level::error, "the streams of chat " + std::to_string(found->first.chat) + " end: " + text_of(down.reason));
  for (auto hdl : std::vector<handle>{found->second.viewers.begin(), found->second.viewers.end()})
    drop(self, hdl);
}

void transferred(pointer self, const caf::io::data_transferred_msg& message) {
  auto found = self->state.viewers.find(message.handle);
  if (found == self->state.viewers.end())
    return;
  auto& viewer = found->second;
  viewer.in_flight = static_cast<size_t>(message.remaining);
  viewer.idle_ticks = 0;
  if (auto& buffer = self->wr_buf(message.handle); buffer.empty() && buffer.capacity() > shrink_bytes)
    std::vector<char>{}.swap(buffer);
  pump(self, message.handle, viewer);
}

void received(pointer self, const caf::io::new_data_msg& message) {
  auto found = self->state.viewers.find(message.handle);
  if (found == self->state.viewers.end())
    return;
  found->second.received += message.buf.size();
  if (found->second.received > state_type::received_bytes_max)
    drop(self, message.handle);
}

void keep_alive(pointer self) {
  std::vector<handle> stalled;
  for (auto& [hdl, viewer] : self->state.viewers) {
    bool busy = viewer.in_flight > 0 || viewer.now == phase::closed;
    viewer.idle_ticks = busy ? viewer.idle_ticks + 1 : 0;
    auto ticks_max = viewer.now == phase::closed ? state_type::closing_ticks_max : state_type::stalled_ticks_max;
    if (viewer.idle_ticks >= ticks_max) {
      stalled.push_back(hdl);
    } else if (!busy && viewer.now != phase::ending) {
      enqueue(viewer, shared_text(keep_alive_text(viewer.view.form)));
      pump(self, hdl, viewer);
    }
  }
  for (auto hdl : stalled)
    drop(self, hdl);
}

// At once: what is still to be sent is nothing for whoever sits there now.
void log_out(pointer self, const std::unordered_set<std::string>& logins) {
  std::vector<handle> over;
  for (const auto& [hdl, viewer] : self->state.viewers)
    if (!viewer.login.empty() && logins.contains(viewer.login))
      over.push_back(hdl);
  for (auto hdl : over)
    drop(self, hdl);
}

void look_for_ended_logins(pointer self) {
  std::unordered_set<std::string> all;
  for (const auto& [hdl, viewer] : self->state.viewers)
    if (!viewer.login.empty())
      all.insert(viewer.login);
  for (auto next = all.begin(); next != all.end();) {
    std::vector<std::string> some;
    while (next != all.end() && some.size() < state_type::logins_at_once)
      some.push_back(*next++);
    self->request(self->state.logins, self->state.limits.keep_alive, login_atom_v, std::move(some))
      .then(
        [self](const std::vector<std::string>& ended) { log_out(self, {ended.begin(), ended.end()}); },
        [](caf::error& error) { log(log_level::warning, "browser sessions are not looked up: " + text_of(error)); });
  }
}

// Others may send a tick too; only the one that is due calls for the next.
void tick(pointer self) {
  auto now = self->clock().now();
  if (self->state.stopping) {
    if (now >= self->state.next_tick)
      quit(self);
    return;
  }
  keep_alive(self);
  look_for_ended_logins(self);
  if (now < self->state.next_tick)
    return;
  self->state.next_tick = now + self->state.limits.keep_alive;
  self->delayed_send(self, self->state.limits.keep_alive, tick_atom_v);
}

// While stopping: when all bytes are with the kernel, nobody needs us any more.
void leave_if_done(pointer self) {
  if (!self->state.stopping || self->state.flushing > 0)
    return;
  const auto& viewers = self->state.viewers;
  if (std::all_of(viewers.begin(), viewers.end(), [](const auto& entry) { return entry.second.now == phase::closed; }))
    quit(self);
}

void end_streams(pointer self) {
  for (auto& [hdl, viewer] : self->state.viewers) {
    if (viewer.now == phase::closed)
      continue;
    viewer.now = phase::ending;
    pump(self, hdl, viewer);
  }
  leave_if_done(self);
}

void stop(pointer self) {
  auto& state = self->state;
  if (std::exchange(state.stopping, true))
    return;
  state.next_tick = self->clock().now() + state_type::stop_max;
  self->delayed_send(self, state_type::stop_max, tick_atom_v);
  // What was told before this is still sent.
  auto flushed = [self] {
    if (--self->state.flushing == 0)
      end_streams(self);
  };
  state.flushing = state.by_chat.size();
  // Without a timeout, since the tick is one: CAF would send it to this broker after its end, in the broker's own name,
  // and so keep it for ever.
  for (const auto& [view, viewed] : state.by_chat)
    self->request(viewed.presenter, caf::infinite, flush_atom_v)
      .then([=](done_atom) { flushed(); }, [=](caf::error&) { flushed(); });
  if (state.flushing == 0)
    end_streams(self);
}

} // namespace

http_gateway_broker::behavior_type http_gateway(pointer self, stream_config limits, store_reader_actor logins,
                                                presenter_source pages) {
  self->state.limits = limits;
  self->state.logins = std::move(logins);
  self->state.pages = std::move(pages);
  self->state.programs = json_presenters();
  self->set_down_handler([self](const caf::down_msg& down) { presenter_is_down(self, down); });
  self->state.next_tick = self->clock().now() + limits.keep_alive;
  self->delayed_send(self, limits.keep_alive, tick_atom_v);
  return {
    [self](adopt_atom, int fd, int64_t chat, int64_t after, const viewed_chat_actor& session, std::string& login) {
      adopt(self, fd, {chat}, self->state.pages, after, session, std::move(login));
    },
    [self](adopt_atom, node_atom, int fd, int64_t chat, int64_t after, const viewed_chat_actor& session,
           std::string& login) {
      adopt(self, fd, {chat, stream_form::program}, self->state.programs, after, session, std::move(login));
    },
    [self](adopt_atom, const response_view& view, int fd, int64_t after, const viewed_chat_actor& session,
           std::string& login) {
      const auto form = view.whole ? stream_form::whole : stream_form::response;
      adopt(self, fd, {view.chat, form, view.run}, response_presenters(view), after, session, std::move(login),
            view.starting_after);
    },
    [self](logout_atom, const std::string& login) { log_out(self, {login}); },
    [self](replay_atom, uint64_t viewer, chat_replay& unseen) { present_replay(self, viewer, unseen); },
    [self](publish_atom, int64_t chat, const chat_event& event) { present(self, chat, event); },
    [self](replay_atom, uint64_t viewer, const std::vector<stream_event>& events, bool follow) {
      replay(self, viewer, events, follow);
    },
    [self](publish_atom, int64_t chat, const std::vector<stream_event>& events) { publish(self, chat, events); },
    [self](count_atom) { return static_cast<int64_t>(self->state.viewers.size()); },
    [self](tick_atom) { tick(self); },
    [self](stop_atom) { stop(self); },
    [self](const caf::io::new_data_msg& message) { received(self, message); },
    [self](const caf::io::connection_closed_msg& message) {
      forget(self, message.handle);
      leave_if_done(self);
    },
    [self](const caf::io::data_transferred_msg& message) {
      transferred(self, message);
      leave_if_done(self);
    },
  };
}

} // namespace varro
