// The scripted model server: the vendors' HTTP interfaces on one epoll thread.
//
// Owns its connections; runs on the event loop it is given and on no other thread.
#pragma once

#include "bench/event_loop.hpp"
#include "bench/http_reader.hpp"
#include "bench/model_route.hpp"
#include "bench/script.hpp"
#include "bench/validate.hpp"
#include "bench/wire.hpp"

#include <deque>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace varro::bench {

struct model_server_options {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  script rules;
  default_script otherwise; // when neither a rule nor the prompt says what to answer
  validation checks;
  std::vector<std::string> models{"scripted", "scripted-mini"}; // what the lists of models name, the newest first
  std::map<std::string, std::string> retired_on;                // by name: deprecated, with this day "2026-11-30"
  std::string record_file;                                      // JSON lines of the requests; empty: none
  size_t bills_max = 100'000;                                   // the newest, kept for GET /__billed
  size_t recorded_max = 1000;                                   // the newest, kept for GET /__requests
};

class model_server {
public:
  model_server(event_loop& loop, model_server_options options);
  ~model_server();

  // Listens. False and `error` if it cannot.
  bool start(std::string& error);
  uint16_t port() const {
    return port_;
  }

private:
  enum class ending { finished, close, hold };

  // What a vendor would know of a request that it accepted, for its bill.
  struct bill {
    uint64_t request = 0; // the nth of all
    std::string id;       // of the answer
    // "refused": an error instead of an answer; "none", "part", "whole": so much of the answer was told
    std::string told = "none";
    bool breaks = false; // it ends in an error, so that its usage is never told to the end
    int64_t input = 0;   // neither read from the cache nor written to it
    int64_t cache_read = 0;
    int64_t cache_write = 0;
    int64_t output = 0;
  };

  struct connection : std::enable_shared_from_this<connection> {
    int fd = -1;
    http_reader reader{http_reader::kind::request};
    std::string out;   // not yet taken by the socket
    bool busy = false; // a request is being answered
    bool wants_write = false;
    bool closing = false;           // close when `out` is empty
    bool counted = false;           // as an open model request
    std::optional<bill> billed;     // of it
    std::deque<std::string> pieces; // still to be sent, between_chunks apart
    bool chunked = false;
    milliseconds between{0};
    ending end = ending::finished; // what follows the last piece
    std::optional<event_loop::timer> timer;
    std::function<void()> resume; // goes on after a hold
  };
  using connection_ptr = std::shared_ptr<connection>;

  void accept_all();
  void on_events(const connection_ptr& c, uint32_t events);
  bool read_all(connection& c); // false: the peer has gone
  void serve(const connection_ptr& c);

  void route(const connection_ptr& c);
  void answer_model(const connection_ptr& c, const model_route& route);
  std::optional<request_problem> check(const http_head& head, const model_route& route, const std::string& text,
                                       request_facts& facts);
  void answer_now(const connection_ptr& c, const answer& what, const request_facts& facts);
  void give(const connection_ptr& c, const answer& what, const request_facts& facts, uint64_t nth);
  void answer_control(const connection_ptr& c, const std::string& method, std::string_view path);
  wire_answer list_models(const http_head& head, std::string_view target) const;
  json state() const;
  json bills() const;

  void later(const connection_ptr& c, milliseconds delay, std::function<void()> action);
  void send_head(connection& c, const wire_answer& what);
  void send_whole(const connection_ptr& c, const wire_answer& what);
  void send_pieces(const connection_ptr& c);
  void finish(const connection_ptr& c);
  void flush(const connection_ptr& c);
  void drop(const connection_ptr& c);
  void count_closed(connection& c);
  void record(const http_reader& reader);

  event_loop& loop_;
  model_server_options options_;
  script_matcher matcher_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::unordered_map<int, connection_ptr> connections_;
  std::deque<json> recorded_;
  std::ofstream record_;
  uint64_t requests_ = 0; // to the model interfaces
  uint64_t refused_ = 0;  // by a validator
  json last_refusal_;
  uint64_t open_ = 0; // model requests that are not answered yet
  uint64_t most_open_ = 0;
  std::vector<std::weak_ptr<connection>> held_;
  std::deque<bill> bills_; // the newest
};

} // namespace varro::bench
