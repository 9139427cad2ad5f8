#include "accounts/group_command.hpp"

#include "accounts/accounts.hpp"
#include "accounts/command_parts.hpp"
#include "storage/open.hpp"

#include <ostream>

namespace varro {

namespace {

struct named_membership {
  std::string group;
  std::string user;
};

caf::expected<named_membership> normalised(const std::string& group, const std::string& user) {
  auto group_name = normalised_user_name(group);
  if (!group_name)
    return fail(errc::invalid_input, "\"" + group + "\" is no name of a group: it has the form of a user's name");
  auto user_name = normalised_user_name(user);
  if (!user_name)
    return std::move(user_name.error());
  return named_membership{std::move(*group_name), std::move(*user_name)};
}

// Makes one change to a database that is there, and says what was done.
template <class Change>
int change_membership(const std::filesystem::path& data_dir, const std::string& group, const std::string& user,
                      Change change, std::ostream& err) {
  auto names = normalised(group, user);
  if (!names)
    return failed(err, names.error());
  auto db = open_existing_database(data_dir);
  if (!db)
    return failed(err, db.error());
  if (auto error = change(**db, *names))
    return failed(err, error);
  return 0;
}

} // namespace

int group_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err) {
  auto db = open_existing_database(data_dir);
  if (!db)
    return failed(err, db.error());
  auto memberships = (*db)->list_memberships();
  if (!memberships)
    return failed(err, memberships.error());
  for (const auto& each : *memberships)
    out << each.group << "\t" << each.user << "\t" << each.source << "\n";
  return 0;
}

int group_add(const std::filesystem::path& data_dir, const std::string& group, const std::string& user,
              std::ostream& out, std::ostream& err) {
  auto add = [&out](chat_database& db, const named_membership& names) {
    auto error = db.add_membership(names.group, names.user, command_origin());
    if (!error)
      out << names.user << " is in the group " << names.group << "\n";
    return error;
  };
  return change_membership(data_dir, group, user, add, err);
}

int group_remove(const std::filesystem::path& data_dir, const std::string& group, const std::string& user,
                 std::ostream& out, std::ostream& err) {
  auto remove = [&out](chat_database& db, const named_membership& names) {
    auto error = db.remove_membership(names.group, names.user, command_origin());
    if (!error)
      out << names.user << " is not in the group " << names.group << " any more\n";
    return error;
  };
  return change_membership(data_dir, group, user, remove, err);
}

} // namespace varro
