// A user of scenario_run: two connections, a chat, and the turn that is on. Only scenario_run's two sources include it.
#pragma once

#include "bench/scenario_run.hpp"

#include <memory>
#include <string>
#include <vector>

namespace varro::bench {

struct scenario_run::virtual_user {
  virtual_user(event_loop& loop, const server_address& server, uint64_t its_number)
    : client(loop, server), side(loop, server), number(its_number) {}

  // Forgets the chat; the connections stay.
  void leave_chat() {
    chat = -1;
    turns = 0;
    blocks.clear();
  }

  http_client client; // sends, and follows
  http_client side;   // a second viewer, or the stop button
  uint64_t number;
  const session* who = nullptr;
  int64_t chat = -1;
  int64_t turns = 0;                            // of this chat, the one that is on included
  std::vector<std::vector<std::string>> blocks; // element ids of each turn, which the page has to have
  uint64_t turns_ever = 0;

  // --- the turn that is on
  planned_turn plan;
  uint64_t serial = 0; // tells this turn from the next one where something comes late
  int64_t intended_us = 0;
  bool measured = false;
  bool acted = false;      // has done what its behaviour is
  bool stopped = false;    // has asked for the end
  bool over = true;        // its stream has ended
  bool shown_done = false; // a reloaded page had no run any more
  int parts = 0;           // streams that are followed
  std::string path;        // of its stream
  std::string last_id;
  std::vector<std::string> ids; // of blocks that were seen
  event_reader events, side_events;
  std::unique_ptr<turn_check> check, side_check;
  event_loop::timer limit;
};

} // namespace varro::bench
