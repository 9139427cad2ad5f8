#include "models/list_cache.hpp"

#include "base/utf8.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr int format = 1;
constexpr size_t lists_max = 1'000;
constexpr size_t words_max = 16;

constexpr std::array<std::pair<provider_kind, std::string_view>, 4> kinds = {{
  {provider_kind::anthropic, "anthropic"},
  {provider_kind::openai, "openai"},
  {provider_kind::openai_responses, "openai-responses"},
  {provider_kind::google, "google"},
}};
constexpr std::array<std::string_view, 3> stages = {"active", "deprecated", "retired"};

json written_model(const listed_model& model) {
  json out{{"name", model.name}};
  if (!model.label.empty())
    out["label"] = model.label;
  if (model.created_at > 0)
    out["created_at"] = model.created_at;
  if (model.context_tokens_max > 0)
    out["context_tokens_max"] = model.context_tokens_max;
  if (model.output_tokens_max > 0)
    out["output_tokens_max"] = model.output_tokens_max;
  if (model.vision)
    out["vision"] = *model.vision;
  if (model.tools)
    out["tools"] = *model.tools;
  if (model.lifecycle != listed_model::stage::active)
    out["lifecycle"] = stages[static_cast<size_t>(model.lifecycle)];
  if (!model.retires_on.empty())
    out["retires_on"] = model.retires_on;
  if (!model.thinking_types.empty())
    out["thinking_types"] = model.thinking_types;
  if (!model.efforts.empty())
    out["efforts"] = model.efforts;
  return out;
}

std::vector<std::string> words_member(const json& entry, std::string_view key) {
  std::vector<std::string> words;
  const auto& list = member(entry, key);
  if (list.is_array())
    for (const auto& word : list)
      if (word.is_string() && words.size() < words_max)
        words.push_back(word.get<std::string>());
  return words;
}

int64_t count_member(const json& entry, std::string_view key) {
  auto value = integer_member(entry, key).value_or(0);
  return value > 0 && value <= list_tokens_max ? value : 0;
}

std::optional<bool> bool_member(const json& entry, std::string_view key) {
  const auto& value = member(entry, key);
  return value.is_boolean() ? std::optional{value.get<bool>()} : std::nullopt;
}

listed_model read_model(const json& entry) {
  listed_model model;
  model.name = std::string{clip_utf8(text_member(entry, "name"), list_name_bytes_max)};
  model.label = std::string{clip_utf8(text_member(entry, "label"), list_name_bytes_max)};
  model.created_at = std::max<int64_t>(integer_member(entry, "created_at").value_or(0), 0);
  model.context_tokens_max = count_member(entry, "context_tokens_max");
  model.output_tokens_max = count_member(entry, "output_tokens_max");
  model.vision = bool_member(entry, "vision");
  model.tools = bool_member(entry, "tools");
  auto stage = std::find(stages.begin(), stages.end(), text_member(entry, "lifecycle"));
  if (stage != stages.end())
    model.lifecycle = static_cast<listed_model::stage>(stage - stages.begin());
  model.retires_on = date_of(text_member(entry, "retires_on"));
  model.thinking_types = words_member(entry, "thinking_types");
  model.efforts = words_member(entry, "efforts");
  return model;
}

caf::error problem(const std::filesystem::path& file, const std::string& what) {
  return fail(errc::storage_failed, file.string() + " " + what);
}

caf::error write_all(int fd, std::string_view bytes, const std::filesystem::path& file) {
  while (!bytes.empty()) {
    auto count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return problem(file, std::string{"cannot be written: "} + std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return ::fsync(fd) == 0 ? caf::none : problem(file, std::string{"cannot be written: "} + std::strerror(errno));
}

} // namespace

caf::expected<std::vector<cached_list>> read_list_cache(const std::filesystem::path& file) {
  std::vector<cached_list> lists;
  std::error_code status;
  if (!std::filesystem::exists(file, status))
    return lists;
  auto size = std::filesystem::is_regular_file(file, status) ? std::filesystem::file_size(file, status) : 0;
  if (status || size == 0 || size > list_cache_bytes_max)
    return problem(file, "is no list of models that was written here; it is written anew");
  std::string text(size, '\0');
  std::ifstream stream{file, std::ios::binary};
  stream.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  auto document = parse_vendor_json(text);
  if (!document || integer_member(*document, "format") != format || !member(*document, "lists").is_array())
    return problem(file, "is damaged or of another version; it is written anew");
  for (const auto& entry : member(*document, "lists")) {
    if (lists.size() == lists_max)
      break;
    cached_list list;
    list.provider = text_member(entry, "provider");
    list.base_url = text_member(entry, "base_url");
    list.fetched_at = integer_member(entry, "fetched_at").value_or(0);
    auto name = text_member(entry, "kind");
    auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& row) { return row.second == name; });
    const auto& models = member(entry, "models");
    if (kind == kinds.end() || !models.is_array())
      continue;
    list.kind = kind->first;
    for (const auto& model : models)
      if (list.models.size() < list_models_max && !text_member(model, "name").empty())
        list.models.push_back(read_model(model));
    lists.push_back(std::move(list));
  }
  return lists;
}

caf::error write_list_cache(const std::filesystem::path& file, const std::vector<cached_list>& lists) {
  json all = json::array();
  for (const auto& list : lists) {
    json models = json::array();
    for (const auto& model : list.models)
      models.push_back(written_model(model));
    auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& row) { return row.first == list.kind; });
    if (kind == kinds.end())
      continue;
    all.push_back({{"provider", list.provider},
                   {"kind", kind->second},
                   {"base_url", list.base_url},
                   {"fetched_at", list.fetched_at},
                   {"models", std::move(models)}});
  }
  auto text = dump_json({{"format", format}, {"lists", std::move(all)}}) + "\n";
  auto beside = file;
  beside += ".new";
  int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return problem(beside, std::string{"cannot be written: "} + std::strerror(errno));
  auto failed = write_all(fd, text, beside);
  ::close(fd);
  if (!failed && ::rename(beside.c_str(), file.c_str()) != 0)
    failed = problem(file, std::string{"cannot be replaced: "} + std::strerror(errno));
  if (failed)
    ::unlink(beside.c_str());
  return failed;
}

} // namespace varro
