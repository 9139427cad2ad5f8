#include "accounts/retention_command.hpp"

#include "accounts/command_parts.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <ostream>
#include <string>
#include <thread>

namespace varro {

namespace {

constexpr std::chrono::milliseconds looked_after{200}; // how often a server that does it is looked after

constexpr auto no_rules = "nothing goes by itself: [retention] of the configuration has no rule";

// Of one user.
struct sums {
  int64_t chats = 0;
  int64_t attachments = 0;
  int64_t bytes = 0;
  unix_us oldest = 0;
};

std::string name_of(chat_database& db, int64_t user) {
  auto found = db.find_user(user);
  return found ? found->name : "user " + std::to_string(user);
}

void write_chats(chat_database& db, const std::vector<retirable>& found, std::ostream& out) {
  out << "chat\tuser\tlast use\twhat goes\tbytes\n";
  for (const auto& [chat, part, bytes] : found)
    out << chat.id << "\t" << name_of(db, chat.user_id) << "\t" << day_text(chat.used_at) << "\t"
        << (part == retired_part::all ? "all" : "files and variables") << "\t" << bytes << "\n";
}

void write_users(chat_database& db, const std::vector<retirable>& found, std::ostream& out) {
  std::map<std::string, sums> by_user;
  for (const auto& [chat, part, bytes] : found) {
    auto& sum = by_user[name_of(db, chat.user_id)];
    ++(part == retired_part::all ? sum.chats : sum.attachments);
    sum.bytes += bytes;
    sum.oldest = sum.oldest == 0 ? chat.used_at : std::min(sum.oldest, chat.used_at);
  }
  out << "user\tchats\tfiles of further chats\toldest use\tbytes\n";
  for (const auto& [name, sum] : by_user)
    out << name << "\t" << sum.chats << "\t" << sum.attachments << "\t" << day_text(sum.oldest) << "\t" << sum.bytes
        << "\n";
}

// Until this job is over, by whoever does it: a server, or this process where there is none.
caf::expected<retention_job> wait_for_end(const retention_request& request, chat_database& db, int64_t job,
                                          std::ostream& err) {
  auto told = false;
  for (;;) {
    auto problem = request.finish();
    if (problem && code_of(problem) != errc::storage_locked)
      return problem;
    auto now = db.find_retention(job);
    if (!now || now->ended_at != 0)
      return now;
    if (!told)
      err << "varro: the server deletes it; this waits for the end" << std::endl;
    told = true;
    std::this_thread::sleep_for(looked_after);
  }
}

} // namespace

int retention_preview(const retention_request& request, std::ostream& out, std::ostream& err) {
  auto db = open_existing_database(request.data_dir);
  if (!db)
    return failed(err, db.error());
  if (!request.has_rules) {
    err << "varro: " << no_rules << "\n";
    return 0;
  }
  auto found = request.find(**db);
  if (!found)
    return failed(err, found.error());
  if (request.each_chat)
    write_chats(**db, *found, out);
  else
    write_users(**db, *found, out);
  return 0;
}

int retention_run(const retention_request& request, std::ostream& out, std::ostream& err) {
  auto db = open_existing_database(request.data_dir);
  if (!db)
    return failed(err, db.error());
  if (!request.has_rules)
    return failed(err, fail(errc::config_invalid, no_rules));
  auto begun = (*db)->begin_retention(command_origin(), now_us());
  if (!begun)
    return failed(err, begun.error());
  auto done = wait_for_end(request, **db, begun->id, err);
  if (!done)
    return failed(err, done.error());
  out << "deleted " << done->chats << " chats, and the files of " << done->attachments << " others: " << done->bytes
      << " bytes\n";
  return 0;
}

} // namespace varro
