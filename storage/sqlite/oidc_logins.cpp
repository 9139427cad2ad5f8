// Logins at a provider of OpenID Connect.
#include "storage/limits.hpp"
#include "storage/sqlite/account_rows.hpp"
#include "storage/sqlite/account_writes.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

namespace varro {

namespace {

// REQUIRES: token_hash, issuer, subject, session, sealed, checked_at.
oidc_login oidc_login_from(const statement& row) {
  return {row.text(0), {row.text(1), row.text(2)}, row.text(3), row.text(4), row.integer(5)};
}

// Whose browser session this is; id 0: it is over.
caf::expected<audit_person> person_with(connection& db, std::string_view token_hash) {
  auto query = db.use("SELECT users.id, name FROM logins JOIN users ON users.id = user_id WHERE token_hash = ?1");
  auto row = query.bind(token_hash).step();
  if (!row)
    return std::move(row.error());
  return *row ? audit_person{query.integer(0), query.text(1)} : audit_person{};
}

// Those that a provider is still asked about.
caf::expected<int64_t> count_oidc_logins(connection& db, int64_t user_id, unix_us now) {
  auto query = db.use("SELECT count(*) FROM logins JOIN oidc_logins USING (token_hash)"
                      " WHERE user_id = ?1 AND expires_at > ?2");
  auto row = query.bind(user_id).bind(now).step();
  if (!row)
    return std::move(row.error());
  return query.integer(0);
}

} // namespace

caf::expected<audit_note> write_one(connection& db, const oidc_login_begun& begun) {
  const auto& login = begun.login;
  if (!begun.seen.login || begun.seen.login->token_hash != login.token_hash)
    return fail(errc::invalid_input, "a login at a provider needs its browser session");
  auto told = write_one(db, begun.seen);
  if (!told)
    return told;
  auto insert = db.use("INSERT INTO oidc_logins(token_hash, issuer, subject, session, sealed, checked_at)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  insert.bind(login.token_hash).bind(login.key.issuer).bind(login.key.subject).bind(login.session);
  if (auto err = insert.bind(login.sealed).bind(login.checked_at).run())
    return err;
  return told;
}

caf::expected<audit_note> write_one(connection& db, const oidc_login_checked& checked) {
  auto tokens = db.use("UPDATE oidc_logins SET sealed = ?2, checked_at = max(checked_at, ?3) WHERE token_hash = ?1");
  if (auto err = tokens.bind(checked.token_hash).bind(checked.sealed).bind(checked.at).run())
    return err;
  if (db.changes() != 1 || checked.at == 0)
    return audit_note::nothing("the session is over, or nobody said more of it");
  auto session = db.use("UPDATE logins SET expires_at = min(?2, last_used_at + ?3, ends_at)"
                        " WHERE token_hash = ?1 AND expires_at > ?4");
  session.bind(checked.token_hash).bind(checked.expires_at).bind(checked.idle_us).bind(checked.at);
  if (auto err = session.run())
    return err;
  if (db.changes() == 1 && checked.seen)
    return write_one(db, *checked.seen);
  return audit_note::nothing("a session that goes on is no event");
}

caf::expected<audit_note> write_one(connection& db, const oidc_login_ended& ended) {
  auto person = person_with(db, ended.token_hash);
  if (!person)
    return std::move(person.error());
  if (person->id == 0)
    return audit_note::nothing("it was over already");
  if (auto err = db.use("DELETE FROM logins WHERE token_hash = ?1").bind(ended.token_hash).run())
    return err;
  auto others = count_oidc_logins(db, person->id, ended.at);
  if (!others)
    return std::move(others.error());
  int64_t tokens = 0;
  if (ended.with_tokens && *others == 0) {
    if (auto err = drop_tokens_of(db, person->id))
      return err;
    tokens = db.changes();
  }
  return audit_event{
    audit_action::session_ended, std::move(*person), session_name(ended.token_hash),
    audit_details({{"because", ended.because}, {"tokens_revoked", tokens > 0 ? json(tokens) : json{}}})};
}

caf::expected<audit_note> write_one(connection& db, const foreign_logins_ended& ended) {
  auto drop = ended.issuer.empty()
    ? db.use("DELETE FROM logins WHERE token_hash IN (SELECT token_hash FROM oidc_logins)")
    : db.use("DELETE FROM logins WHERE token_hash NOT IN (SELECT token_hash FROM oidc_logins WHERE issuer = ?1)");
  if (!ended.issuer.empty())
    drop.bind(ended.issuer);
  if (auto err = drop.run())
    return err;
  if (db.changes() == 0)
    return audit_note::nothing("who vouches for users is as it was");
  return audit_event{audit_action::sessions_ended,
                     {},
                     "",
                     audit_details({{"ended", db.changes()}, {"because", "auth.mode or oidc.issuer changed"}})};
}

caf::expected<std::vector<oidc_login>> sqlite_database::oidc_logins_due(unix_us checked_until, unix_us now, int limit) {
  auto query = impl_->db->use("SELECT token_hash, issuer, subject, session, sealed, checked_at FROM oidc_logins"
                              " WHERE checked_at <= ?1 AND EXISTS (SELECT 1 FROM logins WHERE"
                              " logins.token_hash = oidc_logins.token_hash AND expires_at > ?2)"
                              " ORDER BY checked_at LIMIT ?3");
  query.bind(checked_until).bind(now).bind(int64_t{limit});
  std::vector<oidc_login> due;
  if (auto err = query.each_row([&] { due.push_back(oidc_login_from(query)); }))
    return err;
  return due;
}

caf::expected<oidc_login> sqlite_database::find_oidc_login(std::string_view token_hash) {
  auto query = impl_->db->use("SELECT token_hash, issuer, subject, session, sealed, checked_at FROM oidc_logins"
                              " WHERE token_hash = ?1");
  auto row = query.bind(token_hash).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "this session was not begun at a provider");
  return oidc_login_from(query);
}

caf::expected<std::vector<std::string>> sqlite_database::oidc_sessions_of(const identity_key& key,
                                                                          std::string_view session) {
  auto query = impl_->db->use("SELECT token_hash FROM oidc_logins WHERE issuer = ?1"
                              " AND (?2 = '' OR subject = ?2) AND (?3 = '' OR session = ?3)"
                              " AND (?2 <> '' OR ?3 <> '')");
  query.bind(key.issuer).bind(key.subject).bind(session);
  std::vector<std::string> hashes;
  if (auto err = query.each_row([&] { hashes.push_back(query.text(0)); }))
    return err;
  return hashes;
}

} // namespace varro
