// Browser sessions, and what users do with their accounts.
#include "storage/limits.hpp"
#include "storage/sqlite/account_rows.hpp"
#include "storage/sqlite/account_writes.hpp"
#include "storage/sqlite/audit_rows.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

#include <type_traits>

namespace varro {

namespace {

using audited = caf::expected<audit_note>;

// Each is called in an open transaction.

audited write_one(connection& db, const login_used& write) {
  if (auto err = drop_expired(db, write.at))
    return err;
  auto update = db.use("UPDATE logins SET last_used_at = ?2, expires_at = CASE WHEN EXISTS"
                       " (SELECT 1 FROM oidc_logins WHERE oidc_logins.token_hash = ?1) THEN expires_at"
                       " ELSE min(?3, ends_at) END"
                       " WHERE token_hash = ?1 AND last_used_at <= ?4");
  constexpr auto step = std::chrono::microseconds{login_use_step}.count();
  if (auto err = update.bind(write.token_hash).bind(write.at).bind(write.expires_at).bind(write.at - step).run())
    return err;
  return audit_note::nothing("a session that goes on is no event");
}

audited write_one(connection& db, const login_ended& write) {
  auto drop = db.use("DELETE FROM logins WHERE token_hash = ?1 AND user_id = ?2");
  if (auto err = drop.bind(write.token_hash).bind(write.user_id).run())
    return err;
  if (db.changes() == 0)
    return audit_note::nothing("it was over already");
  return audit_event{audit_action::session_ended, {}, session_name(write.token_hash)};
}

audited write_one(connection& db, const other_logins_ended& write) {
  if (auto err = drop_logins_of(db, write.user_id, write.kept_token_hash))
    return err;
  return audit_event{audit_action::sessions_ended, {}, "", audit_details({{"ended", db.changes()}})};
}

audited write_one(connection& db, const password_changed& write) {
  auto update = db.use("UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2 AND disabled = 0");
  if (auto err = update.bind(write.user_id).bind(write.former_hash).bind(write.password_hash).run())
    return err;
  if (db.changes() != 1)
    return fail(errc::not_found, "the password was changed meanwhile");
  if (auto err = drop_links_of(db, write.user_id))
    return err;
  if (auto err = drop_logins_of(db, write.user_id, write.kept_token_hash))
    return err;
  auto person = audit_person_of(db, write.user_id);
  if (!person)
    return std::move(person.error());
  return audit_event{audit_action::password_changed, std::move(*person)};
}

// One that nobody else used up: whoever deletes the row has it.
caf::expected<link_found> take_link(connection& db, std::string_view token_hash, unix_us now) {
  auto found = usable_link(db, token_hash, now);
  if (!found)
    return found;
  if (auto err = db.use("DELETE FROM links WHERE token_hash = ?1").bind(token_hash).run())
    return err;
  return found;
}

audited write_one(connection& db, const user_joined& write) {
  std::string role = user_role::user, link;
  bool is_first_admin = false; // whom others who came before shall not keep out
  if (!write.link_hash.empty()) {
    auto found = take_link(db, write.link_hash, write.login.created_at);
    if (!found)
      return std::move(found.error());
    if (found->link.purpose == link_purpose::reset)
      return fail(errc::not_found, "this link makes no account");
    role = found->link.role;
    is_first_admin = found->link.purpose == link_purpose::first_admin;
    link = link_name(found->link);
  }
  auto users = db.number("SELECT count(*) FROM users");
  if (!users)
    return std::move(users.error());
  if (*users >= write.users_max && !is_first_admin)
    return fail(errc::limit_reached, "there are as many accounts as this server may have");
  auto id = insert_user(db, write.name, write.password_hash, role, write.login.created_at);
  if (!id)
    return std::move(id.error());
  auto login = write.login;
  login.user_id = *id;
  if (auto err = insert_login(db, login))
    return err;
  const audit_person person{*id, write.name};
  return audit_event{audit_action::user_joined, person, "", audit_details({{"role", role}, {"link", link}}), person};
}

audited write_one(connection& db, const password_reset& write) {
  auto found = take_link(db, write.link_hash, write.at);
  if (!found)
    return std::move(found.error());
  auto user = found->link.user_id;
  if (user == 0)
    return fail(errc::not_found, "this link changes no password");
  if (auto err = db.use("UPDATE users SET password_hash = ?2 WHERE id = ?1").bind(user).bind(write.password_hash).run())
    return err;
  if (auto err = drop_tokens_of(db, user))
    return err;
  if (auto err = drop_logins_of(db, user))
    return err;
  const audit_person person{user, found->user_name};
  return audit_event{audit_action::password_reset, person, link_name(found->link), "{}", person};
}

audited write_one(connection& db, const login_refused& write) {
  auto person = write.identity.subject.empty() ? write.user : person_of(db, write.identity);
  if (!person)
    return std::move(person.error());
  return audit_event{audit_action::login_refused, std::move(*person), "",
                     audit_details({{"because", write.reason},
                                    {"issuer", write.identity.issuer},
                                    {"refused_before", write.unwritten > 0 ? json(write.unwritten) : json{}}})};
}

audited write_one(connection&, const audit_noted& write) {
  return write.event;
}

// A use of a session is told by nobody, and the server looks at logins by itself.
audit_origin origin_of(const login_used&) {
  return {};
}
audit_origin origin_of(const oidc_login_checked&) {
  return {};
}
audit_origin origin_of(const foreign_logins_ended&) {
  return {};
}
audit_origin origin_of(const chat_seen&) {
  return {};
}
audit_origin origin_of(const chat_retired&) {
  return {};
}
const audit_origin& origin_of(const oidc_login_begun& write) {
  return write.seen.by;
}
template <class Write>
const audit_origin& origin_of(const Write& write) {
  return write.by;
}

// Of a login that each request renews: whether that is long ago.
bool is_forsaken(const login_record& login, unix_us now) {
  return login.token_hash.starts_with(identity_login_prefix)
    && login.last_used_at <= now - std::chrono::microseconds{identity_stream_max}.count();
}

// REQUIRES: token_hash, user_id, csrf, created_at, expires_at, last_used_at, ends_at, address, agent.
login_record login_from(const statement& row) {
  return {row.text(0),    row.integer(1), row.text(2), row.integer(3), row.integer(4),
          row.integer(5), row.integer(6), row.text(7), row.text(8)};
}

} // namespace

caf::error sqlite_database::apply(const account_write& write) {
  return impl_->write_all([&] {
    return std::visit(
      [this](const auto& one) {
        static_assert(std::is_same_v<decltype(write_one(*impl_->db, one)), caf::expected<audit_note>>,
                      "a write of an account says what the audit tells of it");
        return with_audit(*impl_->db, origin_of(one), write_one(*impl_->db, one));
      },
      write);
  });
}

caf::error sqlite_database::put_login(const login_record& login) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    if (auto err = insert_login(db, login))
      return err;
    auto person = audit_person_of(db, login.user_id);
    if (!person)
      return std::move(person.error());
    return append_audit(db, {person->id, person->name, audit_way::browser, login.address},
                        {audit_action::login, {}, session_name(login.token_hash)});
  });
}

caf::expected<login_found> sqlite_database::find_login(std::string_view token_hash, unix_us now) {
  auto query = impl_->db->use("SELECT token_hash, user_id, csrf, logins.created_at, expires_at, last_used_at, ends_at,"
                              " address, agent, users.id, name, password_hash, disabled, users.created_at, role, issuer"
                              " FROM logins JOIN users ON users.id = logins.user_id"
                              " WHERE token_hash = ?1 AND expires_at > ?2 AND disabled = 0");
  auto row = query.bind(token_hash).bind(now).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "nobody is logged in with this session");
  return login_found{login_from(query), user_from(query, 9)};
}

caf::expected<std::vector<std::string>> sqlite_database::ended_logins(const std::vector<std::string>& token_hashes,
                                                                      unix_us now) {
  std::vector<std::string> ended;
  for (const auto& hash : token_hashes) {
    auto found = find_login(hash, now);
    if (found && !is_forsaken(found->login, now))
      continue;
    if (!found && code_of(found.error()) != errc::not_found)
      return std::move(found.error());
    auto token = find_token(hash, now);
    if (token)
      continue;
    if (code_of(token.error()) != errc::not_found)
      return std::move(token.error());
    ended.push_back(hash);
  }
  return ended;
}

caf::expected<std::vector<login_record>> sqlite_database::logins_of(int64_t user_id, unix_us now) {
  auto query
    = impl_->db->use("SELECT token_hash, user_id, csrf, created_at, expires_at, last_used_at, ends_at, address,"
                     " agent FROM logins WHERE user_id = ?1 AND expires_at > ?2"
                     " ORDER BY last_used_at DESC, created_at DESC, token_hash LIMIT ?3");
  query.bind(user_id).bind(now).bind(int64_t{user_logins_max});
  std::vector<login_record> logins;
  if (auto err = query.each_row([&] { logins.push_back(login_from(query)); }))
    return err;
  return logins;
}

caf::error sqlite_database::drop_login(std::string_view token_hash, const audit_origin& by) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    audit_person person;
    {
      auto query = db.use("SELECT users.id, name FROM logins JOIN users ON users.id = user_id WHERE token_hash = ?1");
      auto row = query.bind(token_hash).step();
      if (!row)
        return std::move(row.error());
      if (!*row) // it was over already
        return caf::none;
      person = {query.integer(0), query.text(1)};
    }
    if (auto err = db.use("DELETE FROM logins WHERE token_hash = ?1").bind(token_hash).run())
      return err;
    return append_audit(db, by, {audit_action::logout, {}, session_name(token_hash), "{}", person});
  });
}

caf::expected<link_found> sqlite_database::find_link(std::string_view token_hash, unix_us now) {
  return usable_link(*impl_->db, token_hash, now);
}

} // namespace varro
