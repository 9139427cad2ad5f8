// What users and groups may use, as it was set while a server runs, and what users have used.
//
// One object belongs to one thread at a time. Errors are errc::storage_failed with the database's own words.
#pragma once

#include "base/day.hpp"
#include "base/errors.hpp"
#include "storage/audit.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// legal values of limit_row::subject
namespace limit_subject {
inline constexpr auto user = "user";
inline constexpr auto group = "group";
inline constexpr auto everybody = "everybody";
} // namespace limit_subject

struct limit_row {
  std::string subject = limit_subject::everybody;
  std::string who;   // name of the user or group; empty: everybody
  std::string name;  // of the limit, as in [limits] of the configuration
  std::string value; // as an environment variable would have it: lists with commas
};

// Days of UTC since 1970.
constexpr int64_t day_of(unix_us time) {
  return time / day_us;
}

// What rows of the ledger of usage add up to, each at most usage_sum_max. Requests are those that were sent: refused
// and unsent ones cost nothing and do not count.
struct user_use {
  int64_t requests = 0;     // of this day
  int64_t tokens = 0;       // of this day, read and written
  int64_t processor_us = 0; // of this day's cells
  int64_t cost_nano = 0;    // of this month, in the currency that was asked for
  int64_t upload_bytes = 0; // of this day; not a sum of the ledger, but of upload_counted
};
inline constexpr int64_t usage_sum_max = 4'000'000'000'000'000'000;

class limit_book {
public:
  virtual ~limit_book() = default;

  // Of this user, their groups and everybody.
  virtual caf::expected<std::vector<limit_row>> limits_of(int64_t user_id) = 0;
  virtual caf::expected<std::vector<std::string>> groups_of(int64_t user_id) = 0;
  // On the UTC day of `now` and in its month. Reads sums of days, however many rows the ledger has.
  virtual caf::expected<user_use> use_of(int64_t user_id, unix_us now, std::string_view currency) = 0;
  virtual caf::expected<int64_t> count_chats(int64_t user_id) = 0; // how many there are now
  // Seen from this chat; 0: from none.
  virtual caf::expected<user_disk> disk_of(int64_t user_id, int64_t chat_id) = 0;

  // All rows: everybody's, then groups and users by name.
  virtual caf::expected<std::vector<limit_row>> all_limits() = 0;
  // Sets it, or replaces its value, with the row of the audit that tells of it. errc::not_found where there is no such
  // user. REQUIRES: a writing connection.
  virtual caf::error set_limit(const limit_row& row, const audit_origin& by = {}) = 0;
  // errc::not_found where it was not set. REQUIRES: as above.
  virtual caf::error clear_limit(const limit_row& row, const audit_origin& by = {}) = 0;
};

} // namespace varro
