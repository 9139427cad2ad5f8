#include "actors/eraser.hpp"

#include "actors/erasing.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace varro {

namespace {

// The longest pause after a step that failed, which doubles with each failure: the last step writes the whole database
// anew, and while somebody reads an earlier state for long, as a backup does, it fails each time.
constexpr std::chrono::seconds pause_max{64};

template <class Actor, class... Arguments>
caf::error ask(caf::scoped_actor& self, const Actor& actor, Arguments... arguments) {
  caf::error problem;
  self->request(actor, caf::infinite, arguments...)
    .receive([](done_atom) {}, [&](caf::error& error) { problem = std::move(error); });
  return problem;
}

} // namespace

eraser::eraser(caf::actor_system& system, std::filesystem::path data_dir, std::unique_ptr<chat_database> book,
               eraser_parts parts)
  : system_(system), data_dir_(std::move(data_dir)), book_(std::move(book)), parts_(std::move(parts)) {}

eraser::~eraser() {
  stop();
}

void eraser::start() {
  thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void eraser::stop() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
  parts_ = {};
}

void eraser::run(const std::stop_token& stop) {
  caf::scoped_actor self{system_};
  std::unique_lock lock{mutex_};
  auto pause = erasures_looked_for;
  while (!stop.stop_requested()) {
    const bool went_well = erase_all(self, stop);
    pause = went_well ? erasures_looked_for : std::min(pause * 2, pause_max);
    stopped_.wait_for(lock, stop, pause, [] { return false; });
  }
}

bool eraser::erase_all(caf::scoped_actor& self, const std::stop_token& stop) {
  auto open = book_->open_erasures();
  if (!open) {
    tell(open.error(), 0);
    return false;
  }
  const erasing_hands hands{
    [&](int64_t user, int64_t chat) { return ask(self, parts_.registry, remove_atom_v, user, chat); },
    [&] { return ask(self, parts_.search, renew_atom_v); },
    [&] { return ask(self, parts_.store, renew_atom_v); },
    [&] { return stop.stop_requested(); },
  };
  bool went_well = true;
  for (const auto& each : *open) {
    if (auto err = go_on_erasing(*book_, data_dir_, hands, each.user_id)) {
      if (!stop.stop_requested())
        tell(err, each.user_id);
      went_well = false;
      continue;
    }
    last_told_.clear();
    log(log_level::info, pseudonym_of(each.user_id) + ": all is deleted");
  }
  return went_well;
}

void eraser::tell(const caf::error& problem, int64_t user) {
  auto text = pseudonym_of(user) + " is not erased yet: " + text_of(problem);
  if (text != last_told_)
    log(log_level::warning, text);
  last_told_ = std::move(text);
}

} // namespace varro
