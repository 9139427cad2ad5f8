#include "accounts/token_command.hpp"

#include "accounts/command_parts.hpp"
#include "accounts/tokens.hpp"
#include "storage/login_way.hpp"

#include <algorithm>
#include <ostream>

namespace varro {

namespace {

caf::expected<std::chrono::seconds> lifetime_of(const token_order& order, const auth_config& limits) {
  if (order.lasts.empty())
    return std::min<std::chrono::seconds>(token_default, limits.token_max);
  return parse_token_lifetime(order.lasts);
}

void write_row(const token_record& token, const std::string& user, std::ostream& out) {
  out << token.id << "\t" << user << "\t" << text_of(token.scopes) << "\t" << day_text(token.expires_at) << "\t"
      << (token.last_used_at == 0 ? "never" : day_text(token.last_used_at)) << "\t" << token.label << "\n";
}

} // namespace

int token_create(const config& settings, const token_order& order, std::ostream& out, std::ostream& err) {
  auto lasts = lifetime_of(order, settings.auth);
  if (!lasts)
    return failed(err, lasts.error());
  auto db = open_existing_database(settings.data_dir);
  if (!db)
    return failed(err, db.error());
  auto user = user_named(**db, order.user);
  if (!user)
    return failed(err, user.error());
  // It would never be answered.
  if (!user->disabled && !can_log_in(*user, login_way_of(settings)))
    return failed(err,
                  fail(errc::invalid_input,
                       "\"" + user->name
                         + "\" cannot log in by the auth.mode of the configuration: no token of theirs is answered"));
  auto made
    = make_wished_token(*user, {order.label, parse_token_scopes(order.scopes), *lasts}, settings.auth, now_us());
  if (!made)
    return failed(err, made.error());
  if (auto error = (*db)->apply(token_made{made->record, settings.auth.tokens_max, command_origin()}))
    return failed(err, error);
  out << made->token << "\n";
  err << "varro: token " << made->record.id << " of " << user->name << ", for " << text_of(made->record.scopes)
      << ", until " << day_text(made->record.expires_at) << "; it is not shown again\n";
  return 0;
}

int token_list(const config& settings, const std::string& user, std::ostream& out, std::ostream& err) {
  auto db = open_existing_database(settings.data_dir);
  if (!db)
    return failed(err, db.error());
  std::vector<user_record> users;
  if (user.empty()) {
    auto all = (*db)->list_users();
    if (!all)
      return failed(err, all.error());
    users = std::move(*all);
  } else {
    auto one = user_named(**db, user);
    if (!one)
      return failed(err, one.error());
    users.push_back(std::move(*one));
  }
  for (const auto& each : users) {
    auto tokens = (*db)->tokens_of(each.id, now_us());
    if (!tokens)
      return failed(err, tokens.error());
    for (const auto& token : *tokens)
      write_row(token, each.name, out);
  }
  return 0;
}

int token_revoke(const config& settings, const std::string& id_or_token, std::ostream& out, std::ostream& err) {
  auto db = open_existing_database(settings.data_dir);
  if (!db)
    return failed(err, db.error());
  auto id = id_of_token(id_or_token).value_or(id_or_token);
  if (auto error = (*db)->apply(token_revoked{id, 0, command_origin()}))
    return failed(err, error);
  out << "revoked " << id << "\n";
  return 0;
}

} // namespace varro
