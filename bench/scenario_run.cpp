#include "bench/scenario_run.hpp"

#include "bench/percentiles.hpp"
#include "bench/virtual_user.hpp"

#include <algorithm>
#include <cstdio>

namespace varro::bench {

namespace {

constexpr int64_t second_us = 1'000'000;

double unix_seconds() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

loop_clock::time_point time_of(int64_t monotonic) {
  return loop_clock::time_point{std::chrono::microseconds{monotonic}};
}

} // namespace

scenario_run::scenario_run(event_loop& loop, run_options options) : loop_(loop), options_(std::move(options)) {
  outcome_.what = options_.what;
  for (auto name : counter_names)
    outcome_.counts[std::string{name}] = 0;
}

scenario_run::~scenario_run() = default;

void scenario_run::start() {
  open_session();
}

// One account after the other: passwords are hashed slowly on purpose, and only so many at once.
void scenario_run::open_session() {
  if (!sessions_.empty() && sessions_.size() >= options_.accounts.size()) {
    begin();
    return;
  }
  door_ = std::make_unique<http_client>(loop_, options_.server);
  auto page = options_.accounts.empty() ? "/" : "/login";
  door_->get(page, [this, page = std::string{page}](http_reader& reply, const std::string& error) {
    if (!error.empty() || reply.status() != 200)
      refuse("GET " + page + ": " + answered(reply.status(), error));
    else if (options_.accounts.empty())
      session_opened(csrf_field(reply.body()));
    else
      log_in(csrf_field(reply.body()));
  });
}

void scenario_run::log_in(const std::string& csrf) {
  auto& [name, password] = options_.accounts[sessions_.size()];
  std::map<std::string, std::string> form{{"username", name}, {"password", password}};
  if (!csrf.empty())
    form["csrf"] = csrf;
  door_->post_form("/login", form, [this, who = name](http_reader& reply, const std::string& error) {
    if (!error.empty() || reply.status() != 303) {
      refuse("POST /login as " + who + ": " + answered(reply.status(), error));
      return;
    }
    door_->get("/", [this, who](http_reader& page, const std::string& failure) {
      if (failure.empty() && page.status() == 200)
        session_opened(csrf_field(page.body()));
      else
        refuse("GET / as " + who + ": " + answered(page.status(), failure));
    });
  });
}

void scenario_run::session_opened(const std::string& csrf) {
  sessions_.push_back({door_->cookies(), csrf});
  // Not from inside of this connection's own call.
  loop_.after(std::chrono::microseconds{0}, [this] { open_session(); });
}

void scenario_run::refuse(const std::string& why) {
  refused_ = why;
  loop_.stop();
}

void scenario_run::begin() {
  door_.reset();
  begun_us_ = monotonic_us();
  last_end_us_ = begun_us_;
  outcome_.started_unix_s = unix_seconds();
  if (!options_.hlog_file.empty())
    hlog_.emplace(options_.hlog_file, outcome_.started_unix_s);
  tick_later(begun_us_);
  if (auto* open = std::get_if<open_load>(&options_.what.load)) {
    arrivals_.emplace(*open, options_.what.seed);
    next_arrival_ = arrivals_->next_us();
    begin_due_turns();
    return;
  }
  auto& closed = std::get<closed_load>(options_.what.load);
  for (int64_t i = 0; i < closed.users; ++i) {
    auto& user = free_user();
    auto share = static_cast<double>(i) / static_cast<double>(closed.users);
    auto intended = begun_us_ + static_cast<int64_t>(closed.ramp_seconds * 1e6 * share);
    ++thinking_;
    loop_.at(time_of(intended), [this, &user, intended] {
      --thinking_;
      begin_turn(user, plan_turn(options_.what, user.number, user.turns_ever), intended);
    });
  }
}

void scenario_run::begin_due_turns() {
  while (next_arrival_) {
    auto intended = begun_us_ + *next_arrival_;
    if (intended > monotonic_us()) {
      loop_.at(time_of(intended), [this] { begin_due_turns(); });
      return;
    }
    auto plan = plan_turn(options_.what, 0, turns_planned_++);
    next_arrival_ = arrivals_->next_us();
    begin_turn(free_user(), plan, intended);
  }
  ending_ = true;
  end_if_over();
}

void scenario_run::think(virtual_user& user) {
  auto& closed = std::get<closed_load>(options_.what.load);
  auto intended = monotonic_us() + think_us(closed, options_.what.seed, user.number, user.turns_ever);
  if (intended - begun_us_ >= static_cast<int64_t>(closed.seconds * 1e6)) {
    free_.push_back(&user);
    ending_ = ending_ || thinking_ + turns_on_ == 0;
    end_if_over();
    return;
  }
  ++thinking_;
  loop_.at(time_of(intended), [this, &user, intended] {
    --thinking_;
    begin_turn(user, plan_turn(options_.what, user.number, user.turns_ever), intended);
  });
}

scenario_run::virtual_user& scenario_run::free_user() {
  if (!free_.empty()) {
    auto* user = free_.back();
    free_.pop_back();
    return *user;
  }
  auto number = users_.size();
  users_.push_back(std::make_unique<virtual_user>(loop_, options_.server, number));
  auto& user = *users_.back();
  user.who = &sessions_[number % sessions_.size()];
  user.client.cookies() = user.who->cookies;
  user.side.cookies() = user.who->cookies;
  return user;
}

void scenario_run::user_is_free(virtual_user& user) {
  if (std::holds_alternative<closed_load>(options_.what.load))
    think(user);
  else
    free_.push_back(&user);
  end_if_over();
}

// At the next whole second from the beginning: a tick that is late does not make the later ones late.
void scenario_run::tick_later(int64_t now) {
  auto seconds = (now - begun_us_) / second_us + 1;
  ticking_ = loop_.at(time_of(begun_us_ + seconds * second_us), [this] { tick(); });
}

void scenario_run::tick() {
  auto now = monotonic_us();
  close_interval(now);
  if (options_.progress)
    options_.progress(progress_line());
  if (!finished_)
    tick_later(now);
}

void scenario_run::close_interval(int64_t now) {
  auto end_s = static_cast<double>(now - begun_us_) / 1e6;
  interval_.seconds = end_s - interval_.begin_s;
  auto& turn = interval_durations_[static_cast<size_t>(metric::turn)];
  auto& added = interval_durations_[static_cast<size_t>(metric::added)];
  interval_.turn_p50 = turn.percentile(50);
  interval_.turn_p99 = turn.percentile(99);
  interval_.turn_max = turn.max();
  interval_.added_p99 = added.percentile(99);
  interval_.turn = turn.encoded();
  interval_.added = added.encoded();
  for (size_t i = 0; i < interval_durations_.size(); ++i) {
    auto& each = interval_durations_[i];
    if (hlog_ && each.count() > 0)
      hlog_->add(metric_names[i], interval_.begin_s, interval_.seconds, each);
    outcome_.durations[i].merge(each);
    each.clear();
  }
  outcome_.add_interval(std::move(interval_));
  interval_ = {};
  interval_.begin_s = end_s;
}

std::string scenario_run::progress_line() const {
  auto& last = outcome_.intervals.back();
  char line[200];
  std::snprintf(line, sizeof line,
                "%5.0f s  %.0f turns, %.0f/s, %zu on; turn p50 %s p99 %s ms, added p99 %s ms; %.0f failed, %.0f lost",
                last.begin_s + last.seconds, outcome_.counts.at("completed"),
                static_cast<double>(last.completed) / last.seconds, turns_on_, in_ms(last.turn_p50).c_str(),
                in_ms(last.turn_p99).c_str(), in_ms(last.added_p99).c_str(), outcome_.counts.at("failed"),
                outcome_.counts.at("lost"));
  return line;
}

// When the last turn has ended, the chats that still have turns left are looked at as well.
void scenario_run::end_if_over() {
  if (!ending_ || turns_on_ > 0 || thinking_ > 0 || finished_)
    return;
  if (checks_on_ == 0 && unchecked_.empty()) {
    for (auto& user : users_)
      if (user->chat >= 0)
        unchecked_.push_back(user.get());
    free_.clear();
  }
  if (unchecked_.empty() && checks_on_ == 0)
    finish();
  while (!unchecked_.empty() && checks_on_ < page_checks_max)
    check_next_page();
}

void scenario_run::check_next_page() {
  auto* user = unchecked_.back();
  unchecked_.pop_back();
  check_page(*user);
}

void scenario_run::check_page(virtual_user& user) {
  ++checks_on_;
  auto target = "/chat/" + std::to_string(user.chat);
  user.limit = loop_.after(options_.what.turn_max, [&user] { user.client.give_up("the page took too long"); });
  user.client.get(target, [this, &user, target](http_reader& page, const std::string& error) {
    loop_.cancel(user.limit);
    --checks_on_;
    if (!error.empty() || page.status() != 200) {
      ++outcome_.counts["failed"];
      problem("GET " + target + ": " + answered(page.status(), error));
    } else {
      for (auto& turn : user.blocks) {
        for (auto& id : turn) {
          if (page.body().find(" id=\"" + id + "\"") != std::string::npos)
            continue;
          ++outcome_.counts["lost"];
          problem("the page " + target + " lacks the block " + id);
        }
      }
    }
    user.leave_chat();
    user_is_free(user);
  });
}

void scenario_run::finish() {
  finished_ = true;
  loop_.cancel(ticking_);
  close_interval(monotonic_us());
  outcome_.seconds = static_cast<double>(last_end_us_ - begun_us_) / 1e6;
  auto& counts = outcome_.counts;
  auto ended = counts["completed"] + counts["stopped"] + counts["failed"];
  auto measured_s = outcome_.seconds - options_.what.warm_up_seconds;
  counts["turns_per_second"] = measured_s > 0 ? static_cast<double>(measured_completed_) / measured_s : 0;
  counts["error_rate"] = ended > 0 ? counts["failed"] / ended : 0;
  if (hlog_ && !hlog_->close())
    problem("the file " + options_.hlog_file + " could not be written");
  loop_.stop();
}

void scenario_run::problem(const std::string& what) {
  if (outcome_.problems.size() < problems_max)
    outcome_.problems.push_back(what);
}

} // namespace varro::bench
