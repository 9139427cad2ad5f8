#include "storage/open.hpp"

#include "storage/sqlite/sqlite_database.hpp"
#include "storage/sqlite/sqlite_search_index.hpp"

namespace varro {

namespace {

template <class Opened, class Found>
caf::expected<std::unique_ptr<Opened>> as(caf::expected<std::unique_ptr<Found>> found) {
  if (!found)
    return std::move(found.error());
  return std::unique_ptr<Opened>{std::move(*found)};
}

} // namespace

caf::expected<std::unique_ptr<chat_database>> open_database(const std::filesystem::path& data_dir) {
  return as<chat_database>(sqlite_database::open(data_dir, sqlite_database::mode::read_write));
}

caf::expected<std::unique_ptr<chat_reader>> open_reader(const std::filesystem::path& data_dir) {
  return as<chat_reader>(sqlite_database::open(data_dir, sqlite_database::mode::read_only));
}

caf::expected<std::unique_ptr<limit_book>> open_limit_book(const std::filesystem::path& data_dir, bool read_only) {
  using mode = sqlite_database::mode;
  return as<limit_book>(sqlite_database::open(data_dir, read_only ? mode::read_only : mode::read_write));
}

caf::expected<std::unique_ptr<search_index>> open_search_index(const std::filesystem::path& data_dir) {
  return as<search_index>(sqlite_search_index::open(data_dir));
}

} // namespace varro
