#include "workspace/file_listing.hpp"

#include "base/json.hpp"
#include "workspace/directory.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

namespace varro {

namespace {

void walk(int directory, const std::string& path, size_t depth, size_t files_max, file_listing& found) {
  for (const auto& name : names_in(directory)) {
    auto full = joined(path, name);
    auto here = look_at(directory, name);
    if (!here)
      continue;
    if (found.entries.size() >= files_max || (here->what == file_kind::directory && depth >= file_listing::depth_max)) {
      found.left_out.push_back(full);
      if (found.entries.size() >= files_max)
        return;
      continue;
    }
    auto directory_below = here->what == file_kind::directory;
    found.entries.emplace(full, std::move(*here));
    if (!directory_below)
      continue;
    if (auto below = open_directory(directory, name))
      walk(below.get(), full, depth + 1, files_max, found);
    else
      found.left_out.push_back(full);
  }
}

json bytes_of(const std::string& text) {
  return json::binary(std::vector<uint8_t>(text.begin(), text.end()));
}

std::string text_of_bytes(const json& bytes) {
  const auto& binary = bytes.get_binary();
  return {binary.begin(), binary.end()};
}

} // namespace

std::vector<uint8_t> to_bytes(const file_listing& what) {
  json entries = json::array();
  for (const auto& [path, e] : what.entries)
    entries.push_back({bytes_of(path), static_cast<int>(e.what), e.mode, e.bytes, e.modified_ns, e.changed_ns, e.inode,
                       e.blob, e.settled, bytes_of(e.target)});
  json left_out = json::array();
  for (const auto& path : what.left_out)
    left_out.push_back(bytes_of(path));
  return json::to_cbor(json{{"entries", std::move(entries)}, {"left_out", std::move(left_out)}});
}

std::optional<file_listing> listing_from(const std::vector<uint8_t>& bytes) {
  auto value = json::from_cbor(bytes, true, false);
  if (!value.is_object())
    return std::nullopt;
  file_listing result;
  try {
    for (const auto& row : value.at("entries")) {
      file_entry e;
      e.what = static_cast<file_kind>(row.at(1).get<int>());
      e.mode = row.at(2).get<mode_t>();
      e.bytes = row.at(3).get<uint64_t>();
      e.modified_ns = row.at(4).get<int64_t>();
      e.changed_ns = row.at(5).get<int64_t>();
      e.inode = row.at(6).get<uint64_t>();
      e.blob = row.at(7).get<uint64_t>();
      e.settled = row.at(8).get<bool>();
      e.target = text_of_bytes(row.at(9));
      result.entries.emplace(text_of_bytes(row.at(0)), std::move(e));
    }
    for (const auto& path : value.at("left_out"))
      result.left_out.push_back(text_of_bytes(path));
  } catch (const json::exception&) {
    return std::nullopt;
  }
  return result;
}

file_listing list_files(const descriptor& directory, size_t files_max) {
  file_listing found;
  walk(directory.get(), "", 0, files_max, found);
  return found;
}

bool is_unchanged(const file_entry& a, const file_entry& b) noexcept {
  return a.what == b.what && a.inode == b.inode && a.bytes == b.bytes && a.modified_ns == b.modified_ns
    && a.changed_ns == b.changed_ns;
}

} // namespace varro
