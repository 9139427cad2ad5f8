#include "models/curl_transfer.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>

namespace varro {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using reason = transport_end::reason;

constexpr long cached_connections_max = 1024;
constexpr long streams_per_connection_max = 1000; // HTTP/2; the server's own limit counts besides
constexpr milliseconds idle_poll_max{60'000};

// The requests to one TLS origin start one after the other, each when the one before has its connection: so they find
// out whether it speaks HTTP/2 and share connections, where libcurl alone would open one for each request of a burst
// that does not fit on the first.
struct origin_gate {
  bool open = false;                         // HTTP/1.1: every request needs a connection of its own anyway
  bool opened_last = false;                  // the newest that has connected made a new connection
  http_transport::request_id connecting = 0; // 0: none
  std::deque<http_transport::request_id> waiting;
};

class curl_transport : public http_transport {
public:
  curl_transport() {
    static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)initialised;
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, cached_connections_max);
    curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, streams_per_connection_max);
    // No limit on connections: a request that waits in a queue there would run into its own time limits.
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, 0L);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
    thread_ = std::thread{[this] { run(); }};
  }

  ~curl_transport() override {
    {
      std::lock_guard guard{mutex_};
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  request_id start(http_request request, transport_limits limits, transport_callbacks callbacks) override {
    auto t = std::make_unique<curl_transfer>();
    t->request = std::move(request);
    t->limits = limits;
    t->callbacks = std::move(callbacks);
    request_id id = 0;
    {
      std::lock_guard guard{mutex_};
      id = t->id = ++last_id_;
      starts_.push_back(std::move(t));
    }
    curl_multi_wakeup(multi_);
    return id;
  }

  void cancel(request_id id) override {
    {
      std::lock_guard guard{mutex_};
      cancels_.push_back(id);
    }
    curl_multi_wakeup(multi_);
  }

private:
  void run() {
    // Signals belong to the main thread; a write to a closed TLS connection must not raise SIGPIPE.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np(pthread_self(), "transport");
    while (take_commands()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      finish_done();
      finish_late();
      admit();
      auto wait = std::chrono::ceil<milliseconds>(next_deadline_ - clock::now());
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::clamp(wait, milliseconds{0}, idle_poll_max).count()),
                      nullptr);
    }
  }

  // False when the transport stops and everything has ended.
  bool take_commands() {
    std::vector<std::unique_ptr<curl_transfer>> starts;
    std::vector<request_id> cancels;
    bool stopping = false;
    {
      std::lock_guard guard{mutex_};
      starts.swap(starts_);
      cancels.swap(cancels_);
      stopping = stopping_;
    }
    std::unordered_set<request_id> cancelled{cancels.begin(), cancels.end()};
    for (auto& t : starts) {
      if (stopping || cancelled.contains(t->id))
        t->end(reason::cancelled, "cancelled");
      else
        begin(std::move(t));
    }
    for (auto id : cancelled)
      break_off(id, reason::cancelled, "cancelled");
    if (!stopping)
      return true;
    while (!open_.empty())
      break_off(open_.begin()->first, reason::cancelled, "the transport was stopped");
    // A callback may have started another request.
    std::lock_guard guard{mutex_};
    return !starts_.empty();
  }

  void begin(std::unique_ptr<curl_transfer> t) {
    t->started = clock::now();
    t->next_deadline = &next_deadline_;
    t->progressed = &progressed_;
    if (auto problem = t->prepare()) {
      t->end(reason::connect_failed, *problem);
      return;
    }
    next_deadline_ = std::min(next_deadline_, t->deadline());
    auto& one = *t;
    open_.emplace(one.id, std::move(t));
    if (one.tls_origin.empty()) {
      add(one);
      return;
    }
    gates_[one.tls_origin].waiting.push_back(one.id);
    progressed_ = true;
  }

  void add(curl_transfer& t) {
    t.added = true;
    if (auto code = curl_multi_add_handle(multi_, t.easy); code != CURLM_OK) {
      t.added = false;
      break_off(t.id, reason::connect_failed, curl_multi_strerror(code));
    }
  }

  // Lets the next request of each TLS origin go on that has none connecting.
  void admit() {
    for (bool again = std::exchange(progressed_, false); again; again = std::exchange(progressed_, false))
      for (auto& [origin, gate] : gates_)
        admit(gate);
  }

  void admit(origin_gate& gate) {
    if (auto found = open_.find(gate.connecting); found != open_.end()) {
      auto& t = *found->second;
      if (!t.connected)
        return;
      // Two new connections in a row: the second could not share the first.
      gate.open = gate.open || (t.opened && gate.opened_last);
      gate.opened_last = t.opened;
    }
    gate.connecting = 0;
    while (!gate.waiting.empty() && (gate.open || gate.connecting == 0)) {
      auto id = gate.waiting.front();
      gate.waiting.pop_front();
      if (auto found = open_.find(id); found != open_.end()) {
        gate.connecting = id;
        add(*found->second);
      }
    }
  }

  void finish_done() {
    int left = 0;
    while (auto* info = curl_multi_info_read(multi_, &left)) {
      if (info->msg != CURLMSG_DONE)
        continue;
      curl_transfer* t = nullptr;
      curl_easy_getinfo(info->easy_handle, CURLINFO_PRIVATE, &t);
      auto code = info->data.result;
      auto finished = take_out(t->id);
      leave_gate(*finished, true);
      finished->end_with(code);
    }
  }

  // Bytes after the first only move deadlines away, so the nearest known one tells when to look again.
  void finish_late() {
    auto now = clock::now();
    if (now < next_deadline_)
      return;
    next_deadline_ = now + idle_poll_max;
    std::vector<request_id> late;
    for (auto& [id, t] : open_) {
      if (now >= t->deadline())
        late.push_back(id);
      else
        next_deadline_ = std::min(next_deadline_, t->deadline());
    }
    for (auto id : late)
      break_off(id, reason::timed_out, open_.at(id)->timeout_detail(now));
  }

  void break_off(request_id id, reason why, std::string detail) {
    if (!open_.contains(id))
      return;
    auto t = take_out(id);
    leave_gate(*t, why != reason::cancelled);
    t->end(why, std::move(detail));
  }

  // REQUIRES: the request is open.
  std::unique_ptr<curl_transfer> take_out(request_id id) {
    auto t = std::move(open_.at(id));
    open_.erase(id);
    // For HTTP/1.1 this closes the connection of an unfinished request, for HTTP/2 it resets the stream.
    if (t->added)
      curl_multi_remove_handle(multi_, t->easy);
    return t;
  }

  void leave_gate(curl_transfer& t, bool failed) {
    auto found = gates_.find(t.tls_origin);
    if (found == gates_.end() || found->second.connecting != t.id)
      return;
    auto& gate = found->second;
    gate.connecting = 0;
    progressed_ = true;
    if (t.connected) {
      gate.opened_last = t.opened;
    } else if (failed) {
      // One that could not connect must not make the others wait for as long, one after the other.
      for (auto id : std::exchange(gate.waiting, {}))
        if (auto other = open_.find(id); other != open_.end())
          add(*other->second);
    }
  }

  CURLM* multi_ = nullptr;
  std::thread thread_;

  // Of the transport's thread only.
  std::unordered_map<request_id, std::unique_ptr<curl_transfer>> open_;
  std::unordered_map<std::string, origin_gate> gates_; // by TLS origin
  bool progressed_ = false;                            // a gate may let somebody through
  clock::time_point next_deadline_ = clock::now() + idle_poll_max;

  std::mutex mutex_; // guards what follows
  std::vector<std::unique_ptr<curl_transfer>> starts_;
  std::vector<request_id> cancels_;
  request_id last_id_ = 0;
  bool stopping_ = false;
};

} // namespace

std::unique_ptr<http_transport> make_curl_transport() {
  return std::make_unique<curl_transport>();
}

} // namespace varro
