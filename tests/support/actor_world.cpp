#include "tests/support/actor_world.hpp"

#include "tests/support/shown_events.hpp"
#include "tests/support/store_twin.hpp"

#include <algorithm>
#include <iterator>

namespace varro::test {

struct actor_world::configuration : caf::actor_system_config {
  configuration() {
    add_message_types<caf::id_block::varro_base>();
    add_message_types<caf::id_block::varro>();
    set("scheduler.policy", caf::atom("testing"));
    set("logger.verbosity", caf::atom("quiet"));
  }
};

namespace {

using log_pointer = std::shared_ptr<world_log>;

caf::scheduler::test_coordinator& coordinator(caf::actor_system& system) {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
}

store_reader_actor::behavior_type fake_reader(store_reader_actor::pointer, log_pointer log) {
  return {
    [=](load_atom, int64_t user, int64_t chat) -> caf::result<chat_contents> {
      auto found = log->stored.find({user, chat});
      if (found == log->stored.end())
        return fail(errc::not_found, "There is no such chat.");
      return found->second;
    },
    [](list_atom, int64_t, unix_us, int64_t, int) { return std::vector<chat_record>{}; },
    [](usage_atom, int64_t, int64_t) { return user_holdings{}; },
    [](login_atom, const std::string&) -> caf::result<login_found> { return fail(errc::not_found, "no login"); },
    [](login_atom, const std::vector<std::string>&) { return std::vector<std::string>{}; },
    [](list_atom, int64_t) { return std::vector<login_record>{}; },
    [](send_atom, int64_t, const std::string&) { return idempotency_found{}; },
    [](link_atom, const std::string&) -> caf::result<link_found> { return fail(errc::not_found, "no link"); },
    [](user_atom, const std::string&) -> caf::result<user_record> { return fail(errc::not_found, "no user"); },
    [=](admin_atom, const admin_question_ptr& question) -> caf::result<admin_answer_ptr> {
      if (log->on_question)
        return log->on_question(*question);
      return fail(errc::not_found, "no admin asks here");
    },
    [](ready_atom) { return done_atom_v; },
  };
}

http_gateway_actor::behavior_type fake_gateway(http_gateway_actor::pointer, log_pointer log) {
  return {
    [](adopt_atom, int, int64_t, int64_t, const viewed_chat_actor&, const std::string&, const std::string&) {},
    [](adopt_atom, node_atom, int, int64_t, int64_t, const viewed_chat_actor&, const std::string&, const std::string&) {
    },
    [](logout_atom, const std::string&) {},
    [=](replay_atom, uint64_t viewer, const chat_replay& unseen) {
      log->replays.push_back({viewer, html_events(unseen), unseen.follow});
    },
    [=](publish_atom, int64_t, const chat_event& event) {
      std::ranges::move(log->live->show(event), std::back_inserter(log->published));
    },
    [](count_atom) { return int64_t{0}; },
    [](tick_atom) {},
    [](stop_atom) {},
  };
}

fake_model_actor::behavior_type fake_models(fake_model_actor::pointer self, log_pointer log) {
  return {
    [=](ask_atom, int64_t run, const model_query& query) -> caf::result<model_response> {
      log->queries.push_back(query);
      if (log->answers.empty()) {
        auto promise = self->make_response_promise<model_response>();
        log->open_queries[run] = promise;
        return promise;
      }
      auto answer = std::move(log->answers.front());
      log->answers.pop_front();
      auto response = answer(query);
      if (!response)
        return response.error();
      return *response;
    },
    [=](cancel_atom, int64_t run) {
      log->cancelled_queries.push_back(run);
      auto found = log->open_queries.find(run);
      if (found == log->open_queries.end())
        return;
      if (log->received_before_cancel)
        found->second.deliver(*log->received_before_cancel);
      else
        found->second.deliver(fail(errc::cancelled, "stopped"));
      log->open_queries.erase(found);
    },
    [](retry_atom, int64_t, int64_t) {},
    [](ended_atom, int64_t, int64_t, const attempt_result&) {},
    [=](flush_atom, const model_response& response) {
      auto open = log->open_queries.begin();
      open->second.deliver(response);
      log->open_queries.erase(open);
    },
  };
}

fake_shell_actor::behavior_type fake_shell(fake_shell_actor::pointer self, log_pointer log) {
  return {
    [=](execute_atom, const std::string& code) -> caf::result<cell_result> {
      return self->delegate(fake_shell_actor{self}, execute_atom_v, code, std::string{});
    },
    [=](execute_atom, const std::string& code, const std::string&) -> caf::result<cell_result> {
      if (log->shells_that_vanish > 0) {
        --log->shells_that_vanish;
        log->unanswered.push_back(self->make_response_promise<cell_result>());
        self->quit(fail(errc::shell_lost, "The Python process ended."));
        return log->unanswered.back();
      }
      if (log->shells_that_end > 0) {
        --log->shells_that_end;
        return fail(errc::shell_lost, "The Python shell ended before this cell ran.");
      }
      log->cells.push_back(code);
      auto result = log->run_cell ? log->run_cell(code) : printed("ran: " + code);
      if (result)
        return *result;
      auto promise = self->make_response_promise<cell_result>();
      log->open_cells.push_back(promise);
      return promise;
    },
    [=](result_atom, const std::string& tag) -> caf::result<cell_result> {
      auto found = log->begun_cells.find(tag);
      if (found == log->begun_cells.end())
        return fail(errc::not_found, "There is no such cell.");
      if (found->second)
        return *found->second;
      auto promise = self->make_response_promise<cell_result>();
      log->open_cells.push_back(promise);
      return promise;
    },
    [=](ack_atom, const std::string& tag) { log->acknowledged.push_back(tag); },
    [=](snapshot_atom, int64_t base) -> caf::result<snapshot_taken> {
      log->snapshot_bases.push_back(base);
      if (log->take_snapshot)
        return log->take_snapshot();
      return fail(errc::storage_failed, "no snapshots here");
    },
    [=](restore_atom, int64_t footer) -> caf::result<snapshot_restored> {
      log->restored.push_back(footer);
      if (log->damaged_snapshots)
        return fail(errc::storage_failed, "it is damaged");
      return snapshot_restored{2, {"lock (a lock)"}};
    },
    [=](interrupt_atom) {
      ++log->interrupts;
      auto open = std::move(log->open_cells);
      log->open_cells.clear();
      for (auto& promise : open) {
        cell_result result;
        result.status = cell_status::interrupted;
        promise.deliver(std::move(result));
      }
    },
    [=](close_atom) {
      ++log->shells_closed;
      for (auto& promise : log->open_cells)
        promise.deliver(cell_result{cell_status::lost, "closed", {}, {}});
      log->open_cells.clear();
      self->quit();
    },
    [=](flush_atom, const cell_result& result) {
      log->open_cells.front().deliver(result);
      log->open_cells.pop_front();
    },
  };
}

fake_host_actor::behavior_type fake_shell_host(fake_host_actor::pointer self, log_pointer log) {
  auto new_shell = [=] {
    ++log->shells_started;
    log->shell = self->spawn(fake_shell, log);
    return python_shell_actor{log->shell};
  };
  auto start = [=](const wanted_shell& wanted) -> caf::result<python_shell_actor> {
    log->wanted.push_back(wanted);
    if (log->no_shells)
      return fail(errc::shell_unavailable, "bubblewrap is not installed");
    if (log->no_room) {
      log->waiting_starts.push_back(self->make_response_promise<python_shell_actor>());
      return log->waiting_starts.back();
    }
    return new_shell();
  };
  return {
    [=](start_atom, const wanted_shell& wanted) { return start(wanted); },
    [=](start_atom, const wanted_shell& wanted, const shell_waiter_actor& waiter) {
      log->shell_waiter = waiter;
      return start(wanted);
    },
    [=](cancel_atom, int64_t) {
      for (auto& promise : std::exchange(log->waiting_starts, {}))
        promise.deliver(fail(errc::cancelled, "The shell is not wanted any more."));
    },
    [=](attach_atom, int64_t) -> caf::result<python_shell_actor, std::vector<std::string>> {
      if (!std::exchange(log->former_shell, false))
        return fail(errc::not_found, "The chat has no shell.");
      log->shell = self->spawn(fake_shell, log);
      std::vector<std::string> tags;
      for (const auto& [tag, result] : log->begun_cells)
        tags.push_back(tag);
      return {python_shell_actor{log->shell}, tags};
    },
    [](busy_atom, int64_t, bool) {},
    [](usage_atom, int64_t, int64_t, int64_t) {},
    [=](count_atom) { return int64_t{log->shells_started - log->shells_closed}; },
    [=](list_atom) { return log->living; },
    [=](close_atom, int64_t chat) { log->closed.push_back(chat); },
    [](stats_atom) { return actor_counts{}; },
    [=](flush_atom) {
      for (auto& promise : std::exchange(log->waiting_starts, {}))
        promise.deliver(new_shell());
    },
    [](stop_atom) { return done_atom_v; },
  };
}

// The first of these that was kept; "nothing" otherwise.
std::string first_kept(const world_log& log, const std::vector<std::string>& names) {
  auto found = std::find_if(names.begin(), names.end(), [&](const auto& name) { return log.versions.contains(name); });
  return found == names.end() ? "nothing" : *found;
}

workspace_keeper_actor::behavior_type fake_keeper(workspace_keeper_actor::pointer self, log_pointer log) {
  auto keep = [=](const std::string& step, const std::string& name) -> caf::result<done_atom> {
    log->file_steps.push_back(step);
    if (log->disk_full)
      return fail(errc::storage_failed, "No space left on device");
    log->versions.insert(name);
    return done_atom_v;
  };
  auto restore = [=](const std::string& verb, const std::vector<std::string>& names) {
    auto name = first_kept(*log, names);
    log->file_steps.push_back(verb + " " + name);
    auto change = log->change;
    change.found = name != "nothing";
    return change;
  };
  return {
    [=](keep_atom, int64_t, const std::string& name, int64_t) -> caf::result<done_atom> {
      if (log->keeper_is_slow)
        return self->make_response_promise<done_atom>();
      return keep("keep " + name, name);
    },
    [=](branch_atom, int64_t, int64_t run, const std::vector<std::string>&) {
      return keep("leave " + std::to_string(run), version_after(run));
    },
    [=](restore_atom, int64_t, const std::vector<std::string>& names) { return restore("restore", names); },
    [=](fork_atom, int64_t, const std::vector<std::string>& names, int64_t) { return restore("fork", names); },
    [=](usage_atom, int64_t user, int64_t chat, bool workspace) { log->measured.emplace_back(user, chat, workspace); },
  };
}

} // namespace

actor_world::actor_world() : configuration_(std::make_unique<configuration>()), system_(*configuration_) {
  auto settings = std::make_shared<config>();
  settings->data_dir = std::filesystem::temp_directory_path() / "varro-actor-world";
  model_config model;
  model.id = "test:model";
  model.kind = provider_kind::openai;
  model.provider = "test";
  model.name = "model";
  settings->models = {model};
  settings->default_model = model.id;
  services_.settings = settings;
  services_.catalog = std::make_shared<model_catalog>(*settings);
  services_.counts = std::make_shared<gauges>();
  store_ = system_.spawn(fake_store, log_);
  services_.store = store_;
  services_.reader = system_.spawn(fake_reader, log_);
  shells_ = system_.spawn(fake_shell_host, log_);
  services_.shells = shells_;
  services_.keeper = system_.spawn(fake_keeper, log_);
  models_ = system_.spawn(fake_models, log_);
  services_.models = models_;
  services_.gateway = system_.spawn(fake_gateway, log_);
  services_.tools = built_in_tools();
}

actor_world::~actor_world() {
  // A session ends its run and its shell; what is left then waits for nothing.
  log_->hold_commits = log_->hold_draws = false;
  log_->fail_commit = log_->fail_draw = -1;
  while (!log_->held.empty() || !log_->held_draws.empty())
    if (log_->held_draws.empty())
      release_commit();
    else
      release_draw();
  for (auto& actor : spawned_)
    caf::anon_send(actor, stop_atom_v);
  run();
  for (auto& actor : spawned_)
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  for (auto& actor : {caf::actor_cast<caf::actor>(services_.store), caf::actor_cast<caf::actor>(services_.reader),
                      caf::actor_cast<caf::actor>(services_.shells), caf::actor_cast<caf::actor>(services_.models),
                      caf::actor_cast<caf::actor>(services_.gateway), caf::actor_cast<caf::actor>(services_.keeper)})
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  spawned_.clear();
  log_->shell = nullptr;
  log_->shell_waiter = nullptr;
  log_->waiting_starts.clear();
  log_->unanswered.clear();
  store_ = nullptr;
  models_ = nullptr;
  shells_ = nullptr;
  services_ = {};
  run();
}

void actor_world::run() {
  coordinator(system_).run();
}

void actor_world::release_commit() {
  tell(store_, flush_atom_v);
}

void actor_world::release_draw() {
  tell(store_, flush_atom_v, log_->held_draws.front().first);
}

void actor_world::answer_query(model_response response) {
  tell(models_, flush_atom_v, std::move(response));
}

void actor_world::make_room() {
  log_->no_room = false;
  tell(shells_, flush_atom_v);
}

void actor_world::finish_cell(cell_result result) {
  tell(log_->shell, flush_atom_v, std::move(result));
}

void actor_world::advance(std::chrono::milliseconds span) {
  coordinator(system_).advance_time(span);
  run();
}

chat_contents actor_world::fresh_chat() {
  chat_contents contents;
  contents.chat.id = 42;
  contents.chat.user_id = 7;
  contents.chat.model = "test:model";
  return contents;
}

chat_session_actor actor_world::session(chat_contents contents, bool stored) {
  log_->live = live_presenter(contents);
  auto handle = system_.spawn(chat_session, services_, std::move(contents), stored);
  spawned_.push_back(caf::actor_cast<caf::actor>(handle));
  run();
  return handle;
}

chat_registry_actor actor_world::registry() {
  auto handle = system_.spawn(chat_registry, services_);
  spawned_.push_back(caf::actor_cast<caf::actor>(handle));
  run();
  return handle;
}

message_history actor_world::committed_messages() const {
  message_history messages;
  for (const auto& batch : log_->batches) {
    if (batch.supersede_from_turn)
      messages.clear();
    for (const auto& row : batch.messages)
      messages.push_back(row.content);
  }
  return messages;
}

} // namespace varro::test
