// What the commands about accounts, groups and usage share.
#pragma once

#include "base/clock.hpp"
#include "base/errors.hpp"
#include "storage/audit.hpp"
#include "storage/chat_database.hpp"

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <string>

namespace varro {

// Says the error on `err`, in one sentence. The process's exit code.
int failed(std::ostream& err, const caf::error& error);

// errc::not_found where this directory has no database: a mistyped --data must not leave an empty one behind.
caf::error check_database(const std::filesystem::path& data_dir);

// Whoever runs this command: the machine's user.
audit_origin command_origin();

// "2026-01-31 12:34:56" (UTC).
std::string time_text(unix_us time);
// "2026-01-31", UTC.
std::string day_text(unix_us time);

// That database, for reading and writing, or for reading alone.
caf::expected<std::unique_ptr<chat_database>> open_existing_database(const std::filesystem::path& data_dir);
caf::expected<std::unique_ptr<chat_reader>> open_existing_reader(const std::filesystem::path& data_dir);

// 0:00 UTC of the day that --since names, "2026-01-31"; 0 where nothing was given. errc::invalid_input.
caf::expected<unix_us> since_of(const std::string& day);

// By a name as it was typed. errc::invalid_input: it is none; errc::not_found.
caf::expected<user_record> user_named(chat_reader& db, std::string_view typed);

} // namespace varro
