#include "actors/chat_shell_parts.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"

#include <chrono>
#include <string>

namespace varro {

namespace {

// A cell does not wait for ever while the keeper copies other chats' large files: a copy that has not begun by then is
// left out, and one that has begun is waited for a little longer.
constexpr std::chrono::seconds keep_begin_max{2};
constexpr std::chrono::seconds keep_max{6};

} // namespace

void keep_files(chat_shell_pointer self) {
  auto& state = self->state;
  auto run = state.run;
  state.keeping_files = true;
  auto go_on = [=] {
    self->state.keeping_files = false;
    self->state.files_kept_for = run;
    serve_waiters(self);
  };
  auto latest = now_us() + std::chrono::microseconds{keep_begin_max}.count();
  self->request(state.services.keeper, keep_max, keep_atom_v, state.chat, version_before(run), latest)
    .then([=](done_atom) { go_on(); },
          [=](caf::error& error) {
            log(log_level::error,
                "the files of chat " + std::to_string(self->state.chat) + " are not kept: " + text_of(error));
            go_on();
          });
}

} // namespace varro
