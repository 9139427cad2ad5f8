// Virtual users who talk to a Varro: each has one chat and sends its turns one after the other.
//
// Runs on one event loop; everything is measured there, in CLOCK_MONOTONIC microseconds.
#pragma once

#include "bench/event_loop.hpp"
#include "bench/http_client.hpp"
#include "bench/percentiles.hpp"
#include "bench/turn_check.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace varro::bench {

struct load_options {
  server_address server;
  int users = 10;
  int turns = 3;                      // of each user
  std::chrono::milliseconds think{0}; // between a user's turns
  std::chrono::milliseconds ramp{0};  // all users have begun after it
  std::chrono::seconds turn_max{120}; // a turn that takes longer is lost
  std::string message = "Compute something.";
  bool programs = false; // each turn is followed by a program as well, by /api/v1
  std::string login;     // user name; empty: no accounts
  std::string password;
};

struct load_result {
  int turns_completed = 0;
  int turns_failed = 0; // refused, broken off, or ended with another status than completed
  int64_t wall_us = 0;  // from the first message to the last done
  samples first_node;   // message sent → first node's bytes
  samples added;        // model's last byte → the node's bytes, per node that carries varro-model's marker
  samples added_api;    // the same of the programs' streams: beside those of the pages, of the same nodes
  samples turn;         // message sent → done
  turn_faults faults;
  std::vector<std::string> problems; // the first few, in words

  bool good() const {
    return turns_failed == 0 && faults.sum() == 0;
  }
  json to_json() const;
  std::string table() const;
};

class load {
public:
  load(event_loop& loop, load_options options);
  ~load();

  void start(); // stops the loop when all users have ended
  const load_result& result() const {
    return result_;
  }

private:
  struct virtual_user;

  void log_in();
  void let_users_in();
  void open_page(virtual_user& user);
  void send_message(virtual_user& user);
  void follow(virtual_user& user, const std::string& path);
  void follow_as_program(virtual_user& user, const std::string& path);
  void stream_ended(virtual_user& user);
  void end_turn(virtual_user& user, const std::string& error);
  void check_page(virtual_user& user);
  void fail(virtual_user& user, const std::string& what);
  void leave(virtual_user& user);
  void problem(const std::string& what);

  event_loop& loop_;
  load_options options_;
  load_result result_;
  std::unique_ptr<http_client> login_client_;
  std::vector<std::unique_ptr<virtual_user>> users_;
  int active_ = 0;
  int64_t first_us_ = 0;
  int64_t last_us_ = 0;
};

} // namespace varro::bench
