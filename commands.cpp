#include "commands.hpp"

#include "accounts/audit_command.hpp"
#include "accounts/erase_command.hpp"
#include "accounts/group_command.hpp"
#include "accounts/limit_command.hpp"
#include "accounts/link_command.hpp"
#include "accounts/retention_command.hpp"
#include "accounts/token_command.hpp"
#include "accounts/usage_command.hpp"
#include "accounts/user_command.hpp"
#include "actors/erasing.hpp"
#include "actors/retiring.hpp"
#include "backup/backup_command.hpp"
#include "base/clock.hpp"
#include "storage/login_way.hpp"

#include <iostream>
#include <unistd.h>

namespace varro {

namespace {

int manage_accounts(const command_line& line, const config& settings) {
  const auto& data = settings.data_dir;
  switch (line.what) {
  case command::user_add:
    return user_add(data, line.user_name, line.password_stdin, std::cin, std::cout, std::cerr, settings.auth,
                    line.admin ? user_role::admin : user_role::user);
  case command::user_role:
    return user_set_role(data, line.user_name, line.user_role, std::cout, std::cerr, login_way_of(settings));
  case command::user_invite:
    return user_invite(settings, line.admin ? user_role::admin : user_role::user, std::cout, std::cerr);
  case command::user_reset_link:
    return user_reset_link(settings, line.user_name, std::cout, std::cerr);
  case command::user_erase:
    return user_erase(
      {data, line.user_name, line.confirmed, isatty(STDIN_FILENO) == 1, [&] { return erase_without_server(data); }},
      std::cin, std::cout, std::cerr);
  case command::user_passwd:
    return user_passwd(data, line.user_name, line.password_stdin, std::cin, std::cout, std::cerr, settings.auth);
  case command::user_disable:
    return user_disable(data, line.user_name, std::cout, std::cerr, login_way_of(settings));
  case command::user_enable:
    return user_enable(data, line.user_name, std::cout, std::cerr);
  case command::group_list:
    return group_list(data, std::cout, std::cerr);
  case command::group_add:
    return group_add(data, line.group, line.user_name, std::cout, std::cerr);
  case command::group_remove:
    return group_remove(data, line.group, line.user_name, std::cout, std::cerr);
  default:
    return user_list(data, std::cout, std::cerr);
  }
}

int manage_limits(const command_line& line, const config& settings) {
  const auto& data = settings.data_dir;
  if (line.what == command::limit_list)
    return limit_list(data, std::cout, std::cerr);
  const limit_row row{line.limit_subject, line.limit_who, line.limit_name, line.limit_value};
  return line.what == command::limit_set ? limit_set(data, row, std::cout, std::cerr)
                                         : limit_clear(data, row, std::cout, std::cerr);
}

int retain(const command_line& line, const config& settings) {
  const retention_request request{settings.data_dir, has_retention(settings.retention), line.each_chat,
                                  [&](chat_database& db) { return find_retirable(db, settings, now_us()); },
                                  [&] { return retire_without_server(settings); }};
  return line.what == command::retention_run ? retention_run(request, std::cout, std::cerr)
                                             : retention_preview(request, std::cout, std::cerr);
}

} // namespace

int run_command(const command_line& line, const config& settings) {
  if (line.what == command::backup)
    return backup_data({settings.data_dir, line.backup_place, line.backup_full, line.backup_keep, {}}, std::cout,
                       std::cerr);
  if (line.what == command::limit_list || line.what == command::limit_set || line.what == command::limit_clear)
    return manage_limits(line, settings);
  if (line.what == command::usage)
    return show_usage(settings.data_dir, {line.usage_by, line.since, line.csv}, std::cout, std::cerr);
  switch (line.what) {
  case command::retention_preview:
  case command::retention_run:
    return retain(line, settings);
  case command::link_list:
    return link_list(settings.data_dir, std::cout, std::cerr);
  case command::link_revoke:
    return link_revoke(settings.data_dir, line.link_number, std::cout, std::cerr);
  case command::audit_list:
    return show_audit(settings.data_dir, {line.audit_user, line.since, line.audit_action, line.csv}, std::cout,
                      std::cerr);
  case command::audit_head:
    return show_audit_head(settings.data_dir, std::cout, std::cerr);
  case command::audit_verify:
    return check_audit(settings.data_dir, line.audit_known, std::cout, std::cerr);
  case command::token_create:
    return token_create(settings, {line.token.label, line.token.user, line.token.scopes, line.token.lasts}, std::cout,
                        std::cerr);
  case command::token_list:
    return token_list(settings, line.token.user, std::cout, std::cerr);
  case command::token_revoke:
    return token_revoke(settings, line.token.id, std::cout, std::cerr);
  default:
    return manage_accounts(line, settings);
  }
}

} // namespace varro
