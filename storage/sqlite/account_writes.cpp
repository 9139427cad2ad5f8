#include "storage/sqlite/account_writes.hpp"

#include "storage/limits.hpp"
#include "storage/sqlite/account_rows.hpp"

namespace varro {

namespace {

// Of a token's hash: enough to tell two apart, nothing to log in with.
constexpr size_t shown_digits = 8;

// Makes one change to one user, who must be there. An error where it would leave the server without an admin who can
// log in by `way`.
template <class Change>
caf::expected<audit_note> change_user(connection& db, std::string_view name, const login_way& way, Change change) {
  auto before = count_admins(db, way);
  if (!before)
    return std::move(before.error());
  std::optional<user_record> user;
  {
    auto query
      = db.use("SELECT id, name, password_hash, disabled, created_at, role, issuer FROM users WHERE name = ?1");
    auto row = query.bind(name).step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      return no_such_user(name);
    user = user_from(query);
  }
  caf::expected<audit_note> changed = change(*user);
  if (!changed)
    return changed;
  auto after = count_admins(db, way);
  if (!after)
    return std::move(after.error());
  if (*before > 0 && *after == 0)
    return fail(errc::invalid_input,
                "\"" + user->name + "\" is the last admin who can log in; make somebody else an admin first");
  return changed;
}

caf::error drop_ways_in(connection& db, int64_t user_id) {
  if (auto err = drop_links_of(db, user_id))
    return err;
  if (auto err = drop_tokens_of(db, user_id))
    return err;
  return drop_logins_of(db, user_id);
}

audit_person person_of(const user_record& user) {
  return {user.id, user.name};
}

} // namespace

std::string session_name(std::string_view token_hash) {
  return "session " + std::string{token_hash.substr(0, shown_digits)};
}

std::string link_name(const link_record& link) {
  return (link.purpose == link_purpose::first_admin ? "link for the first admin" : std::string{link.purpose}) + " "
    + link.token_hash.substr(0, shown_digits);
}

caf::expected<audit_note> write_one(connection& db, const user_state_set& write) {
  return change_user(db, write.name, write.way, [&](const user_record& user) -> caf::expected<audit_note> {
    auto update = db.use("UPDATE users SET disabled = ?2 WHERE id = ?1");
    if (auto err = update.bind(user.id).bind(write.disabled ? 1 : 0).run())
      return err;
    if (auto err = drop_ways_in(db, user.id))
      return err;
    return audit_event{write.disabled ? audit_action::user_disabled : audit_action::user_enabled, person_of(user)};
  });
}

caf::expected<audit_note> write_one(connection& db, const user_role_set& write) {
  const auto& role = write.role;
  if (role != user_role::user && role != user_role::admin)
    return fail(errc::invalid_input, "a role is \"user\" or \"admin\", not \"" + role + "\"");
  return change_user(db, write.name, write.way, [&](const user_record& user) -> caf::expected<audit_note> {
    if (user.name == local_user_name && user.password_hash.empty() && role != user.role)
      return fail(errc::invalid_input, "the user of --auth local is always an admin");
    if (auto err = db.use("UPDATE users SET role = ?2 WHERE id = ?1").bind(user.id).bind(role).run())
      return err;
    return audit_event{audit_action::user_role, person_of(user), "",
                       audit_details({{"role", role}, {"before", user.role}})};
  });
}

caf::expected<audit_note> set_user_password(connection& db, std::string_view name, std::string_view password_hash) {
  return change_user(db, name, {}, [&](const user_record& user) -> caf::expected<audit_note> {
    auto update = db.use("UPDATE users SET password_hash = ?2 WHERE id = ?1");
    if (auto err = update.bind(user.id).bind(password_hash).run())
      return err;
    if (auto err = drop_ways_in(db, user.id))
      return err;
    return audit_event{audit_action::password_set, person_of(user)};
  });
}

caf::expected<audit_note> write_one(connection& db, const user_logins_ended& write) {
  return change_user(db, write.name, {}, [&](const user_record& user) -> caf::expected<audit_note> {
    if (auto err = drop_logins_of(db, user.id))
      return err;
    return audit_event{audit_action::sessions_ended, person_of(user), "", audit_details({{"ended", db.changes()}})};
  });
}

caf::expected<audit_note> write_one(connection& db, const user_tokens_revoked& write) {
  return change_user(db, write.name, {}, [&](const user_record& user) -> caf::expected<audit_note> {
    if (auto err = drop_tokens_of(db, user.id))
      return err;
    if (db.changes() == 0)
      return audit_note::nothing("there was none");
    return audit_event{audit_action::tokens_revoked, person_of(user), "", audit_details({{"revoked", db.changes()}})};
  });
}

caf::expected<audit_note> write_one(connection& db, const link_made& write) {
  const auto& link = write.link;
  if (auto err = drop_expired(db, link.created_at))
    return err;
  if (link.purpose != link_purpose::invitation) {
    auto former = db.use("DELETE FROM links WHERE purpose = ?1 AND coalesce(user_id, 0) = ?2");
    if (auto err = former.bind(link.purpose).bind(link.user_id).run())
      return err;
  }
  auto count = db.number("SELECT count(*) FROM links");
  if (!count)
    return std::move(count.error());
  if (*count >= links_max)
    return fail(errc::limit_reached,
                "there are " + std::to_string(links_max)
                  + " links that nobody has used; revoke some, or wait until some have expired");
  auto insert = db.use("INSERT INTO links(token_hash, purpose, role, user_id, created_at, expires_at)"
                       " VALUES (?1, ?2, ?3, nullif(?4, 0), ?5, ?6)");
  insert.bind(link.token_hash).bind(link.purpose).bind(link.role).bind(link.user_id);
  if (auto err = insert.bind(link.created_at).bind(link.expires_at).run())
    return err;
  audit_event made{audit_action::link_made, {}, link_name(link)};
  if (link.user_id == 0) {
    made.details = audit_details({{"role", link.role}});
    return made;
  }
  auto person = audit_person_of(db, link.user_id);
  if (!person)
    return std::move(person.error());
  made.person = std::move(*person);
  return made;
}

caf::expected<audit_note> write_one(connection& db, const link_revoked& write) {
  link_record link;
  {
    auto query = db.use("SELECT token_hash, purpose, coalesce(user_id, 0) FROM links WHERE token_hash = ?1");
    auto row = query.bind(write.token_hash).step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      return fail(errc::not_found, "there is no such link, or it was used or has expired");
    link.token_hash = query.text(0);
    link.purpose = query.text(1);
    link.user_id = query.integer(2);
  }
  if (auto err = db.use("DELETE FROM links WHERE token_hash = ?1").bind(write.token_hash).run())
    return err;
  audit_event revoked{audit_action::link_revoked, {}, link_name(link)};
  if (link.user_id != 0) {
    auto person = audit_person_of(db, link.user_id);
    if (!person)
      return std::move(person.error());
    revoked.person = std::move(*person);
  }
  return revoked;
}

} // namespace varro
