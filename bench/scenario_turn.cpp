// One turn of a virtual user, and what it does meanwhile.
#include "bench/scenario_run.hpp"
#include "bench/virtual_user.hpp"

#include <utility>

namespace varro::bench {

namespace {

using std::chrono::microseconds;

// Rows of numbers, as large as asked.
std::string table_of(int64_t bytes) {
  std::string text = "a,b\n";
  while (static_cast<int64_t>(text.size()) < bytes)
    text += "1.5,2.25\n";
  text.resize(static_cast<size_t>(bytes));
  return text;
}

} // namespace

void scenario_run::begin_turn(virtual_user& user, const planned_turn& plan, int64_t intended_us) {
  auto& what = options_.what;
  ++turns_on_;
  ++user.turns_ever;
  ++interval_.started;
  user.plan = plan;
  ++user.serial;
  user.intended_us = intended_us;
  user.measured = static_cast<double>(intended_us - begun_us_) >= what.warm_up_seconds * 1e6;
  user.acted = user.stopped = user.over = user.shown_done = false;
  user.parts = 0;
  user.last_id.clear();
  user.ids.clear();
  user.limit = loop_.after(what.turn_max, [&user, serial = user.serial] {
    user.side.give_up("the turn took too long");
    // That may have been what the turn waited for: then the other connection loads the chat's page by now.
    if (user.serial != serial || user.over)
      return;
    user.client.resume();
    user.client.give_up("the turn took too long");
  });
  std::map<std::string, std::string> form{{"message", what.message(plan.kind)}};
  if (!user.who->csrf.empty())
    form["csrf"] = user.who->csrf;
  bool edits = plan.does == behaviour::edit && user.chat >= 0 && user.turns > 0;
  std::string target = "/chat/send";
  if (edits) {
    target = "/chat/" + std::to_string(user.chat) + "/edit";
    form["turn"] = std::to_string(user.turns);
    user.blocks.pop_back(); // they leave the page
  } else {
    ++user.turns;
    if (user.chat >= 0)
      form["chat_id"] = std::to_string(user.chat);
  }
  auto sent = [this, &user, target](http_reader& reply, const std::string& error) {
    auto path = stream_path(reply.body());
    if (!error.empty() || reply.status() != 200 || path.empty()) {
      fail_turn(user, "POST " + target + ": " + answered(reply.status(), error) + " " + reply.body().substr(0, 200));
      return;
    }
    if (user.chat >= 0 && chat_of(path) != user.chat) {
      fail_turn(user, "POST " + target + " of chat " + std::to_string(user.chat) + " answered with " + path);
      return;
    }
    if (user.measured)
      add(metric::accepted, monotonic_us() - user.intended_us);
    user.chat = chat_of(path);
    user.check = std::make_unique<turn_check>(after_of(path));
    user.parts = 1;
    if (user.plan.does == behaviour::second_viewer)
      watch_beside(user, path);
    follow(user, path);
  };
  if (user.measured)
    add(metric::lateness, monotonic_us() - intended_us);
  if (plan.kind == turn_kind::upload && !edits)
    user.client.post_file(target, form, "table.csv", table_of(what.upload_bytes), sent);
  else
    user.client.post_form(target, form, sent);
}

void scenario_run::follow(virtual_user& user, const std::string& path, const std::string& headers) {
  user.path = path;
  user.events = {};
  user.client.get(
    path,
    [this, &user](http_reader& reply, const std::string& error) {
      bool refused = error.empty() && reply.status() != 200;
      part_over(user, refused ? "GET the stream: answered " + std::to_string(reply.status()) : error);
    },
    [this, &user](http_reader& reply) { take_events(user, reply); }, headers);
}

void scenario_run::take_events(virtual_user& user, http_reader& reply) {
  auto now = monotonic_us();
  if (reply.status() != 200)
    return;
  bool any = false;
  for (auto& event : user.events.feed(std::exchange(reply.body(), {}))) {
    any = true;
    if (!event.id.empty())
      user.last_id = event.id;
    user.check->take(event, now);
  }
  if (!any || user.acted || user.plan.does == behaviour::plain)
    return;
  user.acted = true;
  // Not from inside of the connection's own call.
  loop_.after(microseconds{0}, [this, &user, serial = user.serial] {
    if (user.serial == serial && !user.over)
      act(user);
  });
}

void scenario_run::act(virtual_user& user) {
  switch (user.plan.does) {
  case behaviour::reload:
    reload(user);
    break;
  case behaviour::reconnect:
    reconnect(user);
    break;
  case behaviour::slow_reader:
    read_slowly(user);
    break;
  case behaviour::stop:
    stop_turn(user);
    break;
  case behaviour::plain:
  case behaviour::second_viewer:
  case behaviour::edit:
    break;
  }
}

// The page shows what is committed, and a stream that goes on behind it, if the run still is.
void scenario_run::reload(virtual_user& user) {
  user.client.abandon();
  count_faults(user, *user.check);
  user.ids = user.check->block_ids();
  auto asked = monotonic_us();
  auto target = "/chat/" + std::to_string(user.chat);
  user.client.get(target, [this, &user, target, asked](http_reader& page, const std::string& error) {
    if (!error.empty() || page.status() != 200) {
      part_over(user, "GET " + target + ": " + answered(page.status(), error));
      return;
    }
    if (user.measured)
      add(metric::page, monotonic_us() - asked);
    auto path = stream_path(page.body());
    user.check = std::make_unique<turn_check>(after_of(path));
    user.shown_done = path.empty();
    if (user.shown_done)
      part_over(user, "");
    else
      follow(user, path);
  });
}

void scenario_run::reconnect(virtual_user& user) {
  // A page whose turn is over does not ask for it again; a chunk that was read late held the end as well.
  if (user.check->done())
    return;
  user.client.abandon();
  follow(user, user.path, user.last_id.empty() ? "" : "last-event-id: " + user.last_id + "\r\n");
}

void scenario_run::read_slowly(virtual_user& user) {
  user.client.pause();
  loop_.after(options_.what.slow_reader, [&user, serial = user.serial] {
    if (user.serial == serial && !user.over)
      user.client.resume();
  });
}

void scenario_run::stop_turn(virtual_user& user) {
  user.stopped = true;
  ++user.parts;
  std::map<std::string, std::string> form;
  if (!user.who->csrf.empty())
    form["csrf"] = user.who->csrf;
  auto target = "/chat/" + std::to_string(user.chat) + "/cancel";
  user.side.post_form(target, form, [this, &user, target](http_reader& reply, const std::string& error) {
    // 409: it was over before the button was pressed.
    bool fine = error.empty() && (reply.status() == 204 || reply.status() == 409);
    if (!fine) {
      ++outcome_.counts["failed"];
      problem("POST " + target + ": " + answered(reply.status(), error));
    }
    part_over(user, "");
  });
}

void scenario_run::watch_beside(virtual_user& user, const std::string& path) {
  ++user.parts;
  user.side_events = {};
  user.side_check = std::make_unique<turn_check>(after_of(path));
  user.side.get(
    path, [this, &user](http_reader&, const std::string& error) { part_over(user, error); },
    [&user](http_reader& reply) {
      auto now = monotonic_us();
      for (auto& event : user.side_events.feed(std::exchange(reply.body(), {})))
        user.side_check->take(event, now);
    });
}

void scenario_run::part_over(virtual_user& user, const std::string& error) {
  if (--user.parts > 0)
    return;
  judge_turn(user, error);
}

void scenario_run::count_faults(const virtual_user& user, const turn_check& check) {
  auto& faults = check.faults();
  outcome_.counts["lost"] += faults.lost;
  outcome_.counts["repeated"] += faults.repeated;
  outcome_.counts["out_of_order"] += faults.out_of_order;
  outcome_.counts["malformed"] += faults.malformed;
  if (faults.sum() > 0)
    problem("chat " + std::to_string(user.chat) + ": " + check.first_problem());
}

void scenario_run::judge_turn(virtual_user& user, const std::string& error) {
  auto& check = *user.check;
  if (!user.shown_done)
    check.end();
  count_faults(user, check);
  user.ids.insert(user.ids.end(), check.block_ids().begin(), check.block_ids().end());
  if (user.side_check) {
    user.side_check->end();
    count_faults(user, *user.side_check);
    if (user.side_check->block_ids() != check.block_ids()) {
      ++outcome_.counts["lost"];
      problem("chat " + std::to_string(user.chat) + ": two viewers of one turn saw different blocks");
    }
  }
  bool stopped = user.stopped && check.status() == "cancelled";
  if (!user.shown_done && !check.completed() && !stopped) {
    fail_turn(user, "the turn ended as \"" + check.status() + "\" " + error);
    return;
  }
  user.blocks.push_back(std::move(user.ids));
  user.ids.clear();
  if (stopped)
    ++outcome_.counts["stopped"];
  else
    record_turn(user);
  leave_turn(user);
}

void scenario_run::record_turn(virtual_user& user) {
  auto& check = *user.check;
  ++outcome_.counts["completed"];
  ++interval_.completed;
  measured_completed_ += user.measured;
  auto does = user.plan.does;
  if (!user.measured || does == behaviour::slow_reader || does == behaviour::stop)
    return;
  add(metric::turn, (user.shown_done ? monotonic_us() : check.done_us()) - user.intended_us);
  if (does == behaviour::reload || does == behaviour::reconnect)
    return; // what came again was not late by the server's doing
  if (auto first = check.first_node_us())
    add(metric::first_node, *first - user.intended_us);
  for (auto each : check.added_us())
    add(metric::added, each);
}

void scenario_run::fail_turn(virtual_user& user, const std::string& what) {
  ++outcome_.counts["failed"];
  ++interval_.failed;
  problem(what);
  user.leave_chat(); // its history is not what this user believes
  leave_turn(user);
}

void scenario_run::leave_turn(virtual_user& user) {
  loop_.cancel(user.limit);
  user.over = true;
  user.check.reset();
  user.side_check.reset();
  --turns_on_;
  last_end_us_ = monotonic_us();
  if (user.chat >= 0 && user.turns >= options_.what.turns_per_chat)
    check_page(user);
  else
    user_is_free(user);
}

void scenario_run::add(metric what, int64_t microseconds) {
  interval_durations_[static_cast<size_t>(what)].add(microseconds);
}

} // namespace varro::bench
