#include "accounts/link_command.hpp"

#include "accounts/command_parts.hpp"
#include "base/clock.hpp"

#include <ostream>

namespace varro {

namespace {

constexpr size_t number_digits = 8; // as the audit calls a link

caf::expected<std::vector<link_found>> links_of(chat_reader& db) {
  auto answer = db.answer({links_question{now_us()}});
  if (!answer)
    return std::move(answer.error());
  return std::get<std::vector<link_found>>(std::move(answer->what));
}

} // namespace

int link_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err) {
  auto db = open_existing_reader(data_dir);
  if (!db)
    return failed(err, db.error());
  auto links = links_of(**db);
  if (!links)
    return failed(err, links.error());
  for (const auto& [link, user] : *links)
    out << link.token_hash.substr(0, number_digits) << "\t" << link.purpose << "\t" << (user.empty() ? link.role : user)
        << "\t" << time_text(link.created_at) << "\t" << time_text(link.expires_at) << "\n";
  return 0;
}

int link_revoke(const std::filesystem::path& data_dir, const std::string& number, std::ostream& out,
                std::ostream& err) {
  auto db = open_existing_database(data_dir);
  if (!db)
    return failed(err, db.error());
  auto links = links_of(**db);
  if (!links)
    return failed(err, links.error());
  std::vector<std::string> found;
  for (const auto& each : *links)
    if (number.size() >= number_digits && each.link.token_hash.starts_with(number))
      found.push_back(each.link.token_hash);
  if (found.size() != 1)
    return failed(err, fail(errc::not_found, "`varro link list` has no link with the number " + number));
  if (auto error = (*db)->apply(link_revoked{found.front(), command_origin()}))
    return failed(err, error);
  out << "revoked " << number << "\n";
  return 0;
}

} // namespace varro
