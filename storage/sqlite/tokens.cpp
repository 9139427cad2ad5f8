// Tokens of programs.
#include "storage/limits.hpp"
#include "storage/sqlite/account_rows.hpp"
#include "storage/sqlite/audit_rows.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"
#include "storage/token_record.hpp"

namespace varro {

namespace {

// errc::not_found where they are disabled.
caf::expected<user_record> find_owner(connection& db, int64_t id) {
  auto query = db.use("SELECT id, name, password_hash, disabled, created_at, role, issuer FROM users"
                      " WHERE id = ?1 AND disabled = 0");
  auto row = query.bind(id).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "there is no such user, or they are disabled");
  return user_from(query);
}

using audited = caf::expected<audit_note>;

// Each is called in an open transaction.

audited write_one(connection& db, const token_made& write) {
  const auto& token = write.token;
  if (auto err = drop_expired(db, token.created_at))
    return err;
  auto owner = find_owner(db, token.user_id);
  if (!owner)
    return std::move(owner.error());
  if (token.scopes.admin && owner->role != user_role::admin)
    return fail(errc::invalid_input, "only the token of an admin can have the scope \"admin\"");
  {
    auto count = db.use("SELECT count(*) FROM tokens WHERE user_id = ?1");
    auto row = count.bind(token.user_id).step();
    if (!row)
      return std::move(row.error());
    if (count.integer(0) >= write.tokens_max)
      return fail(errc::limit_reached,
                  "there are " + std::to_string(write.tokens_max)
                    + " tokens of this user, as many as there may be (auth.tokens_max); revoke one first");
  }
  auto insert
    = db.use("INSERT INTO tokens(token_hash, id, user_id, label, scopes, created_at, expires_at, last_used_at)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  insert.bind(token.token_hash).bind(token.id).bind(token.user_id).bind(token.label).bind(text_of(token.scopes));
  if (auto err = insert.bind(token.created_at).bind(token.expires_at).bind(token.last_used_at).run())
    return err;
  return audit_event{audit_action::token_made,
                     {owner->id, owner->name},
                     "token " + token.id,
                     audit_details({{"scopes", text_of(token.scopes)}})};
}

audited write_one(connection& db, const token_revoked& write) {
  int64_t owner = 0;
  {
    auto query = db.use("SELECT user_id FROM tokens WHERE id = ?1 AND (?2 = 0 OR user_id = ?2)");
    auto row = query.bind(write.id).bind(write.user_id).step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      return fail(errc::not_found, "there is no such token");
    owner = query.integer(0);
  }
  if (auto err = db.use("DELETE FROM tokens WHERE id = ?1").bind(write.id).run())
    return err;
  auto person = audit_person_of(db, owner);
  if (!person)
    return std::move(person.error());
  return audit_event{audit_action::token_revoked, std::move(*person), "token " + write.id};
}

audited write_one(connection& db, const token_used& write) {
  if (auto err = drop_expired(db, write.at))
    return err;
  auto update = db.use("UPDATE tokens SET last_used_at = ?2 WHERE token_hash = ?1 AND last_used_at <= ?3");
  constexpr auto step = std::chrono::microseconds{login_use_step}.count();
  if (auto err = update.bind(write.token_hash).bind(write.at).bind(write.at - step).run())
    return err;
  return audit_note::nothing("a token that is used is no event");
}

audit_origin origin_of(const token_used&) {
  return {};
}
template <class Write>
const audit_origin& origin_of(const Write& write) {
  return write.by;
}

constexpr int columns = 8; // token_hash, id, user_id, label, scopes, created_at, expires_at, last_used_at

// Scopes that cannot be read are none.
token_record token_from(const statement& row) {
  return {row.text(0),
          row.text(1),
          row.integer(2),
          row.text(3),
          parse_token_scopes(row.text(4)).value_or(token_scopes{}),
          row.integer(5),
          row.integer(6),
          row.integer(7)};
}

} // namespace

caf::error sqlite_database::apply(const token_write& write) {
  return impl_->write_all([&] {
    return std::visit(
      [this](const auto& one) { return with_audit(*impl_->db, origin_of(one), write_one(*impl_->db, one)); }, write);
  });
}

caf::expected<token_found> sqlite_database::find_token(std::string_view token_hash, unix_us now) {
  auto query = impl_->db->use("SELECT token_hash, tokens.id, user_id, label, scopes, tokens.created_at, expires_at,"
                              " last_used_at, users.id, name, password_hash, disabled, users.created_at, role, issuer"
                              " FROM tokens JOIN users ON users.id = tokens.user_id"
                              " WHERE token_hash = ?1 AND expires_at > ?2 AND disabled = 0");
  auto row = query.bind(token_hash).bind(now).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "this is no token, or none any more");
  return token_found{token_from(query), user_from(query, columns)};
}

caf::expected<std::vector<token_record>> sqlite_database::tokens_of(int64_t user_id, unix_us now) {
  auto query
    = impl_->db->use("SELECT token_hash, id, user_id, label, scopes, created_at, expires_at, last_used_at FROM tokens"
                     " WHERE user_id = ?1 AND expires_at > ?2 ORDER BY created_at DESC, id");
  query.bind(user_id).bind(now);
  std::vector<token_record> tokens;
  if (auto err = query.each_row([&] { tokens.push_back(token_from(query)); }))
    return err;
  return tokens;
}

} // namespace varro
