#include "actors/eraser.hpp"

#include "actors/erasing.hpp"
#include "base/log.hpp"

namespace varro {

namespace {

template <class Actor, class... Arguments>
caf::error ask(caf::scoped_actor& self, const Actor& actor, const Arguments&... arguments) {
  auto done = ask_and_wait<done_atom>(self, actor, arguments...);
  return done ? caf::error{} : std::move(done.error());
}

} // namespace

eraser::eraser(caf::actor_system& system, std::filesystem::path data_dir, std::unique_ptr<chat_database> book,
               eraser_parts parts)
  : data_dir_(std::move(data_dir)), book_(std::move(book)), parts_(std::move(parts)),
    thread_(system, erasures_looked_for) {}

eraser::~eraser() {
  stop();
}

void eraser::start() {
  thread_.start([this](caf::scoped_actor& self, const std::stop_token& stop) { return erase_all(self, stop); });
}

void eraser::stop() {
  thread_.stop();
  parts_ = {};
}

std::string eraser::erase_all(caf::scoped_actor& self, const std::stop_token& stop) {
  auto open = book_->open_erasures();
  if (!open)
    return "who is to be erased cannot be read: " + text_of(open.error());
  const erasing_hands hands{
    [&](int64_t user, int64_t chat) { return ask(self, parts_.registry, remove_atom_v, user, chat); },
    [&] { return ask(self, parts_.search, renew_atom_v); },
    [&] { return ask(self, parts_.store, renew_atom_v); },
    [&] { return stop.stop_requested(); },
  };
  std::string left;
  for (const auto& each : *open) {
    if (auto err = go_on_erasing(*book_, data_dir_, hands, each.user_id))
      left += (left.empty() ? "" : "; ") + pseudonym_of(each.user_id) + " is not erased yet: " + text_of(err);
    else
      log(log_level::info, pseudonym_of(each.user_id) + ": all is deleted");
  }
  return left;
}

} // namespace varro
