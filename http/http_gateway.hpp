// Every viewer's socket: replays what a viewer has not seen, follows its chat, ends its stream after `done`.
//
// Runs on CAF's I/O thread; nothing here blocks. A viewer owns its socket, what waits to be sent to it and little else.
// What a chat's session tells goes to the chat's presenters (chat_presenter.hpp), one for pages, one for programs and
// two for each response (streamed and whole), which are there while the chat has such viewers,
// and comes back as events. An event is framed once and shared by all
// viewers of its chat until their sockets have taken it.
//
// Life of a viewer: adopt → asks its session (attach) → replay → follows publish → `done` → half-closed when all bytes
// are sent → closed by the peer or two keep-alives later. A replay larger than viewer_buffer_bytes_max is taken up to a
// message's end and the rest is asked for when that much has been sent. A viewer that lags further than that behind its
// live chat, or takes nothing for stalled_ticks_max keep-alives, is dropped; its browser reconnects with Last-Event-ID.
// A logout ends the streams of its browser session at once; with each keep-alive those end whose browser session is
// over for another reason, of which only the database tells (`varro user disable` is a process of its own). A program's
// token counts as a browser session here.
#pragma once

#include "config/config.hpp"
#include "http/chat_presenter.hpp"
#include "http/event_frame.hpp"

#include <caf/io/all.hpp>

#include <compare>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace varro {

// The interface that others see, that of the presenters, and what the I/O thread tells a broker.
using http_gateway_broker = http_gateway_actor::extend_with<event_sink_actor, response_viewers_actor>::extend<
  caf::reacts_to<caf::io::new_data_msg>, caf::reacts_to<caf::io::connection_closed_msg>,
  caf::reacts_to<caf::io::data_transferred_msg>>;

struct http_gateway_state {
  static inline const char* name = "http_gateway";
  static constexpr size_t window_bytes = 64u << 10;       // handed to CAF at once; the rest waits here, shared
  static constexpr size_t received_bytes_max = 64u << 10; // a viewer has nothing to say
  static constexpr int stalled_ticks_max = 4;             // keep-alives without a byte taken
  static constexpr std::chrono::milliseconds stop_max{1'000};
  static constexpr int closing_ticks_max = 2;     // keep-alives until a half-closed peer is cut off
  static constexpr size_t logins_at_once = 1'000; // looked up by one request, so that pages need not wait long

  using frame = std::shared_ptr<const std::string>;
  enum class phase {
    asked,     // attach was sent, the replay has not come
    following, // gets what is published
    partial,   // got a part of the replay; asks for the rest when it is sent
    ending,    // gets nothing more; closed when all is sent
    closed,    // half-closed, waits for the peer
  };
  // How its viewers see a chat: those with the same have one presenter.
  struct view_key {
    int64_t chat = 0;
    stream_form form = stream_form::page;
    int64_t run = 0; // of a response
    auto operator<=>(const view_key&) const = default;
  };
  struct viewer {
    int fd = -1; // the I/O thread's; only for shutdown()
    view_key view;
    int64_t last_id = -1;     // newest id given to this viewer, or what it said that it has seen
    int64_t last_number = -1; // of a response's event: the newest one that this viewer has
    viewed_chat_actor session;
    std::string login; // its browser session's token hash
    phase now = phase::asked;
    std::list<frame> waiting; // no memory while it is empty, as a deque would take
    size_t waiting_bytes = 0;
    size_t first_sent = 0; // bytes of the first waiting frame that CAF has
    size_t in_flight = 0;  // bytes that CAF has and the socket has not
    size_t received = 0;
    int idle_ticks = 0; // since the socket last took a byte or had nothing to take

    bool has(const stream_event& event) const {
      return event.number >= 0 && event.number <= last_number;
    }
  };

  struct viewed_chat {
    std::unordered_set<caf::io::connection_handle> viewers; // at least one
    chat_presenter_actor presenter;
  };

  stream_config limits;
  store_reader_actor logins;
  presenter_source pages;
  presenter_source programs;
  std::unordered_map<caf::io::connection_handle, viewer> viewers;
  std::unordered_map<uint64_t, caf::io::connection_handle> by_id;
  std::map<view_key, viewed_chat> by_chat;
  caf::actor_clock::time_point next_tick;
  bool stopping = false; // takes no viewer any more, ends when all is sent or stop_max later
  size_t flushing = 0;   // presenters that still have what was told before the stop
};

http_gateway_broker::behavior_type http_gateway(http_gateway_broker::stateful_broker_pointer<http_gateway_state> self,
                                                stream_config limits, store_reader_actor logins,
                                                presenter_source pages);

} // namespace varro
