// What a shell's worker writes: each frame's way into the state, and the bounds of what a cell may send.
#include "actors/python_shell_parts.hpp"
#include "actors/shell_death.hpp"

namespace varro {

namespace {

using stage = python_shell_state::stage;

constexpr size_t outputs_max = 2'000; // of one cell; later text joins the last text

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
    start_next_cell(self);
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

  void operator()(worker_snapshot& frame) const {
    finish_snapshot(self, frame);
  }

  void operator()(worker_restored& frame) const {
    finish_restore(self, frame);
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

} // namespace

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

} // namespace varro
