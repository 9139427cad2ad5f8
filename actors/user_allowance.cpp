#include "actors/user_allowance.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <initializer_list>
#include <utility>

namespace varro {

namespace {

constexpr int64_t us_per_second = 1'000'000;
constexpr double nano_per_unit = 1e9;

// One limit that is counted by the day or month, in units in which both are whole numbers.
struct counted_limit {
  const char* name;
  std::string what;   // "tokens of today"
  int64_t used = 0;   // in the smallest unit
  int64_t most = 0;   // 0: no limit
  std::string amount; // what is used, as it is read
  std::string limit;  // what may be used
  bool by_month = false;
};

std::string count_text(int64_t count) {
  return std::to_string(count);
}

std::string size_text(int64_t bytes) {
  return byte_count(static_cast<uint64_t>(std::max<int64_t>(bytes, 0)));
}

counted_limit in_numbers(const char* name, std::string what, int64_t used, const std::optional<int64_t>& most) {
  const auto limit = most.value_or(0);
  return {name, std::move(what), used, limit, count_text(used), count_text(limit), false};
}

counted_limit requests_of(const user_allowance& of) {
  return in_numbers("model_requests_per_day", "model requests of today", of.used.requests,
                    of.limits.model_requests_per_day);
}

counted_limit tokens_of(const user_allowance& of) {
  return in_numbers("tokens_per_day", "tokens of today", of.used.tokens, of.limits.tokens_per_day);
}

counted_limit money_of(const user_allowance& of) {
  // A limit that is less than what is counted is not none.
  const auto most = is_limited(of.limits.money_per_month)
    ? std::max(std::llround(*of.limits.money_per_month * nano_per_unit), 1LL)
    : 0LL;
  return {"money_per_month",
          of.settings->prices.currency + " of this month",
          of.used.cost_nano,
          most,
          money_text(of.used.cost_nano),
          money_text(most),
          true};
}

counted_limit processor_of(const user_allowance& of) {
  const auto most = of.limits.cell_cpu_seconds_per_day.value_or(0);
  return {"cell_cpu_seconds_per_day",
          "seconds of processor time of today's cells",
          of.used.processor_us,
          most * us_per_second,
          count_text(of.used.processor_us / us_per_second),
          count_text(most),
          false};
}

counted_limit uploads_of(const user_allowance& of) {
  const auto most = of.limits.upload_bytes_per_day.value_or(0);
  return {"upload_bytes_per_day",
          "for uploads of today",
          of.used.upload_bytes,
          most,
          size_text(of.used.upload_bytes),
          size_text(most),
          false};
}

bool is_reached(const counted_limit& limit) {
  return limit.most > 0 && limit.used >= limit.most;
}

bool is_nearly_used(const counted_limit& limit) {
  return limit.most > 0 && limit.used >= limit.most - limit.most / 10;
}

std::string date_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date{day};
  auto two = [](unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return std::to_string(static_cast<int>(date.year())) + "-" + two(static_cast<unsigned>(date.month())) + "-"
    + two(static_cast<unsigned>(date.day()));
}

// The day on which the count begins anew.
std::string freed_on(unix_us at, bool by_month) {
  using namespace std::chrono;
  const sys_days today{days{day_of(at)}};
  if (!by_month)
    return date_text(today + days{1});
  const year_month_day date{today};
  return date_text(sys_days{(date.year() / date.month() + months{1}) / 1});
}

std::string who_is_asked(const user_allowance& of) {
  const auto& contact = of.settings->limits.contact;
  return contact.empty() ? "whoever looks after this server" : contact;
}

// `more`: what is wanted beside that, if anybody wants something.
std::string used_text(const user_allowance& of, const counted_limit& limit, const std::string& more = {}) {
  return limit.amount + " of " + limit.limit + " " + limit.what + " are used (" + limit.name + ")" + more
    + ". It frees on " + freed_on(of.at, limit.by_month) + " at 00:00 UTC. For more before that, ask "
    + who_is_asked(of) + ".";
}

int64_t all_of(const user_disk& disk) {
  return disk.files + disk.snapshots + disk.versions + disk.messages;
}

// What is there, and of what kinds it is.
std::string disk_text(const user_allowance& of) {
  const auto& disk = of.disk;
  return size_text(all_of(disk)) + " of " + size_text(of.limits.disk_bytes.value_or(0))
    + " of the disk are used (disk_bytes), " + size_text(disk.files) + " by files, " + size_text(disk.snapshots)
    + " by snapshots of variables, " + size_text(disk.versions) + " by earlier files and " + size_text(disk.messages)
    + " by messages";
}

std::string freed_by(const user_allowance& of, const char* what) {
  return std::string{". Delete "} + what + ", or ask " + who_is_asked(of) + ".";
}

std::string first_reached(const user_allowance& of, std::initializer_list<counted_limit> limits) {
  for (const auto& limit : limits)
    if (is_reached(limit))
      return std::string{limit_reached_words} + used_text(of, limit);
  return {};
}

} // namespace

std::string model_choice_refusal(const user_allowance& allowance, const model_config& model) {
  if (!is_allowed_model(allowance.limits, model.id))
    return "The model " + model.id + " is not among those that you may use (models). Choose another one, or ask "
      + who_is_asked(allowance) + ".";
  if (is_limited(allowance.limits.money_per_month) && model.kind != provider_kind::offline
      && allowance.settings->prices.at(model.id, allowance.at) == nullptr)
    return "The model " + model.id
      + " has no price here, so that it cannot count towards your limit (money_per_month). Choose another one, or ask "
      + who_is_asked(allowance) + ".";
  return {};
}

std::string model_refusal(const user_allowance& allowance, const model_config& model) {
  if (auto refused = model_choice_refusal(allowance, model); !refused.empty())
    return refused;
  return first_reached(allowance, {requests_of(allowance), tokens_of(allowance), money_of(allowance)});
}

std::string cell_refusal(const user_allowance& allowance) {
  auto refused = first_reached(allowance, {processor_of(allowance)});
  if (refused.empty() && disk_left(allowance).value_or(1) == 0)
    refused = std::string{limit_reached_words} + disk_text(allowance)
      + freed_by(allowance, "chats that you do not need, or files of other chats");
  return refused;
}

std::string disk_refusal(const user_allowance& allowance, int64_t more_bytes) {
  const auto most = allowance.limits.disk_bytes.value_or(0);
  const auto used = all_of(allowance.disk);
  if (most == 0 || std::max<int64_t>(more_bytes, 1) <= most - std::min(used, most))
    return {};
  const auto more = more_bytes > 0 ? ", and this would take " + size_text(more_bytes) + " more" : std::string{};
  return std::string{limit_reached_words} + disk_text(allowance) + more
    + freed_by(allowance, "files or chats that you do not need");
}

std::optional<int64_t> disk_left(const user_allowance& allowance) {
  if (!is_limited(allowance.limits.disk_bytes))
    return std::nullopt;
  const auto most = *allowance.limits.disk_bytes;
  return most - std::min(all_of(allowance.disk) - allowance.disk.files_of_chat, most);
}

std::string disk_quota_words(const user_allowance& allowance) {
  return "all that the chats of a user take on the disk may be " + size_text(allowance.limits.disk_bytes.value_or(0))
    + " (disk_bytes)";
}

std::string upload_refusal(const user_allowance& allowance, int64_t bytes) {
  const auto uploads = uploads_of(allowance);
  if (uploads.most == 0 || bytes <= uploads.most - std::min(uploads.used, uploads.most))
    return {};
  return std::string{limit_reached_words} + used_text(allowance, uploads, ", and these files have " + size_text(bytes));
}

std::string chat_refusal(const user_allowance& allowance) {
  const auto most = allowance.limits.chats.value_or(0);
  if (most == 0 || allowance.chats < most)
    return {};
  return "You have " + count_text(allowance.chats) + " chats, and may have " + count_text(most)
    + " (chats). Delete one, or ask " + who_is_asked(allowance) + ".";
}

std::string allowance_note(const user_allowance& allowance) {
  const std::array limits{requests_of(allowance), tokens_of(allowance), money_of(allowance), processor_of(allowance),
                          uploads_of(allowance)};
  for (const auto& limit : limits)
    if (is_reached(limit))
      return first_reached(allowance, {limit});
  const auto disk_most = allowance.limits.disk_bytes.value_or(0);
  const auto disk_used = all_of(allowance.disk);
  const auto disk_note = [&](std::string_view words) {
    return std::string{words} + disk_text(allowance) + freed_by(allowance, "files or chats that you do not need");
  };
  if (disk_most > 0 && disk_used >= disk_most)
    return disk_note(limit_reached_words);
  constexpr std::string_view nearly_used_words = "Nearly used up: ";
  for (const auto& limit : limits)
    if (is_nearly_used(limit))
      return std::string{nearly_used_words} + used_text(allowance, limit);
  if (disk_most > 0 && disk_used >= disk_most - disk_most / 10)
    return disk_note(nearly_used_words);
  return {};
}

} // namespace varro
