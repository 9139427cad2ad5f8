#include "bench/load.hpp"

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

namespace varro::bench {

namespace {

constexpr size_t problems_max = 10;

} // namespace

struct load::virtual_user {
  virtual_user(event_loop& loop, const server_address& server) : client(loop, server), program(loop, server) {}

  http_client client;
  http_client program; // follows each turn by /api/v1
  std::string csrf;
  int64_t chat = -1;
  int turns_done = 0;
  int64_t sent_us = 0;
  event_reader events;
  std::unique_ptr<turn_check> check;  // of the turn that is on
  std::vector<std::string> block_ids; // of all turns
  event_reader program_events;
  std::set<std::string> program_parts; // of the turn, that have come
  bool program_done = false;
  int streams_open = 0; // of the turn
  std::string page_error;
  event_loop::timer limit;
};

load::load(event_loop& loop, load_options options) : loop_(loop), options_(std::move(options)) {}

load::~load() = default;

void load::start() {
  if (options_.login.empty())
    let_users_in();
  else
    log_in();
}

void load::log_in() {
  login_client_ = std::make_unique<http_client>(loop_, options_.server);
  login_client_->get("/login", [this](http_reader& page, const std::string& error) {
    if (!error.empty() || page.status() != 200) {
      problem("GET /login: " + answered(page.status(), error));
      ++result_.turns_failed;
      loop_.stop();
      return;
    }
    std::map<std::string, std::string> form{{"username", options_.login}, {"password", options_.password}};
    if (auto csrf = csrf_field(page.body()); !csrf.empty())
      form["csrf"] = csrf;
    login_client_->post_form("/login", form, [this](http_reader& reply, const std::string& failure) {
      if (failure.empty() && reply.status() == 303) {
        let_users_in();
        return;
      }
      problem("POST /login: " + answered(reply.status(), failure));
      ++result_.turns_failed;
      loop_.stop();
    });
  });
}

void load::let_users_in() {
  active_ = options_.users;
  auto step = std::chrono::duration_cast<std::chrono::microseconds>(options_.ramp) / std::max(options_.users, 1);
  for (int i = 0; i < options_.users; ++i) {
    users_.push_back(std::make_unique<virtual_user>(loop_, options_.server));
    auto& user = *users_.back();
    if (login_client_)
      user.program.cookies() = user.client.cookies() = login_client_->cookies();
    loop_.after(step * i, [this, &user] { open_page(user); });
  }
  if (users_.empty())
    loop_.stop();
}

void load::open_page(virtual_user& user) {
  user.client.get("/", [this, &user](http_reader& page, const std::string& error) {
    if (!error.empty() || page.status() != 200) {
      fail(user, "GET /: " + answered(page.status(), error));
      return;
    }
    user.csrf = csrf_field(page.body());
    send_message(user);
  });
}

void load::send_message(virtual_user& user) {
  std::map<std::string, std::string> form{{"message", options_.message}};
  if (user.chat >= 0)
    form["chat_id"] = std::to_string(user.chat);
  if (!user.csrf.empty())
    form["csrf"] = user.csrf;
  user.sent_us = monotonic_us();
  if (first_us_ == 0)
    first_us_ = user.sent_us;
  user.client.post_form("/chat/send", form, [this, &user](http_reader& reply, const std::string& error) {
    auto path = stream_path(reply.body());
    if (!error.empty() || reply.status() != 200 || path.empty()) {
      fail(user, "POST /chat/send: " + answered(reply.status(), error) + " " + reply.body().substr(0, 200));
      return;
    }
    user.chat = chat_of(path);
    follow(user, path);
  });
}

void load::follow(virtual_user& user, const std::string& path) {
  user.check = std::make_unique<turn_check>(after_of(path));
  user.events = {};
  user.streams_open = options_.programs ? 2 : 1;
  user.limit = loop_.after(options_.turn_max, [this, &user] {
    user.client.give_up("the turn took too long");
    if (options_.programs)
      user.program.give_up("the turn took too long");
  });
  if (options_.programs)
    follow_as_program(user, path);
  user.client.get(
    path,
    [this, &user](http_reader& reply, const std::string& error) {
      bool refused = error.empty() && reply.status() != 200;
      // A stream may be ended by closing the connection: what counts is whether done had come.
      user.page_error = refused ? "GET the stream: answered " + std::to_string(reply.status()) : error;
      stream_ended(user);
    },
    [&user](http_reader& reply) {
      auto now = monotonic_us();
      if (reply.status() != 200)
        return;
      for (auto& event : user.events.feed(std::exchange(reply.body(), {})))
        user.check->take(event, now);
    });
}

void load::follow_as_program(virtual_user& user, const std::string& path) {
  user.program_events = {};
  user.program_parts.clear();
  user.program_done = false;
  const auto target = "/api/v1/chats/" + std::to_string(user.chat) + "/events?after=" + std::to_string(after_of(path));
  user.program.get(
    target,
    [this, &user](http_reader& reply, const std::string& error) {
      if (!user.program_done) {
        ++result_.faults.lost;
        problem("a program's stream: " + answered(reply.status(), error) + ", and it ended without done");
      }
      stream_ended(user);
    },
    [this, &user](http_reader& reply) {
      const auto now = monotonic_us();
      if (reply.status() != 200)
        return;
      for (const auto& event : user.program_events.feed(std::exchange(reply.body(), {}))) {
        user.program_done = user.program_done || event.name == "done";
        const auto part = event.name == "content" ? parse_json(event.data) : std::nullopt;
        if (!part || !part->is_object() || !user.program_parts.insert(part->value("id", "")).second)
          continue;
        if (const auto marker = time_marker(event.data))
          result_.added_api.add(now - *marker);
      }
    });
}

void load::stream_ended(virtual_user& user) {
  if (--user.streams_open > 0)
    return;
  loop_.cancel(user.limit);
  end_turn(user, user.page_error);
}

void load::end_turn(virtual_user& user, const std::string& error) {
  auto& check = *user.check;
  check.end();
  result_.faults += check.faults();
  if (check.faults().sum() > 0)
    problem("chat " + std::to_string(user.chat) + ": " + check.first_problem()
            + (error.empty() ? "" : " (" + error + ")"));
  user.block_ids.insert(user.block_ids.end(), check.block_ids().begin(), check.block_ids().end());
  if (!check.completed()) {
    fail(user, "the turn ended as \"" + check.status() + "\" " + error);
    return;
  }
  ++result_.turns_completed;
  last_us_ = std::max(last_us_, check.done_us());
  result_.turn.add(check.done_us() - user.sent_us);
  if (check.first_node_us())
    result_.first_node.add(*check.first_node_us() - user.sent_us);
  for (auto added : check.added_us())
    result_.added.add(added);
  if (++user.turns_done < options_.turns)
    loop_.after(options_.think, [this, &user] { send_message(user); });
  else
    check_page(user);
}

void load::check_page(virtual_user& user) {
  auto target = "/chat/" + std::to_string(user.chat);
  user.client.get(target, [this, &user, target](http_reader& page, const std::string& error) {
    if (!error.empty() || page.status() != 200) {
      fail(user, "GET " + target + ": " + answered(page.status(), error));
      return;
    }
    for (auto& id : user.block_ids) {
      if (page.body().find(" id=\"" + id + "\"") != std::string::npos)
        continue;
      ++result_.faults.lost;
      problem("the page " + target + " lacks the block " + id);
    }
    leave(user);
  });
}

void load::fail(virtual_user& user, const std::string& what) {
  result_.turns_failed += options_.turns - user.turns_done;
  problem(what);
  leave(user);
}

void load::leave(virtual_user&) {
  if (--active_ > 0)
    return;
  result_.wall_us = last_us_ - first_us_;
  loop_.stop();
}

void load::problem(const std::string& what) {
  if (result_.problems.size() < problems_max)
    result_.problems.push_back(what);
}

json load_result::to_json() const {
  auto seconds = static_cast<double>(wall_us) / 1e6;
  return {{"turns_completed", turns_completed},
          {"turns_failed", turns_failed},
          {"seconds", seconds},
          {"turns_per_second", wall_us > 0 ? turns_completed / seconds : 0.0},
          {"first_node", first_node.summary()},
          {"added_per_node", added.summary()},
          {"added_per_node_api", added_api.summary()},
          {"turn", turn.summary()},
          {"lost", faults.lost},
          {"repeated", faults.repeated},
          {"out_of_order", faults.out_of_order},
          {"malformed", faults.malformed},
          {"problems", problems}};
}

std::string load_result::table() const {
  std::string text;
  char line[200];
  auto seconds = static_cast<double>(wall_us) / 1e6;
  std::snprintf(line, sizeof line, "turns        %d completed, %d failed, in %.2f s: %.1f turns/s\n", turns_completed,
                turns_failed, seconds, wall_us > 0 ? turns_completed / seconds : 0.0);
  text += line;
  text += "\n| milliseconds               |      p50 |      p90 |      p99 |      max |   count |\n"
          "|----------------------------|---------:|---------:|---------:|---------:|--------:|\n";
  auto row = [&](const char* name, const samples& values) {
    std::snprintf(line, sizeof line, "| %-26s | %8s | %8s | %8s | %8s | %7zu |\n", name,
                  in_ms(values.percentile(50)).c_str(), in_ms(values.percentile(90)).c_str(),
                  in_ms(values.percentile(99)).c_str(), in_ms(values.percentile(100)).c_str(), values.count());
    text += line;
  };
  row("message to first node", first_node);
  row("added per node", added);
  if (added_api.count() > 0)
    row("added per node, API", added_api);
  row("message to done", turn);
  std::snprintf(line, sizeof line, "\nevents       %d lost, %d repeated, %d out of order, %d malformed\n", faults.lost,
                faults.repeated, faults.out_of_order, faults.malformed);
  text += line;
  for (auto& one : problems)
    text += "problem      " + one + "\n";
  return text;
}

} // namespace varro::bench
