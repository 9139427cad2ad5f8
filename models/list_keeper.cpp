#include "models/list_keeper.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace varro {

list_keeper::list_keeper(std::shared_ptr<model_catalog> catalog, std::shared_ptr<http_transport> transport,
                         const config& settings)
  : catalog_(std::move(catalog)), transport_(std::move(transport)), providers_(settings.providers),
    limits_(settings.model_lists), file_(settings.data_dir / "models.json") {}

list_keeper::~list_keeper() {
  stop();
}

void list_keeper::start() {
  auto cached = read_list_cache(file_);
  if (!cached)
    log(log_level::warning, text_of(cached.error()));
  else
    lists_ = std::move(*cached);
  forget_others();
  catalog_->publish(lists_);
  begin();
}

void list_keeper::exchange(const config& settings) {
  stop();
  providers_ = settings.providers;
  limits_ = settings.model_lists;
  forget_others();
  catalog_->exchange(settings, lists_);
  begin();
}

// A provider that is not configured any more is forgotten with the next write.
void list_keeper::forget_others() {
  std::erase_if(lists_, [&](const cached_list& list) {
    return std::none_of(providers_.begin(), providers_.end(), [&](const auto& from) { return list.is_of(from); });
  });
}

void list_keeper::begin() {
  settled_ = has_all() || !limits_.fetch;
  if (limits_.fetch && !providers_.empty())
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void list_keeper::wait(std::chrono::milliseconds max) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, max, [&] { return settled_; });
}

void list_keeper::stop() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
}

bool list_keeper::has_all() const {
  return std::all_of(providers_.begin(), providers_.end(), [&](const auto& from) {
    return std::any_of(lists_.begin(), lists_.end(), [&](const auto& list) { return list.is_of(from); });
  });
}

void list_keeper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto complete = fetch_all(stop);
    std::unique_lock lock{mutex_};
    settled_ = true;
    changed_.notify_all();
    std::chrono::minutes pause = limits_.refresh;
    if (!complete)
      pause = std::min(pause, list_retry);
    changed_.wait_for(lock, stop, pause, [] { return false; });
  }
}

bool list_keeper::fetch_all(const std::stop_token& stop) {
  size_t answered = 0;
  fetch_lists(*transport_, providers_, {}, stop, [&](list_answer&& answer) {
    if (!stop.stop_requested() && take(std::move(answer)))
      ++answered;
  });
  if (answered > 0 && !stop.stop_requested())
    if (auto failed = write_list_cache(file_, lists_))
      log(log_level::warning, "the lists of models are not kept: " + text_of(failed));
  return answered == providers_.size();
}

bool list_keeper::take(list_answer&& answer) {
  const auto& from = *answer.provider;
  if (answer.models && answer.models->empty())
    answer.models = fail(errc::model_malformed, "it is empty");
  if (!answer.models) {
    tell_failure(from, answer.models.error());
    return false;
  }
  last_told_.erase(from.name);
  std::erase_if(lists_, [&](const cached_list& list) { return list.is_of(from); });
  auto now = std::chrono::system_clock::now().time_since_epoch();
  lists_.push_back({from.name, from.kind, from.base_url, std::chrono::duration_cast<std::chrono::seconds>(now).count(),
                    std::move(*answer.models)});
  catalog_->publish(lists_);
  return true;
}

void list_keeper::tell_failure(const provider_config& from, const caf::error& problem) {
  auto known = std::any_of(lists_.begin(), lists_.end(), [&](const auto& list) { return list.is_of(from); });
  auto text = "the list of models of " + from.name + " at " + from.base_url + " could not be read: " + text_of(problem)
    + (known ? "; the one that was heard last stays" : "; a few well-known ones are offered if there are any");
  if (std::exchange(last_told_[from.name], text) != text)
    log(log_level::warning, text);
}

} // namespace varro
