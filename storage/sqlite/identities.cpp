// Users for whom somebody else vouches, and groups.
#include "storage/limits.hpp"
#include "storage/sqlite/account_rows.hpp"
#include "storage/sqlite/account_writes.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

namespace varro {

namespace {

constexpr size_t name_bytes_max = 64;     // of normalised_user_name
constexpr int64_t plain_suffixes_max = 9; // "ada-2" to "ada-9", then the number of the account

struct known_user {
  int64_t id = 0; // 0: not here yet
  bool disabled = false;
  std::string name = {};
  std::string role = {};
};

caf::expected<known_user> find_identity(connection& db, const identity_key& key) {
  auto query
    = db.use("SELECT id, disabled, name, role FROM users WHERE issuer = ?1 AND subject = ?2 AND subject <> ''");
  auto row = query.bind(key.issuer).bind(key.subject).step();
  if (!row)
    return std::move(row.error());
  return *row ? known_user{query.integer(0), query.integer(1) != 0, query.text(2), query.text(3)} : known_user{};
}

// The local user's name is never free: whoever has it is taken for that user.
caf::expected<bool> is_free(connection& db, std::string_view name) {
  auto query = db.use("SELECT 1 FROM users WHERE name = ?1");
  auto row = query.bind(name).step();
  if (!row)
    return std::move(row.error());
  return !*row && name != local_user_name;
}

// `wanted`, or one like it that nobody has. Ends: there are fewer accounts than numbers.
caf::expected<std::string> free_name(connection& db, const std::string& wanted) {
  auto newest = db.number("SELECT coalesce(max(id), 0) FROM users");
  if (!newest)
    return std::move(newest.error());
  auto name = wanted;
  for (int64_t number = 2;; ++number) {
    auto free = is_free(db, name);
    if (!free)
      return std::move(free.error());
    if (*free)
      return name;
    auto suffix = "-" + std::to_string(number <= plain_suffixes_max ? number : *newest + number);
    name = wanted.substr(0, name_bytes_max - suffix.size()) + suffix;
  }
}

caf::expected<int64_t> make_user(connection& db, const identity_seen& seen) {
  auto users = db.number("SELECT count(*) FROM users");
  if (!users)
    return std::move(users.error());
  if (*users >= seen.users_max)
    return fail(errc::limit_reached, "there are as many accounts as this server may have");
  auto name = free_name(db, seen.name);
  if (!name)
    return std::move(name.error());
  auto id = insert_user(db, *name, "", user_role::user, seen.at);
  if (!id)
    return id;
  auto update = db.use("UPDATE users SET issuer = ?2, subject = ?3 WHERE id = ?1");
  if (auto err = update.bind(*id).bind(seen.key.issuer).bind(seen.key.subject).run())
    return err;
  return id;
}

caf::error replace_groups(connection& db, int64_t user, const std::vector<std::string>& groups) {
  if (groups.size() > static_cast<size_t>(user_groups_max))
    return fail(errc::limit_reached, "a user has at most " + std::to_string(user_groups_max) + " groups");
  if (auto err = db.use("DELETE FROM user_groups WHERE user_id = ?1 AND source = 'login'").bind(user).run())
    return err;
  for (const auto& group : groups) {
    auto insert = db.use("INSERT INTO user_groups(user_id, name, source) VALUES (?1, ?2, 'login')");
    if (auto err = insert.bind(user).bind(group).run())
      return err;
  }
  return caf::none;
}

caf::error put_identity_login(connection& db, login_record login) {
  if (!login.token_hash.starts_with(identity_login_prefix))
    return insert_login(db, login);
  if (auto err = drop_expired(db, login.created_at)) // whose csrf is not taken up
    return err;
  constexpr auto former = "SELECT csrf FROM logins WHERE user_id = ?1 AND substr(token_hash, 1, length(?2)) = ?2";
  {
    auto query = db.use(former);
    auto row = query.bind(login.user_id).bind(identity_login_prefix).step();
    if (!row)
      return std::move(row.error());
    if (*row)
      login.csrf = query.text(0);
  }
  auto drop = db.use("DELETE FROM logins WHERE user_id = ?1 AND substr(token_hash, 1, length(?2)) = ?2");
  if (auto err = drop.bind(login.user_id).bind(identity_login_prefix).run())
    return err;
  return insert_login(db, login);
}

// A login that each request renews is told when it makes or changes something only.
audit_note what_happened(const identity_seen& seen, bool is_new, const std::string& role_before,
                         const std::string& role, const audit_person& person) {
  const bool has_session = seen.login && !seen.login->token_hash.starts_with(identity_login_prefix);
  const auto session = has_session ? session_name(seen.login->token_hash) : std::string{};
  if (is_new)
    return audit_event{audit_action::user_joined, person, "",
                       audit_details({{"role", role}, {"issuer", seen.key.issuer}, {"login", session}}), person};
  if (role != role_before)
    return audit_event{
      audit_action::user_role, person, "",
      audit_details({{"role", role}, {"before", role_before}, {"issuer", seen.key.issuer}, {"login", session}}),
      person};
  if (has_session)
    return audit_event{audit_action::login, {}, session, audit_details({{"issuer", seen.key.issuer}}), person};
  return audit_note::nothing("each request says again who sends it");
}

caf::expected<int64_t> id_of(connection& db, std::string_view name) {
  auto query = db.use("SELECT id FROM users WHERE name = ?1");
  auto row = query.bind(name).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return no_such_user(name);
  return query.integer(0);
}

} // namespace

caf::expected<audit_person> person_of(connection& db, const identity_key& key) {
  auto user = find_identity(db, key);
  if (!user)
    return std::move(user.error());
  return audit_person{user->id, user->name};
}

caf::expected<audit_note> write_one(connection& db, const identity_seen& seen) {
  if (seen.key.subject.empty())
    return fail(errc::invalid_input, "an identity needs a subject");
  auto user = find_identity(db, seen.key);
  if (!user)
    return std::move(user.error());
  if (user->disabled)
    return fail(errc::unauthorized, "This account is disabled. Ask whoever looks after the server.");
  const bool is_new = user->id == 0;
  if (is_new) {
    auto made = make_user(db, seen);
    if (!made)
      return std::move(made.error());
    user->id = *made;
    user->role = user_role::user;
  }
  // Who vouches decides about the role, also for the last admin: that one is made again as they were made, or by
  // `varro user role`. Keeping somebody an admin whom the issuer no longer calls one would be worse.
  const auto role = seen.role.value_or(user->role);
  auto update = db.use("UPDATE users SET mail = ?2, role = ?3 WHERE id = ?1");
  if (auto err = update.bind(user->id).bind(seen.mail).bind(role).run())
    return err;
  if (auto err = replace_groups(db, user->id, seen.groups))
    return err;
  if (seen.login) {
    auto login = *seen.login;
    login.user_id = user->id;
    if (auto err = put_identity_login(db, std::move(login)))
      return err;
  }
  auto person = audit_person_of(db, user->id);
  if (!person)
    return std::move(person.error());
  return what_happened(seen, is_new, user->role, role, *person);
}

caf::expected<audit_note> write_one(connection& db, const identity_refused& refused) {
  auto user = find_identity(db, refused.key);
  if (!user)
    return std::move(user.error());
  if (user->id == 0)
    return audit_note::nothing("nobody was here");
  if (auto err = drop_logins_of(db, user->id))
    return err;
  auto ended = db.changes();
  if (auto err = drop_tokens_of(db, user->id)) // they would go on where the user may not
    return err;
  ended += db.changes();
  if (ended == 0)
    return audit_note::nothing("nobody was logged in");
  return audit_event{audit_action::sessions_ended,
                     {user->id, user->name},
                     "",
                     audit_details({{"ended", ended}, {"because", "refused by " + refused.key.issuer}})};
}

caf::expected<std::vector<std::string>> sqlite_database::groups_of(int64_t user_id) {
  auto query = impl_->db->use("SELECT DISTINCT name FROM user_groups WHERE user_id = ?1 ORDER BY name");
  query.bind(user_id);
  std::vector<std::string> names;
  if (auto err = query.each_row([&] { names.push_back(query.text(0)); }))
    return err;
  return names;
}

caf::expected<std::vector<group_membership>> sqlite_database::list_memberships() {
  auto query = impl_->db->use("SELECT user_groups.name, users.name, source FROM user_groups JOIN users"
                              " ON users.id = user_id ORDER BY user_groups.name, users.name, source");
  std::vector<group_membership> all;
  if (auto err = query.each_row([&] { all.push_back({query.text(0), query.text(1), query.text(2)}); }))
    return err;
  return all;
}

caf::error sqlite_database::add_membership(std::string_view group, std::string_view user, const audit_origin& by) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    auto id = id_of(db, user);
    if (!id)
      return std::move(id.error());
    auto insert = db.use("INSERT INTO user_groups(user_id, name, source) VALUES (?1, ?2, 'local')"
                         " ON CONFLICT DO NOTHING");
    if (auto err = insert.bind(*id).bind(group).run())
      return err;
    if (db.changes() == 0)
      return caf::none;
    auto count = db.use("SELECT count(*) FROM user_groups WHERE user_id = ?1 AND source = 'local'");
    auto row = count.bind(*id).step();
    if (!row)
      return std::move(row.error());
    if (count.integer(0) > user_groups_max)
      return fail(errc::limit_reached,
                  "\"" + std::string{user} + "\" is in " + std::to_string(user_groups_max) + " groups already");
    return append_audit(db, by, {audit_action::group_entered, {*id, std::string{user}}, "group " + std::string{group}});
  });
}

caf::error sqlite_database::remove_membership(std::string_view group, std::string_view user, const audit_origin& by) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    auto id = id_of(db, user);
    if (!id)
      return std::move(id.error());
    auto remove = db.use("DELETE FROM user_groups WHERE user_id = ?1 AND name = ?2 AND source = 'local'");
    if (auto err = remove.bind(*id).bind(group).run())
      return err;
    if (db.changes() == 1)
      return append_audit(db, by, {audit_action::group_left, {*id, std::string{user}}, "group " + std::string{group}});
    return fail(errc::not_found,
                "\"" + std::string{user} + "\" was not put into the group \"" + std::string{group}
                  + "\" by `varro group add`; what a login says of groups is changed where the login comes from");
  });
}

} // namespace varro
