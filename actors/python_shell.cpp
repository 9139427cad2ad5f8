#include "actors/python_shell.hpp"

#include <algorithm>
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

namespace varro {

namespace {

using stage = python_shell_state::stage;
using namespace std::chrono_literals;

constexpr size_t read_bytes = 64u << 10;
constexpr size_t outputs_max = 2'000; // of one cell; later text joins the last text
constexpr int looks_before_kill = 12; // about half a second for a process that lost its socket to end by itself
constexpr int looks_for_status = 40;  // about two seconds for the exit status of a process that is gone
constexpr auto finished_max = std::chrono::minutes{1}; // for results of a shell that is gone
constexpr auto fresh_shell = " Its variables are gone; the next cell gets a fresh shell.";

std::string seconds_text(std::chrono::milliseconds duration) {
  auto ms = duration.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

void tell_busy(python_shell_pointer self) {
  const auto& state = self->state;
  if (state.host)
    self->send(state.host, busy_atom_v, state.chat, state.now == stage::running || !state.snapshots.empty());
}

void start_next(python_shell_pointer self) {
  auto& state = self->state;
  if (state.now != stage::idle || state.queue.empty())
    return;
  state.now = stage::running;
  state.result = {};
  state.begun = false;
  state.interrupt_reason.clear();
  state.slots.clear();
  state.left = output_allowance{state.settings};
  auto& cell = state.queue.front();
  auto left = state.settings.cell_max;
  if (cell.id == 0) {
    cell.id = ++state.cells_begun;
    auto bytes = encode_execute(cell.id, cell.tag, cell.code, state.settings);
    self->write(state.connection, bytes.size(), bytes.data());
    self->flush(state.connection);
  } else {
    auto now
      = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    left -= std::clamp(now - std::chrono::milliseconds{cell.started_at_ms}, 0ms, left);
  }
  state.cell_id = cell.id;
  self->delayed_send(self, left, deadline_atom_v, state.cell_id);
  state.tags[cell.id] = cell.tag;
  tell_busy(self);
}

void acknowledge(python_shell_pointer self, uint64_t cell) {
  if (self->state.host)
    self->send(self->state.host, ack_atom_v, self->state.process.number, cell);
}

void answer_first(python_shell_pointer self) {
  auto& state = self->state;
  auto cell = std::move(state.queue.front());
  state.queue.pop_front();
  if (cell.tag.empty())
    acknowledge(self, cell.id);
  else if (cell.expected)
    state.unacknowledged[cell.tag] = cell.id;
  if (cell.expected)
    cell.answer.deliver(std::exchange(state.result, {}));
  else if (!cell.tag.empty())
    state.finished[cell.tag] = {cell.id, std::exchange(state.result, {})};
}

void drop_waiting(python_shell_pointer self, size_t from, cell_status status, const std::string& reason) {
  auto& queue = self->state.queue;
  while (queue.size() > from) {
    cell_result result;
    result.status = status;
    result.reason = reason;
    if (queue.back().expected)
      queue.back().answer.deliver(std::move(result));
    queue.pop_back();
  }
}

caf::error not_begun() {
  return fail(errc::shell_lost, "The Python shell ended before this cell ran; it was not executed.");
}

// Another shell may run what was never sent; what a former server sent is lost.
void give_back_waiting(python_shell_pointer self, size_t from) {
  auto& queue = self->state.queue;
  while (queue.size() > from && queue.back().id == 0) {
    queue.back().answer.deliver(not_begun());
    queue.pop_back();
  }
  drop_waiting(self, from, cell_status::lost, "The shell ended before the result of this cell was read.");
}

// The cell in flight was not begun: its worker says so first, everything that the worker wrote has come here, and
// nothing of it lives that could still begin. An interpreter's end and a broken protocol leave that open, and so does
// the end of varro-shells, which may take frames along.
bool is_surely_not_begun(const python_shell_state& state) {
  return !state.begun && state.read_to_end && !state.killed && state.exit_status
    && (state.end_why.empty() || state.end_why == "memory");
}

void look_again(python_shell_pointer self) {
  auto delay = std::min(1 << std::min(self->state.looks++, 6), 50);
  self->delayed_send(self, std::chrono::milliseconds{delay}, reap_atom_v);
}

void kill_now(python_shell_pointer self) {
  self->state.killed = true;
  kill_shell(self->state.process);
}

void end_snapshots(python_shell_pointer self) {
  auto& state = self->state;
  auto gone = fail(errc::shell_lost, "The shell ended.");
  for (auto& [id, request] : std::exchange(state.snapshots, {}))
    request.answer.deliver(gone);
  for (auto& [id, answer] : std::exchange(state.restores, {}))
    answer.deliver(gone);
}

// From here on nothing is read or executed; the answers follow when the process is gone and its status is known.
void begin_end(python_shell_pointer self, bool kill) {
  auto& state = self->state;
  if (state.now == stage::ending)
    return;
  state.was_ready = state.now != stage::starting;
  end_snapshots(self);
  // Whether a cell was in flight must be known later; the queue alone does not say it.
  size_t in_flight = state.now == stage::running ? 1 : 0;
  state.now = stage::ending;
  tell_busy(self); // before anybody asks shell_host for another one
  give_back_waiting(self, in_flight);
  self->close(state.connection);
  if (kill)
    kill_now(self);
  look_again(self);
}

void lose(python_shell_pointer self, cell_status status, std::string reason) {
  if (self->state.now == stage::ending)
    return;
  self->state.end_status = status;
  self->state.end_reason = std::move(reason);
  begin_end(self, true);
}

void finish(python_shell_pointer self) {
  auto& state = self->state;
  if (state.end_reason.empty()) {
    auto death = explain_exit(state.exit_status.value_or(0),
                              state.exit_status || !state.end_why.empty() ? state.end_why : "unknown", state.settings);
    state.end_status = death.status;
    state.end_reason = death.reason;
  }
  if (is_surely_not_begun(state) && !state.queue.empty() && state.queue.front().expected) {
    state.queue.front().answer.deliver(not_begun());
    state.queue.pop_front();
  }
  while (!state.queue.empty()) {
    state.result.status = state.end_status;
    state.result.reason = state.end_reason;
    answer_first(self);
  }
  if (!state.finished.empty()) { // somebody may still ask for them
    self->delayed_send(self, finished_max, close_atom_v);
    return;
  }
  if (state.closed)
    self->quit();
  else if (state.was_ready)
    self->quit(fail(errc::shell_lost, state.end_reason));
  else
    self->quit(
      fail(errc::shell_unavailable,
           "The Python shell could not be started: " + state.end_reason + " `varro doctor` says how to fix it."));
}

void look(python_shell_pointer self) {
  auto& state = self->state;
  if (has_ended(state.process)) {
    // How it ended is on its way; without varro-shells nobody knows.
    if (state.exit_status || !state.host || ++state.looks_after_end > looks_for_status) {
      finish(self);
      return;
    }
  } else if (!state.killed && state.looks > looks_before_kill) {
    if (state.end_why.empty()) // one that dies slowly may have been killed for another reason, which is on its way
      state.end_why = "silence";
    kill_now(self);
  }
  look_again(self);
}

void note_exit(python_shell_pointer self, int status, std::string why) {
  self->state.exit_status = status;
  if (!why.empty())
    self->state.end_why = std::move(why);
}

void interrupt(python_shell_pointer self, std::string reason) {
  auto& state = self->state;
  if (state.now != stage::running || !state.interrupt_reason.empty())
    return;
  state.interrupt_reason = std::move(reason);
  interrupt_shell(state.process);
  self->delayed_send(self, state.settings.interrupt_grace, kill_atom_v, state.cell_id);
}

void finish_cell(python_shell_pointer self, const worker_done& done) {
  auto& state = self->state;
  state.result.status = done.status;
  state.result.duration = done.duration;
  if (done.status == cell_status::interrupted)
    state.result.reason = state.interrupt_reason.empty() ? "The cell interrupted itself; its variables are kept."
                                                         : state.interrupt_reason;
  answer_first(self);
  state.now = stage::idle;
  tell_busy(self);
  start_next(self);
}

struct frame_handler {
  python_shell_pointer self;

  void operator()(worker_ready&) const {
    auto& state = self->state;
    if (state.now != stage::starting) {
      garbled();
      return;
    }
    state.now = stage::idle;
    if (state.host)
      self->send(state.host, ready_atom_v, state.chat);
    start_next(self);
  }

  void operator()(worker_begun& frame) const {
    if (self->state.now != stage::running || frame.id != self->state.cell_id)
      garbled();
    else
      self->state.begun = true;
  }

  void operator()(worker_output& frame) const {
    auto& state = self->state;
    state.begun = true;
    if (state.now != stage::running || frame.id != state.cell_id)
      garbled();
    else if (!state.accept(std::move(frame.output), frame.slot))
      lose(self, cell_status::killed,
           std::string{"The Python process sent more output than the limits allow and was killed."} + fresh_shell);
  }

  void operator()(worker_clear& frame) const {
    if (self->state.now != stage::running || frame.id != self->state.cell_id)
      garbled();
    else
      self->state.forget_outputs();
  }

  // Of one that a former server asked for nobody wants to hear.
  void operator()(worker_snapshot& frame) const {
    auto& state = self->state;
    auto found = state.snapshots.find(frame.id);
    if (found == state.snapshots.end())
      return;
    auto request = std::move(found->second);
    state.snapshots.erase(found);
    tell_busy(self);
    if (!frame.failure.empty()) {
      request.answer.deliver(fail(errc::storage_failed, "no snapshot was taken: " + frame.failure));
      return;
    }
    auto tag = state.tags.find(frame.cell);
    request.answer.deliver(snapshot_taken{static_cast<int64_t>(frame.footer), request.anew,
                                          tag == state.tags.end() ? std::string{} : tag->second});
    state.tags.erase(state.tags.begin(), state.tags.lower_bound(frame.cell));
  }

  void operator()(worker_restored& frame) const {
    auto& state = self->state;
    auto found = state.restores.find(frame.id);
    if (found == state.restores.end())
      return;
    auto answer = std::move(found->second);
    state.restores.erase(found);
    if (!frame.failure.empty()) {
      answer.deliver(fail(errc::storage_failed, frame.failure));
      return;
    }
    snapshot_restored restored;
    restored.count = static_cast<int64_t>(frame.restored.size() + frame.restored_more);
    for (const auto& variable : frame.lost)
      restored.lost.push_back(variable.name + " (" + variable.reason + ")");
    if (frame.lost_more != 0)
      restored.lost.push_back("and " + std::to_string(frame.lost_more) + " more");
    answer.deliver(std::move(restored));
  }

  void operator()(worker_done& frame) const {
    if (self->state.now != stage::running || frame.id != self->state.cell_id)
      garbled();
    else
      finish_cell(self, frame);
  }

  void garbled() const {
    lose(self, cell_status::killed,
         std::string{"The Python process broke the protocol to the server and was killed."} + fresh_shell);
  }
};

void receive(python_shell_pointer self, const caf::io::new_data_msg& data) {
  auto& state = self->state;
  if (state.now == stage::ending)
    return;
  auto frames = state.reader->feed({reinterpret_cast<const char*>(data.buf.data()), data.buf.size()});
  if (!frames) {
    frame_handler{self}.garbled();
    return;
  }
  for (auto& frame : *frames) {
    if (state.now == stage::ending)
      return;
    std::visit(frame_handler{self}, frame);
  }
}

caf::typed_response_promise<cell_result> execute(python_shell_pointer self, std::string code, std::string tag) {
  auto& state = self->state;
  auto promise = self->make_response_promise<cell_result>();
  state.queue.push_back({std::move(code), std::move(tag), 0, 0, true, promise});
  if (state.now == stage::ending)
    give_back_waiting(self, state.queue.size() - 1);
  else
    start_next(self);
  return promise;
}

caf::typed_response_promise<cell_result> result_of(python_shell_pointer self, const std::string& tag) {
  auto& state = self->state;
  auto promise = self->make_response_promise<cell_result>();
  if (auto found = state.finished.find(tag); found != state.finished.end()) {
    state.unacknowledged[tag] = found->second.id;
    promise.deliver(std::move(found->second.result));
    state.finished.erase(found);
    if (state.now == stage::ending && state.queue.empty() && state.finished.empty() && has_ended(state.process))
      look_again(self);
    return promise;
  }
  for (auto& cell : state.queue)
    if (cell.tag == tag && !cell.expected) {
      cell.expected = true;
      cell.answer = promise;
      return promise;
    }
  promise.deliver(fail(errc::not_found, "There is no such cell."));
  return promise;
}

void acknowledge_tag(python_shell_pointer self, const std::string& tag) {
  auto& state = self->state;
  if (auto found = state.unacknowledged.find(tag); found != state.unacknowledged.end()) {
    acknowledge(self, found->second);
    state.unacknowledged.erase(found);
  } else if (auto finished = state.finished.find(tag); finished != state.finished.end()) {
    acknowledge(self, finished->second.id);
    state.finished.erase(finished);
  } else {
    for (auto& cell : state.queue)
      if (cell.tag == tag && !cell.expected)
        cell.tag.clear(); // acknowledged as soon as it has come
  }
}

caf::result<snapshot_taken> take_snapshot(python_shell_pointer self, int64_t base) {
  auto& state = self->state;
  if (state.now == stage::ending || !state.host)
    return fail(errc::shell_lost, "The shell ended.");
  auto promise = self->make_response_promise<snapshot_taken>();
  auto id = state.next_request++;
  state.snapshots[id] = {false, promise};
  tell_busy(self);
  self->request(state.host, caf::infinite, snapshot_atom_v, state.process.number, state.chat, id, base)
    .then(
      [=](bool anew) {
        if (auto found = self->state.snapshots.find(id); found != self->state.snapshots.end())
          found->second.anew = anew;
      },
      [=](caf::error& error) mutable {
        if (self->state.snapshots.erase(id) != 0) {
          tell_busy(self);
          promise.deliver(error);
        }
      });
  return promise;
}

caf::result<snapshot_restored> restore(python_shell_pointer self, int64_t footer) {
  auto& state = self->state;
  if (state.now == stage::ending || !state.host)
    return fail(errc::shell_lost, "The shell ended.");
  auto promise = self->make_response_promise<snapshot_restored>();
  auto id = state.next_request++;
  state.restores[id] = promise;
  self->request(state.host, caf::infinite, restore_atom_v, state.process.number, state.chat, id, footer)
    .then([](done_atom) {},
          [=](caf::error& error) mutable {
            if (self->state.restores.erase(id) != 0)
              promise.deliver(error);
          });
  return promise;
}

void interrupt_all(python_shell_pointer self) {
  auto& state = self->state;
  // A stop is meant for the turn: a cell that waits behind the one in flight must not begin now.
  if (state.now != stage::ending)
    drop_waiting(self, state.now == stage::running ? 1 : 0, cell_status::interrupted, "Stopped before it ran.");
  interrupt(self, "The cell was stopped; its variables are kept.");
}

void pass_deadline(python_shell_pointer self, uint64_t id) {
  auto& state = self->state;
  if (id == 0 && state.now == stage::starting)
    lose(self, cell_status::lost, "Python was not ready within " + seconds_text(state.settings.start_max) + ".");
  else if (id != 0 && id == state.cell_id)
    interrupt(self,
              "The cell ran longer than " + seconds_text(state.settings.cell_max)
                + " and was interrupted; its variables are kept.");
}

void pass_grace(python_shell_pointer self, uint64_t id) {
  auto& state = self->state;
  if (state.now == stage::running && id == state.cell_id)
    lose(self, cell_status::killed,
         "The cell did not end within " + seconds_text(state.settings.interrupt_grace)
           + " of being interrupted, and its shell was killed." + fresh_shell);
}

void close(python_shell_pointer self) {
  auto& state = self->state;
  if (state.now != stage::ending) {
    state.closed = true;
    lose(self, cell_status::lost, "The shell was closed.");
  } else if (!state.finished.empty()) {
    state.finished.clear();
    look_again(self);
  }
}

bool fall_asleep(python_shell_pointer self) {
  const auto& state = self->state;
  if (state.now == stage::starting || state.now == stage::running || !state.snapshots.empty()
      || !state.restores.empty())
    return false;
  close(self);
  return true;
}

// The server goes and the shell stays: what is in flight is left to the next one.
void leave(python_shell_pointer self) {
  auto& state = self->state;
  if (state.now == stage::ending)
    return;
  state.kept = true;
  self->quit();
}

} // namespace

python_shell_state::~python_shell_state() {
  if (!kept)
    kill_shell(process);
  process.fd = -1; // the broker's
  close_shell(process);
}

bool python_shell_state::accept(cell_output output, std::optional<uint64_t> slot) {
  auto place = slot ? slots.find(*slot) : slots.end();
  if (place != slots.end()) {
    auto& before = result.outputs[place->second];
    left.give_back(before);
    if (!left.take(output))
      return false;
    before = std::move(output);
    return true;
  }
  if (!left.take(output))
    return false;
  auto* stream = std::get_if<stream_output>(&output);
  auto* last
    = stream == nullptr || result.outputs.empty() ? nullptr : std::get_if<stream_output>(&result.outputs.back());
  if (last != nullptr && (last->name == stream->name || result.outputs.size() >= outputs_max)) {
    last->text += stream->text;
    return true;
  }
  // Twice, because text that is separated by displays cannot be joined.
  if (result.outputs.size() >= 2 * outputs_max)
    return false;
  if (slot)
    slots[*slot] = result.outputs.size();
  result.outputs.push_back(std::move(output));
  return true;
}

void python_shell_state::forget_outputs() {
  result.outputs.clear();
  slots.clear();
}

shell_death explain_exit(int wait_status, const std::string& why, const shell_config& settings) {
  auto because = [](cell_status status, const std::string& what) {
    return shell_death{status, "The Python process " + what + "." + fresh_shell};
  };
  if (why == "memory")
    return because(cell_status::killed,
                   "used more memory than the limit of " + std::to_string(settings.memory_bytes_max >> 20)
                     + " MiB and was killed");
  if (why == "output")
    return because(cell_status::killed, "sent more output than the limits allow and was killed");
  if (why == "protocol")
    return because(cell_status::killed, "broke the protocol to the server and was killed");
  if (why == "silence")
    return because(cell_status::lost, "closed its connection to the server and was killed");
  if (why == "interpreter")
    return because(cell_status::lost, "ended with the interpreter that it was forked from");
  if (!why.empty())
    return because(cell_status::lost, "is gone");
  // The sandbox's first process ends with 128 + the signal that ended Python.
  constexpr int signal_base = 128;
  int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
  int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
  if (settings.sandbox && code > signal_base)
    number = code - signal_base;
  switch (number) {
  case 0:
    return code == 0 ? because(cell_status::lost, "ended by itself, as after exit() or quit()")
                     : because(cell_status::lost, "ended with exit code " + std::to_string(code));
  case SIGKILL:
    return because(cell_status::killed, "was killed; most likely memory ran out");
  case SIGSEGV:
  case SIGBUS:
    return because(cell_status::lost, "crashed with a segmentation fault");
  case SIGSYS:
    return because(cell_status::killed, "made a system call of a kind that shells may not make, and was killed");
  case SIGABRT:
    return because(cell_status::lost, "aborted itself");
  default:
    return because(cell_status::lost, "was ended by signal " + std::to_string(number));
  }
}

python_shell_broker::behavior_type python_shell(python_shell_pointer self, shell_config settings, shell_process process,
                                                int64_t chat, std::vector<live_cell> cells, shell_census_actor host) {
  auto& state = self->state;
  state.settings = std::move(settings);
  state.process = process;
  state.chat = chat;
  state.host = std::move(host);
  for (auto& each : cells) {
    state.queue.push_back({"", std::move(each.tag), each.id, each.started_at_ms, false, {}});
    state.cells_begun = std::max(state.cells_begun, each.id);
  }
  state.reader.emplace(state.settings.frame_bytes_max);
  auto connection = self->add_scribe(std::exchange(state.process.fd, -1));
  state.connection = connection;
  self->configure_read(connection, caf::io::receive_policy::at_most(read_bytes));
  self->delayed_send(self, state.settings.start_max, deadline_atom_v, uint64_t{0});
  self->set_exit_handler([=](caf::exit_msg&) { close(self); });
  return {
    [=](execute_atom, std::string& code) { return execute(self, std::move(code), {}); },
    [=](execute_atom, std::string& code, std::string& tag) { return execute(self, std::move(code), std::move(tag)); },
    [=](result_atom, const std::string& tag) { return result_of(self, tag); },
    [=](ack_atom, const std::string& tag) { acknowledge_tag(self, tag); },
    [=](snapshot_atom, int64_t base) { return take_snapshot(self, base); },
    [=](restore_atom, int64_t footer) { return restore(self, footer); },
    [=](interrupt_atom) { interrupt_all(self); },
    [=](interrupt_atom, std::string& reason) { interrupt(self, std::move(reason)); },
    [=](close_atom) { close(self); },
    [=](sleep_atom) { return fall_asleep(self); },
    [=](detach_atom) { leave(self); },
    [=](const caf::io::new_data_msg& data) { receive(self, data); },
    [=](const caf::io::connection_closed_msg&) {
      self->state.read_to_end = self->state.now != stage::ending;
      begin_end(self, false);
    },
    [=](deadline_atom, uint64_t id) { pass_deadline(self, id); },
    [=](kill_atom, uint64_t id) { pass_grace(self, id); },
    [=](ended_atom, int status, std::string& why) { note_exit(self, status, std::move(why)); },
    [=](reap_atom) {
      if (self->state.now == stage::ending)
        look(self);
    },
  };
}

python_shell_broker spawn_python_shell(caf::actor_system& system, const shell_config& settings, shell_process process,
                                       int64_t chat, std::vector<live_cell> cells, shell_census_actor host) {
  return system.middleman().spawn_broker(python_shell, settings, process, chat, std::move(cells), std::move(host));
}

} // namespace varro
