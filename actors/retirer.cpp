#include "actors/retirer.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"

#include <chrono>

namespace varro {

retirer::retirer(caf::actor_system& system, std::shared_ptr<const config_in_force> in_force,
                 std::unique_ptr<chat_database> book, retirer_parts parts)
  : in_force_(std::move(in_force)), book_(std::move(book)), parts_(std::move(parts)),
    thread_(system, retention_looked_for) {}

retirer::~retirer() {
  stop();
}

void retirer::start() {
  thread_.start([this](caf::scoped_actor& self, const std::stop_token& stop) {
    const auto problem = do_what_is_due(self, stop);
    return problem ? "what nobody uses is not deleted yet: " + text_of(problem) : std::string{};
  });
}

void retirer::stop() {
  thread_.stop();
  parts_ = {};
}

// Nothing: none is due.
caf::expected<std::optional<retention_job>> retirer::due_job(const config& settings) {
  auto newest = book_->newest_retention();
  if (!newest)
    return newest;
  const auto& job = *newest;
  if (job && job->ended_at == 0)
    return newest;
  const auto now = now_us();
  const auto period = std::chrono::microseconds{retention_period}.count();
  // One of the future was begun while the clock was wrong.
  if (!has_retention(settings.retention) || (job && job->begun_at <= now && now - job->begun_at < period))
    return std::optional<retention_job>{};
  auto begun = book_->begin_retention({}, now);
  if (!begun)
    return std::move(begun.error());
  return std::optional{*begun};
}

caf::error retirer::do_what_is_due(caf::scoped_actor& self, const std::stop_token& stop) {
  const auto settings = in_force_->now();
  auto job = due_job(*settings);
  if (!job || !*job)
    return job ? caf::error{} : std::move(job.error());
  const retiring_hands hands{
    [&](int64_t user, int64_t chat) { return ask_and_wait<bool>(self, parts_.registry, passivate_atom_v, user, chat); },
    [&](int64_t chat) { caf::anon_send(parts_.registry, ready_atom_v, chat); },
    [&](const account_write& write) {
      auto done = ask_and_wait<done_atom>(self, parts_.store, user_atom_v, write);
      return done ? caf::error{} : std::move(done.error());
    },
    [&] { return stop.stop_requested(); },
  };
  if (auto err = go_on_retiring(*book_, *settings, hands, **job, now_us()))
    return err;
  if (auto done = book_->find_retention((*job)->id))
    log(log_level::info,
        "what nobody used is deleted: " + std::to_string(done->chats) + " chats, and the files of "
          + std::to_string(done->attachments) + " others");
  return caf::none;
}

} // namespace varro
