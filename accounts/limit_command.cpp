#include "accounts/limit_command.hpp"

#include "accounts/command_parts.hpp"
#include "config/keys.hpp"
#include "storage/open.hpp"

#include <ostream>
#include <string>
#include <vector>

namespace varro {

namespace {

std::string whose(const limit_row& row) {
  return row.subject == limit_subject::everybody ? row.subject : row.subject + " " + row.who;
}

// Nothing where there is no limit of this name.
const key_row<user_limits>* find_key(const std::string& name, caf::error& why) {
  std::vector<std::string> names;
  std::string all;
  for (const auto& key : limit_keys()) {
    if (key.path == name)
      return &key;
    names.emplace_back(key.path);
    all += (all.empty() ? "" : ", ") + names.back();
  }
  const auto nearest = nearest_name(name, names);
  why = fail(errc::invalid_input,
             "there is no limit " + name + (nearest.empty() ? ". " : "; did you mean " + nearest + "? ")
               + "Limits: " + all);
  return nullptr;
}

template <class Change>
caf::error change(const std::filesystem::path& data_dir, Change make) {
  if (auto missing = check_database(data_dir))
    return missing;
  auto book = open_limit_book(data_dir, false);
  return book ? make(**book) : std::move(book.error());
}

} // namespace

caf::error check_limit(const limit_row& row) {
  caf::error why;
  const auto* key = find_key(row.name, why);
  if (key == nullptr)
    return why;
  user_limits limits;
  if (auto problem = assign_text(*key, key->locate(limits), row.value))
    return fail(errc::invalid_input, row.name + ": " + text_of(problem));
  return {};
}

int limit_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err) {
  if (auto missing = check_database(data_dir))
    return failed(err, missing);
  auto book = open_limit_book(data_dir, true);
  if (!book)
    return failed(err, book.error());
  auto rows = (*book)->all_limits();
  if (!rows)
    return failed(err, rows.error());
  for (const auto& row : *rows)
    out << whose(row) << "\t" << row.name << "\t" << row.value << "\n";
  return 0;
}

int limit_set(const std::filesystem::path& data_dir, const limit_row& row, std::ostream& out, std::ostream& err) {
  if (auto wrong = check_limit(row))
    return failed(err, wrong);
  if (auto problem = change(data_dir, [&](limit_book& book) { return book.set_limit(row, command_origin()); }))
    return failed(err, problem);
  out << row.name << " of " << whose(row) << " is " << row.value << " now\n";
  return 0;
}

int limit_clear(const std::filesystem::path& data_dir, const limit_row& row, std::ostream& out, std::ostream& err) {
  if (auto problem = change(data_dir, [&](limit_book& book) { return book.clear_limit(row, command_origin()); }))
    return failed(err, problem);
  out << row.name << " of " << whose(row) << " is not set any more\n";
  return 0;
}

} // namespace varro
