#include "base/log.hpp"

#include "base/clock.hpp"
#include "base/json.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <optional>

namespace varro {

namespace {

constexpr std::array<std::string_view, 4> level_names{"error", "warning", "info", "debug"};
constexpr std::array<std::string_view, 3> format_names{"text", "logfmt", "json"};
std::atomic<log_level> threshold{log_level::info};
std::atomic<log_format> form{log_format::text};
thread_local std::optional<log_about> scope;

std::string_view name_of(log_level level) {
  return level_names[static_cast<size_t>(level)];
}

// RFC 3339, in UTC with milliseconds.
std::string time_text(int64_t at) {
  constexpr int64_t micros = 1'000'000;
  const std::time_t seconds = at / micros;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(at % micros / 1'000));
  return std::string{text.data(), length} + fraction.data();
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Blanks in place of DEL and of the C1 controls (U+0080 to U+009F), which JSON lets through and a terminal may obey.
std::string without_terminal_controls(std::string_view text) {
  std::string result{text};
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] == 0x7f)
      result[i] = ' ';
    const auto next = i + 1 < result.size() ? static_cast<unsigned char>(result[i + 1]) : 0;
    if (static_cast<unsigned char>(result[i]) == 0xc2 && next >= 0x80 && next < 0xa0)
      result[i] = result[i + 1] = ' ';
  }
  return result;
}

// What came from others cannot begin a line of its own.
std::string on_one_line(std::string_view text) {
  auto result = without_terminal_controls(text);
  for (auto& c : result)
    if (is_control(c))
      c = ' ';
  return result;
}

std::string as_value(std::string_view value) {
  const auto shown = without_terminal_controls(value);
  bool plain = !shown.empty();
  for (char c : shown)
    plain = plain && c != ' ' && c != '"' && c != '=' && c != '\\' && !is_control(c);
  return plain ? shown : dump_json(json(shown));
}

using fields = std::vector<std::pair<std::string_view, json>>;

fields fields_of(const log_about& about) {
  fields all;
  if (!about.request.empty())
    all.emplace_back("request", json(about.request));
  for (auto [name, id] : {std::pair{"user", about.user}, std::pair{"chat", about.chat}, std::pair{"run", about.run}})
    if (id != 0)
      all.emplace_back(name, json(id));
  for (const auto& [name, value] : about.more)
    all.emplace_back(name, json(value));
  return all;
}

void append(std::string& line, const fields& all) {
  for (const auto& [name, value] : all) {
    line.append(" ").append(name).append("=");
    line += value.is_string() ? as_value(value.get_ref<const std::string&>()) : value.dump();
  }
}

log_about with_scope(log_about about) {
  if (!scope)
    return about;
  if (about.request.empty())
    about.request = scope->request;
  about.user = about.user == 0 ? scope->user : about.user;
  about.chat = about.chat == 0 ? scope->chat : about.chat;
  return about;
}

} // namespace

void set_log_level(std::string_view name) {
  for (size_t i = 0; i < level_names.size(); ++i)
    if (level_names[i] == name)
      threshold = static_cast<log_level>(i);
}

void set_log_format(std::string_view name) {
  for (size_t i = 0; i < format_names.size(); ++i)
    if (format_names[i] == name)
      form = static_cast<log_format>(i);
}

std::string log_line(log_format format, log_level level, std::string_view text, const log_about& about, int64_t at) {
  const auto all = fields_of(about);
  if (format == log_format::json) {
    json line{{"time", time_text(at)}, {"level", name_of(level)}, {"msg", text}};
    for (const auto& [name, value] : all)
      line[std::string{name}] = value;
    return dump_json(line);
  }
  std::string line;
  if (format == log_format::text)
    line.append("varro: ").append(name_of(level)).append(": ").append(on_one_line(text));
  else
    line.append("time=")
      .append(time_text(at))
      .append(" level=")
      .append(name_of(level))
      .append(" msg=")
      .append(as_value(text));
  append(line, all);
  return line;
}

void log(log_level level, std::string_view text, const log_about& about) {
  if (level > threshold.load())
    return;
  auto line = log_line(form.load(), level, text, with_scope(about), now_us()) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr); // one call, so that lines of threads do not mix
}

log_scope::log_scope(std::string request) {
  scope.emplace();
  scope->request = std::move(request);
}

log_scope::~log_scope() {
  scope.reset();
}

void log_scope::note_user(int64_t user) {
  if (scope)
    scope->user = user;
}

void log_scope::note_chat(int64_t chat) {
  if (scope)
    scope->chat = chat;
}

} // namespace varro
