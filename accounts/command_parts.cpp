#include "accounts/command_parts.hpp"

#include "accounts/accounts.hpp"
#include "base/day.hpp"
#include "storage/open.hpp"

#include <array>
#include <ctime>
#include <ostream>

#include <pwd.h>
#include <unistd.h>

namespace varro {

int failed(std::ostream& err, const caf::error& error) {
  err << "varro: " << text_of(error) << "\n";
  return 1;
}

caf::error check_database(const std::filesystem::path& data_dir) {
  std::error_code code;
  if (!std::filesystem::exists(data_dir / "varro.db", code))
    return fail(errc::not_found, "there is no database in " + data_dir.string() + "; is --data right?");
  return {};
}

audit_origin command_origin() {
  const auto uid = ::getuid();
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> room{};
  const bool known = ::getpwuid_r(uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr;
  return {0, known ? std::string{entry.pw_name} : "uid " + std::to_string(uid), audit_way::command_line, ""};
}

namespace {

std::string formatted(unix_us time, const char* format) {
  const auto seconds = static_cast<std::time_t>(time / 1'000'000);
  std::tm parts{};
  std::array<char, 32> text{};
  ::gmtime_r(&seconds, &parts);
  std::strftime(text.data(), text.size(), format, &parts);
  return text.data();
}

} // namespace

std::string time_text(unix_us time) {
  return formatted(time, "%Y-%m-%d %H:%M:%S");
}

std::string day_text(unix_us time) {
  return formatted(time, "%Y-%m-%d");
}

caf::expected<std::unique_ptr<chat_database>> open_existing_database(const std::filesystem::path& data_dir) {
  if (auto missing = check_database(data_dir))
    return missing;
  return open_database(data_dir);
}

caf::expected<std::unique_ptr<chat_reader>> open_existing_reader(const std::filesystem::path& data_dir) {
  if (auto missing = check_database(data_dir))
    return missing;
  return open_reader(data_dir);
}

caf::expected<unix_us> since_of(const std::string& day) {
  const auto days = day.empty() ? std::optional<int64_t>{0} : days_of(day);
  if (!days)
    return fail(errc::invalid_input, "--since is a day such as 2026-01-31, not " + day);
  return *days * day_us;
}

caf::expected<user_record> user_named(chat_reader& db, std::string_view typed) {
  auto name = normalised_user_name(typed);
  if (!name)
    return std::move(name.error());
  return db.find_user(std::string_view{*name});
}

} // namespace varro
