#include "backup/manifest.hpp"

#include "base/json.hpp"
#include "base/text.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr size_t written_at_once = 256u << 10; // bytes
constexpr std::array tree_names{"top", "snapshots", "versions", "workspace"};
constexpr std::array kind_names{"file", "directory", "link"};

template <size_t N>
std::optional<size_t> index_of(const std::array<const char*, N>& names, const std::string& name) {
  for (size_t i = 0; i < N; ++i)
    if (name == names[i])
      return i;
  return std::nullopt;
}

json to_json(const manifest_head& head) {
  return {
    {"varro_backup", manifest_format}, {"schema", head.schema}, {"version", head.version}, {"begun_at", head.begun_at}};
}

json to_json(const manifest_tree& tree) {
  return {{"tree", tree_names.at(static_cast<size_t>(tree.what))}, {"chat", tree.chat}};
}

json to_json(const manifest_entry& entry) {
  const auto& file = entry.file;
  json line{{"number", entry.number},
            {"in", entry.in},
            {"name", percent_encode(entry.name)},
            {"kind", kind_names.at(static_cast<size_t>(file.what))},
            {"mode", file.mode},
            {"modified_ns", file.modified_ns}};
  if (file.what == file_kind::link)
    line["target"] = percent_encode(file.target, "/");
  if (file.what != file_kind::file)
    return line;
  line["bytes"] = file.bytes;
  line["sha256"] = entry.sha256;
  line["blob"] = file.blob;
  line["inode"] = file.inode;
  line["changed_ns"] = file.changed_ns;
  for (auto [name, is] :
       {std::pair{"settled", file.settled}, {"several_names", entry.several_names}, {"changed", entry.changed}})
    if (is)
      line[name] = true;
  return line;
}

json to_json(const manifest_gap& gap) {
  return {{"left_out", percent_encode(gap.name)}, {"in", gap.in}, {"why", gap.why}};
}

// The getters throw where a member is missing or of another kind; line_of() catches.
std::string decoded(const json& line, const char* key) {
  auto text = percent_decode(line.at(key).get_ref<const std::string&>(), false);
  if (!text || text->find('\0') != std::string::npos)
    throw std::invalid_argument{key};
  return std::move(*text);
}

// One name, which leads nowhere else.
std::string name_of(const json& line, const char* key) {
  auto name = decoded(line, key);
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    throw std::invalid_argument{key};
  return name;
}

template <size_t N>
size_t choice_of(const json& line, const char* key, const std::array<const char*, N>& names) {
  auto found = index_of(names, line.at(key).get_ref<const std::string&>());
  if (!found)
    throw std::invalid_argument{key};
  return *found;
}

mode_t mode_of(const json& line) {
  return line.at("mode").get<mode_t>() & 0777;
}

manifest_tree tree_of(const json& line) {
  manifest_tree tree;
  tree.what = static_cast<tree_kind>(choice_of(line, "tree", tree_names));
  tree.chat = line.at("chat").get<int64_t>();
  if ((tree.what == tree_kind::top) != (tree.chat == 0) || tree.chat < 0)
    throw std::invalid_argument{"chat"};
  return tree;
}

manifest_entry entry_of(const json& line) {
  manifest_entry entry;
  entry.number = line.at("number").get<uint64_t>();
  entry.in = line.at("in").get<uint64_t>();
  entry.name = name_of(line, "name");
  auto& file = entry.file;
  file.what = static_cast<file_kind>(choice_of(line, "kind", kind_names));
  file.mode = mode_of(line);
  file.modified_ns = line.at("modified_ns").get<int64_t>();
  if (file.what == file_kind::link)
    file.target = decoded(line, "target");
  if (file.what != file_kind::file)
    return entry;
  file.bytes = line.at("bytes").get<uint64_t>();
  file.blob = line.at("blob").get<uint64_t>();
  file.inode = line.at("inode").get<uint64_t>();
  file.changed_ns = line.at("changed_ns").get<int64_t>();
  file.settled = line.value("settled", false);
  entry.sha256 = line.at("sha256").get<std::string>();
  entry.several_names = line.value("several_names", false);
  entry.changed = line.value("changed", false);
  return entry;
}

caf::error damaged(const std::string& path, const std::string& what) {
  return fail(errc::invalid_input, "backup " + path + " " + what);
}

// False at the end, and where a line is longer than any of ours.
bool read_line(std::ifstream& from, std::string& line) {
  line.clear();
  for (char c = 0; from.get(c);) {
    if (c == '\n')
      return true;
    if (line.size() == manifest_line_bytes_max)
      return false;
    line += c;
  }
  return false;
}

} // namespace

std::string text_of(const manifest_line& line) {
  return std::visit([](const auto& one) { return dump_json(to_json(one)); }, line);
}

std::optional<manifest_line> line_of(std::string_view text) {
  auto line = parse_json(text, 2);
  if (!line || !line->is_object())
    return std::nullopt;
  try {
    if (line->contains("name"))
      return entry_of(*line);
    if (line->contains("tree"))
      return tree_of(*line);
    if (line->contains("left_out"))
      return manifest_gap{line->at("in").get<uint64_t>(), name_of(*line, "left_out"), line->at("why")};
    if (line->contains("varro_backup"))
      return manifest_head{line->at("schema").get<int>(), line->at("version").get<std::string>(),
                           line->at("begun_at").get<unix_us>()};
  } catch (const json::exception&) {
  } catch (const std::invalid_argument&) {
  }
  return std::nullopt;
}

std::string shown_name(std::string_view name) {
  return percent_encode(name, "/ ");
}

caf::expected<manifest_writer> manifest_writer::create(int directory) {
  descriptor file{openat(directory, manifest_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file)
    return fail(errc::storage_failed, std::string{"cannot make the backup's manifest: "} + std::strerror(errno));
  return manifest_writer{std::move(file)};
}

void manifest_writer::add(const manifest_line& line) {
  auto text = text_of(line) + "\n";
  hash_.add(text);
  ++lines_;
  put(text);
  if (waiting_.size() >= written_at_once)
    put({});
}

// Without a text: what waits is written.
void manifest_writer::put(const std::string& text) {
  waiting_ += text;
  if (!text.empty())
    return;
  std::string_view rest = waiting_;
  while (!rest.empty() && problem_ == 0) {
    auto n = ::write(file_.get(), rest.data(), rest.size());
    if (n > 0)
      rest.remove_prefix(static_cast<size_t>(n));
    else if (errno != EINTR)
      problem_ = errno;
  }
  waiting_.clear();
}

caf::error manifest_writer::finish() {
  put(dump_json({{"end", lines_}, {"sha256", hash_.digits()}}) + "\n");
  put({});
  if (problem_ != 0)
    return fail(errc::storage_failed, std::string{"cannot write the backup's manifest: "} + std::strerror(problem_));
  return caf::none;
}

caf::expected<manifest_reader> manifest_reader::open(const std::filesystem::path& backup) {
  manifest_reader reader;
  reader.path_ = backup.string();
  auto path = backup / manifest_name;
  reader.file_.open(path, std::ios::binary);
  if (!reader.file_)
    return damaged(reader.path_, std::string{"has no manifest: "} + std::strerror(errno));
  sha256 hash;
  uint64_t lines = 0;
  std::string line, first;
  std::optional<json> end;
  while (!end && read_line(reader.file_, line)) {
    if (line.starts_with(R"({"end":)")) {
      end = parse_json(line, 2);
      break;
    }
    hash.add(line + "\n");
    if (++lines == 1)
      first = line;
  }
  auto head = parse_json(first, 2);
  if (head && head->is_object() && head->value("varro_backup", json{}).is_number_integer()
      && (*head)["varro_backup"].get<int64_t>() > manifest_format)
    return damaged(reader.path_, "was made by a newer Varro, in a way that this one does not read; use that one");
  if (!end)
    return damaged(reader.path_, "is not whole: its manifest has no end");
  auto told = line_of(first);
  if (*end != json{{"end", lines}, {"sha256", hash.digits()}} || !told || !std::holds_alternative<manifest_head>(*told))
    return damaged(reader.path_, "is damaged: its manifest is not as it was written");
  reader.head_ = std::get<manifest_head>(*told);
  reader.lines_left_ = lines - 1;
  reader.file_.clear();
  reader.file_.seekg(0);
  read_line(reader.file_, line);
  return reader;
}

caf::expected<std::optional<manifest_line>> manifest_reader::next() {
  if (lines_left_ == 0)
    return std::optional<manifest_line>{};
  --lines_left_;
  std::string text;
  auto line = read_line(file_, text) ? line_of(text) : std::nullopt;
  if (!line)
    return damaged(path_, "has a manifest with a line that cannot be read");
  return line;
}

} // namespace varro
