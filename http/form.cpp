#include "http/form.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace varro {

namespace {

constexpr size_t parts_max = 1'000;
constexpr size_t part_head_bytes_max = 8u << 10;
constexpr size_t boundary_bytes_max = 70; // RFC 2046

const std::string nothing;

// The value of `name` in "form-data; name=\"a\"; filename=\"b\"".
std::optional<std::string> parameter(std::string_view line, std::string_view name) {
  size_t at = line.find(';');
  while (at != std::string_view::npos && at < line.size()) {
    ++at;
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t'))
      ++at;
    auto equals = line.find('=', at);
    if (equals == std::string_view::npos)
      return std::nullopt;
    auto key = ascii_lower(trim(line.substr(at, equals - at)));
    std::string value;
    at = equals + 1;
    if (at < line.size() && line[at] == '"') {
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        // Browsers escape only the quote, as %22; others write \" and \\.
        if (line[at] == '\\' && at + 1 < line.size() && (line[at + 1] == '"' || line[at + 1] == '\\'))
          ++at;
        value += line[at];
      }
      at = line.find(';', at);
    } else {
      auto end = std::min(line.find(';', at), line.size());
      value = trim(line.substr(at, end - at));
      at = end;
    }
    if (key == name)
      return value;
  }
  return std::nullopt;
}

caf::error malformed(const char* what) {
  return fail(errc::invalid_input, std::string{"The form is malformed: "} + what + ".");
}

// The head of one part: its lines up to the empty one.
struct part_head {
  std::string name;
  std::optional<std::string> filename;
};

std::optional<part_head> parse_part_head(std::string_view head) {
  while (!head.empty()) {
    auto end = head.find("\r\n");
    auto line = head.substr(0, end);
    head = end == std::string_view::npos ? std::string_view{} : head.substr(end + 2);
    auto colon = line.find(':');
    if (colon == std::string_view::npos)
      return std::nullopt;
    if (ascii_lower(line.substr(0, colon)) != "content-disposition")
      continue;
    auto value = line.substr(colon + 1);
    auto name = parameter(value, "name");
    if (!name || !is_utf8(*name))
      return std::nullopt;
    return part_head{*name, parameter(value, "filename")};
  }
  return std::nullopt;
}

caf::expected<form> parse_multipart(std::string_view body, std::string_view boundary) {
  form result;
  auto opening = "--" + std::string{boundary};
  auto delimiter = "\r\n" + opening;
  if (!body.starts_with(opening))
    return malformed("the first boundary is missing");
  body.remove_prefix(opening.size());
  for (size_t parts = 0;; ++parts) {
    if (body.starts_with("--"))
      return result;
    if (parts >= parts_max)
      return malformed("too many parts");
    auto head_end = body.substr(0, part_head_bytes_max).find("\r\n\r\n");
    if (!body.starts_with("\r\n") || head_end == std::string_view::npos)
      return malformed("a part has no head");
    auto head = parse_part_head(head_end == 0 ? std::string_view{} : body.substr(2, head_end - 2));
    if (!head)
      return malformed("a part has no name");
    // The head's last CR LF may be that of the boundary when the part is empty.
    auto start = head_end + 4;
    auto end = body.find(delimiter, start);
    if (body.substr(start).starts_with(opening))
      return malformed("a part is not closed");
    if (end == std::string_view::npos)
      return malformed("the last boundary is missing");
    auto bytes = body.substr(start, end - start);
    if (!head->filename)
      result.fields.emplace_back(std::move(head->name), bytes);
    else if (!head->filename->empty() || !bytes.empty())
      result.files.push_back({std::move(head->name), std::move(*head->filename), bytes});
    body.remove_prefix(end + delimiter.size());
  }
}

} // namespace

const std::string& form::get(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name)
      return value;
  return nothing;
}

bool form::has(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> result;
  while (!text.empty() && result.size() < parts_max) {
    auto end = text.find('&');
    auto pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty())
      continue;
    auto equals = std::min(pair.find('='), pair.size());
    auto name = pair.substr(0, equals);
    auto value = equals < pair.size() ? pair.substr(equals + 1) : std::string_view{};
    // A malformed escape stands for itself, as browsers and most servers read it.
    result.emplace_back(percent_decode(name, true).value_or(std::string{name}),
                        percent_decode(value, true).value_or(std::string{value}));
  }
  return result;
}

std::optional<std::string> query_value(const received_request& request, std::string_view name) {
  for (auto& [key, value] : parse_query(request.query()))
    if (key == name)
      return value;
  return std::nullopt;
}

caf::expected<form> parse_form(const received_request& request) {
  auto type = request.header("content-type");
  auto essence = ascii_lower(trim(type.substr(0, type.find(';'))));
  if (essence == "application/x-www-form-urlencoded" || (essence.empty() && request.body.empty())) {
    form result;
    result.fields = parse_query(request.body);
    return result;
  }
  if (essence != "multipart/form-data")
    return malformed("its Content-Type is neither application/x-www-form-urlencoded nor multipart/form-data");
  auto boundary = parameter(type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > boundary_bytes_max)
    return malformed("it names no boundary");
  return parse_multipart(request.body, *boundary);
}

std::string_view cookie(const received_request& request, std::string_view name) {
  for (const auto& field : request.headers) {
    if (field.name != "cookie")
      continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      auto end = rest.find(';');
      auto pair = trim(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
        return pair.substr(name.size() + 1);
    }
  }
  return {};
}

std::optional<int64_t> parse_number(std::string_view text) {
  int64_t value = 0;
  if (text.empty() || text[0] == '-')
    return std::nullopt;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

} // namespace varro
