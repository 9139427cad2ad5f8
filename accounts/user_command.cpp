#include "accounts/user_command.hpp"

#include "accounts/accounts.hpp"
#include "accounts/command_parts.hpp"
#include "accounts/links.hpp"
#include "storage/limits.hpp"
#include "storage/open.hpp"

#include <sodium.h>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <istream>
#include <ostream>

namespace varro {

namespace {

// Takes the echo off a terminal while it lives, and Ctrl-C's signal, which would leave the echo off for ever.
class silent_terminal {
public:
  explicit silent_terminal(int fd) : fd_(fd), known_(::tcgetattr(fd, &before_) == 0) {
    if (!known_)
      return;
    auto silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    known_ = ::tcsetattr(fd, TCSAFLUSH, &silent) == 0;
  }
  ~silent_terminal() {
    if (known_)
      ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  silent_terminal(const silent_terminal&) = delete;
  silent_terminal& operator=(const silent_terminal&) = delete;
  bool silent() const {
    return known_;
  }

private:
  int fd_;
  termios before_{};
  bool known_;
};

class terminal {
public:
  terminal() : fd_(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) {}
  ~terminal() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  caf::expected<std::string> ask(std::string_view question) {
    silent_terminal quiet{fd_};
    if (fd_ < 0 || !quiet.silent())
      return fail(errc::invalid_input, "there is no terminal to ask for the password; use --password-stdin");
    say(question);
    std::string line;
    char c = 0;
    while (::read(fd_, &c, 1) == 1 && c != '\n' && c != ctrl_c)
      line += c;
    say("\n");
    if (c == ctrl_c)
      return fail(errc::cancelled, "stopped; nothing was changed");
    return line;
  }

private:
  static constexpr char ctrl_c = 3;

  void say(std::string_view text) {
    for (auto left = text; !left.empty();) {
      auto count = ::write(fd_, left.data(), left.size());
      if (count <= 0)
        return;
      left.remove_prefix(static_cast<size_t>(count));
    }
  }

  int fd_;
};

caf::expected<std::string> ask_twice(const std::string& name) {
  terminal tty;
  auto first = tty.ask("Password for " + name + ": ");
  if (!first)
    return first;
  auto second = tty.ask("The same again: ");
  if (!second)
    return second;
  auto same = *first == *second;
  sodium_memzero(second->data(), second->size());
  if (!same)
    return fail(errc::invalid_input, "the two passwords differ; nothing was changed");
  return first;
}

caf::expected<std::string> first_line(std::istream& in) {
  std::string line;
  if (!std::getline(in, line))
    return fail(errc::invalid_input, "no password on standard input");
  if (!line.empty() && line.back() == '\r')
    line.pop_back();
  return line;
}

caf::expected<std::string> ask_hash(const std::string& name, bool password_stdin, std::istream& in,
                                    const auth_config& limits) {
  auto password = password_stdin ? first_line(in) : ask_twice(name);
  if (!password)
    return password;
  auto hash = hash_password(*password, limits);
  sodium_memzero(password->data(), password->size());
  return hash;
}

// A user's name in the form that the database has, and that database.
struct named_user {
  std::string name;
  std::unique_ptr<chat_database> db;
};
caf::expected<named_user> open_for(const std::filesystem::path& data_dir, const std::string& name) {
  auto normal = normalised_user_name(name);
  if (!normal)
    return std::move(normal.error());
  auto db = open_existing_database(data_dir);
  if (!db)
    return std::move(db.error());
  return named_user{std::move(*normal), std::move(*db)};
}

int set_disabled(const std::filesystem::path& data_dir, const std::string& name, bool disabled, std::ostream& out,
                 std::ostream& err, const login_way& way = {}) {
  auto user = open_for(data_dir, name);
  if (!user)
    return failed(err, user.error());
  if (auto error = user->db->set_disabled(user->name, disabled, command_origin(), way))
    return failed(err, error);
  out << (disabled ? "disabled " : "enabled ") << user->name << "\n";
  return 0;
}

int print_link(chat_database& db, const config& settings, const link_record& link, std::chrono::hours lasts,
               std::ostream& out, std::ostream& err) {
  auto path = make_link(db, link, lasts, command_origin());
  if (!path)
    return failed(err, path.error());
  out << server_address(settings.server, settings.server.port) << *path << "\n";
  err << "varro: the link can be used once, within " << lasts.count() << " hours\n";
  return 0;
}

} // namespace

int user_add(const std::filesystem::path& data_dir, const std::string& name, bool password_stdin, std::istream& in,
             std::ostream& out, std::ostream& err, const auth_config& limits, const std::string& role) {
  auto normal = normalised_user_name(name);
  if (!normal)
    return failed(err, normal.error());
  auto db = open_database(data_dir);
  if (!db)
    return failed(err, db.error());
  // Said before anybody types a password.
  if ((*db)->find_user(std::string_view{*normal}))
    return failed(err, fail(errc::invalid_input, "the name \"" + *normal + "\" is taken"));
  auto hash = ask_hash(*normal, password_stdin, in, limits);
  if (!hash)
    return failed(err, hash.error());
  auto user = (*db)->add_user(*normal, *hash, role, command_origin());
  if (!user)
    return failed(err, user.error());
  out << "added " << user->name << "\n";
  return 0;
}

int user_passwd(const std::filesystem::path& data_dir, const std::string& name, bool password_stdin, std::istream& in,
                std::ostream& out, std::ostream& err, const auth_config& limits) {
  auto user = open_for(data_dir, name);
  if (!user)
    return failed(err, user.error());
  if (auto found = user->db->find_user(std::string_view{user->name}); !found)
    return failed(err, found.error());
  auto hash = ask_hash(user->name, password_stdin, in, limits);
  if (!hash)
    return failed(err, hash.error());
  if (auto error = user->db->set_password(user->name, *hash, command_origin()))
    return failed(err, error);
  out << "changed the password of " << user->name << "\n";
  return 0;
}

int user_invite(const config& settings, const std::string& role, std::ostream& out, std::ostream& err) {
  if (settings.auth.sign_up == "closed")
    return failed(err,
                  fail(errc::config_invalid,
                       "nobody may join: auth.sign_up is \"closed\"; with \"invitation\", in the configuration that "
                       "the server reads too, links work"));
  auto db = open_existing_database(settings.data_dir);
  if (!db)
    return failed(err, db.error());
  return print_link(**db, settings, {"", link_purpose::invitation, role}, settings.auth.invitation_max, out, err);
}

int user_reset_link(const config& settings, const std::string& name, std::ostream& out, std::ostream& err) {
  auto user = open_for(settings.data_dir, name);
  if (!user)
    return failed(err, user.error());
  auto found = user->db->find_user(std::string_view{user->name});
  if (!found)
    return failed(err, found.error());
  if (found->disabled)
    return failed(err,
                  fail(errc::invalid_input,
                       "\"" + found->name + "\" is disabled; `varro user enable " + found->name + "` comes first"));
  const link_record link{"", link_purpose::reset, user_role::user, found->id};
  return print_link(*user->db, settings, link, settings.auth.reset_max, out, err);
}

int user_set_role(const std::filesystem::path& data_dir, const std::string& name, const std::string& role,
                  std::ostream& out, std::ostream& err, const login_way& way) {
  auto user = open_for(data_dir, name);
  if (!user)
    return failed(err, user.error());
  if (auto error = user->db->set_role(user->name, role, command_origin(), way))
    return failed(err, error);
  out << user->name << " has the role " << role << "\n";
  return 0;
}

int user_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err) {
  auto db = open_existing_database(data_dir);
  if (!db)
    return failed(err, db.error());
  people_question question;
  question.limit = admin_people_max;
  for (;;) {
    auto answer = (*db)->answer({question});
    if (!answer)
      return failed(err, answer.error());
    const auto& page = std::get<people_page>(answer->what);
    for (const auto& each : page.people)
      out << each.user.name << "\t" << (each.user.disabled ? "disabled" : "active") << "\t"
          << day_text(each.user.created_at) << "\t" << each.user.role << "\t"
          << (each.last_seen == 0 ? "never" : day_text(each.last_seen)) << "\n";
    if (!page.more)
      return 0;
    question.after = page.people.back().user.name;
  }
}

int user_disable(const std::filesystem::path& data_dir, const std::string& name, std::ostream& out, std::ostream& err,
                 const login_way& way) {
  return set_disabled(data_dir, name, true, out, err, way);
}

int user_enable(const std::filesystem::path& data_dir, const std::string& name, std::ostream& out, std::ostream& err) {
  return set_disabled(data_dir, name, false, out, err);
}

} // namespace varro
