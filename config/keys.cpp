#include "config/keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

namespace varro {

namespace {

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

constexpr std::array auth_mode_names{"local", "accounts", "proxy", "oidc"};

template <class T>
concept integer_like
  = std::same_as<T, int> || std::same_as<T, uint16_t> || std::same_as<T, int64_t> || std::same_as<T, size_t>;
template <class T>
concept duration_like = requires(T x) { x.count(); };

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= text.size();) {
    auto end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string range(const key_rule& rule) {
  return " from " + std::to_string(rule.min) + " to " + std::to_string(rule.max);
}

std::string in_quotes(std::string_view text) {
  constexpr size_t shown_bytes_max = 100;
  std::string result = "\"";
  for (auto c : text.substr(0, shown_bytes_max))
    result += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return result + (text.size() > shown_bytes_max ? "…\"" : "\"");
}

std::string described(const written_value& value) {
  return std::visit(overloaded{[](bool x) { return std::string{x ? "true" : "false"}; },
                               [](int64_t x) { return std::to_string(x); },
                               [](double x) { return nlohmann::json(x).dump(); },
                               [](const std::string& x) { return "the text " + in_quotes(x); },
                               [](const std::vector<std::string>&) { return std::string{"a list"}; }},
                    value);
}

// A text that ends up in headers, logs and pages is free of control characters; only instructions have lines.
bool has_controls_beside_blanks(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
  });
}

bool within(const key_rule& rule, size_t size) {
  return size >= static_cast<size_t>(rule.min) && size <= static_cast<size_t>(rule.max);
}

bool is_choice(const key_rule& rule, std::string_view text) {
  auto choices = split(rule.choices, '|');
  return std::find(choices.begin(), choices.end(), text) != choices.end();
}

// Each overload stores a value that is allowed and returns false for one that is not.

bool store(const key_rule&, bool& target, const written_value& value) {
  auto written = std::get_if<bool>(&value);
  if (written)
    target = *written;
  return written != nullptr;
}

template <integer_like T>
bool store(const key_rule& rule, T& target, const written_value& value) {
  auto written = std::get_if<int64_t>(&value);
  if (!written || *written < rule.min || *written > rule.max)
    return false;
  target = static_cast<T>(*written);
  return true;
}

template <duration_like T>
bool store(const key_rule& rule, T& target, const written_value& value) {
  int64_t count = 0;
  if (!store(rule, count, value))
    return false;
  target = T{count};
  return true;
}

bool store(const key_rule& rule, std::optional<double>& target, const written_value& value) {
  auto whole = std::get_if<int64_t>(&value);
  auto real = std::get_if<double>(&value);
  if (!whole && !real)
    return false;
  auto number = whole ? static_cast<double>(*whole) : *real;
  if (!(number >= static_cast<double>(rule.min) && number <= static_cast<double>(rule.max)))
    return false;
  target = number;
  return true;
}

bool store(const key_rule& rule, std::optional<int64_t>& target, const written_value& value) {
  int64_t number = 0;
  if (!store(rule, number, value))
    return false;
  target = number;
  return true;
}

bool store(const key_rule& rule, std::string& target, const written_value& value) {
  auto written = std::get_if<std::string>(&value);
  if (!written || has_controls_beside_blanks(*written))
    return false;
  if (rule.choices.empty() ? !within(rule, written->size()) : !is_choice(rule, *written))
    return false;
  target = *written;
  return true;
}

bool store(const key_rule& rule, std::filesystem::path& target, const written_value& value) {
  std::string text;
  if (!store(rule, text, value))
    return false;
  target = text;
  return true;
}

bool store(const key_rule& rule, auth_mode& target, const written_value& value) {
  std::string text;
  if (!store(rule, text, value))
    return false;
  auto name = std::find(auth_mode_names.begin(), auth_mode_names.end(), text);
  target = static_cast<auth_mode>(name - auth_mode_names.begin());
  return true;
}

// Nesting is bounded by the size of the text, which is small.
bool store(const key_rule& rule, json_object_text& target, const written_value& value) {
  auto written = std::get_if<std::string>(&value);
  if (!written || !within(rule, written->size()) || !nlohmann::json::parse(*written, nullptr, false).is_object())
    return false;
  target.text = *written;
  return true;
}

bool store(const key_rule& rule, std::vector<std::string>& target, const written_value& value) {
  auto written = std::get_if<std::vector<std::string>>(&value);
  if (!written || !within(rule, written->size()))
    return false;
  constexpr size_t entry_bytes_max = 255;
  for (const auto& entry : *written)
    if (entry.empty() || entry.size() > entry_bytes_max || has_controls_beside_blanks(entry))
      return false;
  target = *written;
  return true;
}

bool store(const key_rule& rule, std::optional<std::vector<std::string>>& target, const written_value& value) {
  std::vector<std::string> entries;
  if (!store(rule, entries, value))
    return false;
  target = std::move(entries);
  return true;
}

// The written form that an environment variable stands for, by the type of its key; a text that is not of that type
// stays a text, and is then refused with the same words as in a file.
written_value written_as(const setting& target, std::string_view text) {
  auto as_integer = [text]() -> written_value {
    int64_t number = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc{} && end == text.data() + text.size() ? written_value{number}
                                                                      : written_value{std::string{text}};
  };
  auto as_number = [&]() -> written_value {
    double number = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    return problem == std::errc{} && end == text.data() + text.size() ? written_value{number}
                                                                      : written_value{std::string{text}};
  };
  auto as_list = [text] {
    std::vector<std::string> entries;
    if (!text.empty())
      for (auto entry : split(text, ','))
        entries.emplace_back(entry);
    return written_value{entries};
  };
  return std::visit(overloaded{[&](bool*) {
                                 return text == "true" ? written_value{true}
                                   : text == "false"   ? written_value{false}
                                                       : written_value{std::string{text}};
                               },
                               [&](std::string*) { return written_value{std::string{text}}; },
                               [&](std::filesystem::path*) { return written_value{std::string{text}}; },
                               [&](auth_mode*) { return written_value{std::string{text}}; },
                               [&](json_object_text*) { return written_value{std::string{text}}; },
                               [&](std::vector<std::string>*) { return as_list(); },
                               [&](std::optional<std::vector<std::string>>*) { return as_list(); },
                               [&](std::optional<double>*) { return as_number(); },
                               [&](auto*) { return as_integer(); }},
                    target);
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

} // namespace

std::string environment_name(std::string_view path) {
  std::string name = "VARRO_";
  for (auto c : path)
    name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::string allowed_values(const key_rule& rule, const setting& target) {
  auto text_of_list = [&] { return "a list of at most " + std::to_string(rule.max) + " texts of 1 to 255 bytes each"; };
  if (!rule.choices.empty()) {
    std::string text = "one of";
    for (auto choice : split(rule.choices, '|'))
      text.append(text == "one of" ? ": " : ", ").append(choice);
    return text;
  }
  auto text_of_bytes = [&] { return "a text of" + range(rule).substr(5) + " bytes without control characters"; };
  return std::visit(
    overloaded{[&](bool*) { return std::string{"true or false"}; },
               [&](std::chrono::hours*) { return "an integer" + range(rule) + " (hours)"; },
               [&](std::chrono::minutes*) { return "an integer" + range(rule) + " (minutes)"; },
               [&](std::chrono::seconds*) { return "an integer" + range(rule) + " (seconds)"; },
               [&](std::chrono::milliseconds*) { return "an integer" + range(rule) + " (milliseconds)"; },
               [&](std::optional<double>*) { return "a number" + range(rule); },
               [&](std::string*) { return text_of_bytes(); }, [&](std::filesystem::path*) { return text_of_bytes(); },
               [&](std::vector<std::string>*) { return text_of_list(); },
               [&](std::optional<std::vector<std::string>>*) { return text_of_list(); },
               [&](json_object_text*) { return "a table, or the text of a JSON object," + range(rule) + " bytes"; },
               [&](auth_mode*) { return std::string{}; }, [&](auto*) { return "an integer" + range(rule); }},
    target);
}

caf::error assign(const key_rule& rule, const setting& target, const written_value& value) {
  if (!rule.refused.empty())
    return fail(errc::config_invalid, std::string{rule.refused});
  if (std::visit([&](auto* member) { return store(rule, *member, value); }, target))
    return caf::none;
  return fail(errc::config_invalid, "expected " + allowed_values(rule, target) + ", got " + described(value));
}

caf::error assign_text(const key_rule& rule, const setting& target, std::string_view text) {
  return assign(rule, target, written_as(target, text));
}

std::string to_toml(const setting& value) {
  auto text = [](const std::string& x) {
    return nlohmann::json(x).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  return std::visit(
    overloaded{[&](std::string* x) { return text(*x); }, [&](std::filesystem::path* x) { return text(x->string()); },
               [](bool* x) { return std::string{*x ? "true" : "false"}; }, [](json_object_text* x) { return x->text; },
               [&](auth_mode* x) { return text(auth_mode_names[static_cast<size_t>(*x)]); },
               [](std::optional<double>* x) { return *x ? nlohmann::json(**x).dump() : std::string{"0"}; },
               [](std::optional<int64_t>* x) { return std::to_string(x->value_or(0)); },
               [](std::vector<std::string>* x) { return nlohmann::json(*x).dump(); },
               [](std::optional<std::vector<std::string>>* x) {
                 return nlohmann::json(x->value_or(std::vector<std::string>{})).dump();
               },
               []<duration_like T>(T* x) { return std::to_string(x->count()); },
               []<integer_like T>(T* x) { return std::to_string(*x); }},
    value);
}

int64_t magnitude(const setting& value) {
  return std::visit(overloaded{[]<duration_like T>(T* x) { return static_cast<int64_t>(x->count()); },
                               []<integer_like T>(T* x) { return static_cast<int64_t>(*x); },
                               [](std::optional<int64_t>* x) { return x->value_or(0); },
                               [](std::optional<double>* x) { return static_cast<int64_t>(x->value_or(0)); },
                               [](auto*) { return int64_t{0}; }},
                    value);
}

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  constexpr size_t name_bytes_max = 100; // the distance is quadratic, and no key is so long
  if (name.size() > name_bytes_max)
    return "";
  std::string nearest;
  auto least = std::max<size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    auto distance = edit_distance(name, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

} // namespace varro
