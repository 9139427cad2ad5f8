#include "actors/reloader.hpp"

#include "base/json.hpp"
#include "base/log.hpp"
#include "config/config_changes.hpp"

#include <map>
#include <utility>

#include <caf/send.hpp>

namespace varro {

namespace {

// The providers' lists are asked for anew only where the answer may be another one.
bool have_same_models(const config& one, const config& other) {
  return one.models == other.models && one.providers == other.providers && one.default_model == other.default_model
    && one.offer_lists == other.offer_lists && one.model_lists == other.model_lists;
}

void tell(const config_changes& changes) {
  log(log_level::info,
      changes.taken.empty() ? std::string{"the configuration is read anew: nothing that a reload takes has changed"}
                            : "the configuration is reloaded, with changes of " + names_in_words(changes.taken));
  constexpr size_t told_max = 20; // a line each
  for (size_t i = 0; i < changes.waiting.size() && i < told_max; ++i)
    log(log_level::warning, changes.waiting[i] + " is changed in the file and takes force with the next start");
  if (changes.waiting.size() > told_max)
    log(log_level::warning,
        std::to_string(changes.waiting.size() - told_max) + " more keys are changed and wait for the next start");
}

} // namespace

reloader::reloader(load_sources sources, std::shared_ptr<config_in_force> in_force, list_keeper& lists,
                   store_actor store)
  : sources_(std::move(sources)), in_force_(std::move(in_force)), lists_(lists), store_(std::move(store)) {}

void reloader::reload() {
  const auto before = in_force_->now();
  std::map<std::string, std::string> origins;
  auto changes = read_changes(sources_, *before, origins);
  if (!changes) {
    log(log_level::error,
        "the configuration is not reloaded, and the one before stays in force: " + text_of(changes.error()));
    return;
  }
  const auto next = std::make_shared<const config>(std::move(changes->next));
  in_force_->exchange(next, origins);
  set_log_level(next->log_level);
  set_log_format(next->log_format);
  if (!have_same_models(*before, *next))
    lists_.exchange(*next);
  tell(*changes);
  if (!changes->taken.empty()) {
    // The details are far from audit_details_bytes_max, whatever the names hold.
    const json details{{"keys", names_in_words(changes->taken)}};
    caf::anon_send(store_, user_atom_v,
                   account_write{audit_noted{{audit_action::config_reloaded, {}, "configuration", dump_json(details)},
                                             {0, "", audit_way::command_line, ""}}});
  }
}

} // namespace varro
