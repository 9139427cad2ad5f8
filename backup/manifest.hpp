// What a backup holds, as a file of lines: each a JSON object, the last one with the SHA-256 of all lines before it, so
// that a manifest that was cut off or changed is seen.
//
// A backup is made of trees, one after the other: {"tree":…} begins one, and what follows lies in it. Entries have
// numbers within their tree and name the directory that they lie in (0: the tree's top), which stands before them; so a
// line is never longer than one name, however deep somebody nests. Names are bytes, written as %XX where they are not
// plain. Nothing here is signed: it tells accidents, not somebody who writes the hashes anew.
#pragma once

#include "backup/sha256.hpp"
#include "base/clock.hpp"
#include "base/descriptor.hpp"
#include "base/errors.hpp"
#include "workspace/file_listing.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <sys/types.h>

namespace varro {

inline constexpr int manifest_format = 1;
inline constexpr size_t manifest_line_bytes_max = 64u << 10;
inline constexpr auto manifest_name = "manifest.jsonl";

struct manifest_head {
  int schema = 0;        // of the database
  std::string version{}; // of the Varro that made the backup
  unix_us begun_at = 0;  // all that was acknowledged before is in it
};

enum class tree_kind { top, snapshots, versions, workspace };

// top: files of the data directory itself. The others are what a chat has below workspaces/, versions/ and snapshots/.
struct manifest_tree {
  tree_kind what = tree_kind::top;
  int64_t chat = 0; // 0: of none
};

struct manifest_entry {
  uint64_t number = 0; // from 1, within its tree
  uint64_t in = 0;     // the number of its directory
  std::string name{};
  file_entry file{};          // `blob` is the number of the backup's file with its bytes
  std::string sha256{};       // of a file: as file_copy has it
  bool several_names = false; // it may be named again: an entry of the same tree with the same blob is the same file
  bool changed = false;       // it was written to while it was read
};

// What lies there and is not in the backup.
struct manifest_gap {
  uint64_t in = 0;
  std::string name{};
  std::string why{};
};

using manifest_line = std::variant<manifest_head, manifest_tree, manifest_entry, manifest_gap>;

// The text of one line, without its end; and back. nullopt: it is none.
std::string text_of(const manifest_line& line);
std::optional<manifest_line> line_of(std::string_view text);

// A name as it is shown to people: whatever hostile code has put into it, one word.
std::string shown_name(std::string_view name);

class manifest_writer {
public:
  // Makes manifest.jsonl in this directory (mode 0600).
  static caf::expected<manifest_writer> create(int directory);
  void add(const manifest_line& line);
  // Writes the last line. errc::storage_failed: something of it could not be written.
  caf::error finish();

private:
  explicit manifest_writer(descriptor file) : file_(std::move(file)) {}
  void put(const std::string& text);

  descriptor file_;
  sha256 hash_;
  std::string waiting_; // not yet written
  uint64_t lines_ = 0;
  int problem_ = 0; // errno
};

class manifest_reader {
public:
  // Reads the whole file once: errc::invalid_input where it is not whole, not as it was written, or of a newer format.
  static caf::expected<manifest_reader> open(const std::filesystem::path& backup);
  const manifest_head& head() const {
    return head_;
  }
  // The lines after the head, one after the other; nothing at the end.
  caf::expected<std::optional<manifest_line>> next();

private:
  manifest_reader() = default;

  std::string path_;
  std::ifstream file_;
  manifest_head head_;
  uint64_t lines_left_ = 0;
};

} // namespace varro
