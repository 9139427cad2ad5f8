#include "http/request_parser.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

constexpr size_t chunk_line_bytes_max = 256; // size and extensions

// A byte that no line of a head may hold; HT is allowed in values.
bool is_forbidden(char c) {
  auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

bool list_contains(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    auto comma = list.find(',');
    if (ascii_lower(trim(list.substr(0, comma), " \t")) == token)
      return true;
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  return false;
}

} // namespace

std::string_view received_request::header(std::string_view name) const {
  for (const auto& field : headers)
    if (field.name == name)
      return field.value;
  return {};
}

bool received_request::has_header(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& field) { return field.name == name; });
}

std::string_view received_request::path() const {
  return std::string_view{target}.substr(0, target.find('?'));
}

std::string_view received_request::query() const {
  auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view{target}.substr(mark + 1);
}

request_parser::state request_parser::refuse(int status, std::string reason) {
  status_ = status;
  reason_ = std::move(reason);
  refused_target_ = std::move(request_.target);
  request_ = {};
  return state_ = state::refused;
}

request_parser::state request_parser::feed(std::string& input) {
  if (state_ == state::complete || state_ == state::refused)
    return state_;
  if (stage_ == stage::head && feed_head(input) != state::body)
    return state_;
  return stage_ == stage::fixed ? feed_fixed(input) : feed_chunks(input);
}

// Before the head was parsed: what it asks for stands in its first line all the same.
request_parser::state request_parser::refuse_head(std::string_view input, int status, std::string reason) {
  const auto line = input.substr(0, std::min(input.find('\r'), limits_.head_bytes_max));
  const auto begin = line.find(' ');
  if (begin != std::string_view::npos)
    request_.target = line.substr(begin + 1, line.find(' ', begin + 1) - begin - 1);
  return refuse(status, std::move(reason));
}

request_parser::state request_parser::feed_head(std::string& input) {
  // An empty line before a request is tolerated (RFC 9112 2.2): old clients send one after a body.
  if (scanned_ == 0 && input.compare(0, 2, "\r\n") == 0)
    input.erase(0, 2);
  for (; scanned_ < input.size(); ++scanned_) {
    if (scanned_ >= limits_.head_bytes_max)
      return refuse_head(input, 431,
                         "The request's head is larger than " + std::to_string(limits_.head_bytes_max) + " bytes.");
    char c = input[scanned_];
    if (c == '\r') {
      if (scanned_ + 1 == input.size())
        return state_; // looked at again with its successor
      if (input[scanned_ + 1] != '\n')
        return refuse_head(input, 400, "The request's head has a CR without LF.");
    } else if (c == '\n') {
      if (scanned_ == 0 || input[scanned_ - 1] != '\r')
        return refuse_head(input, 400, "The request's head has a line that does not end in CR LF.");
      if (scanned_ >= 3 && input[scanned_ - 3] == '\r' && input[scanned_ - 2] == '\n') {
        auto size = scanned_ + 1;
        if (!parse_head(std::string_view{input}.substr(0, size - 2)))
          return state_;
        input.erase(0, size);
        scanned_ = 0;
        return state_ = state::body;
      }
    } else if (is_forbidden(c)) {
      return refuse_head(input, 400, "The request's head has a control character.");
    }
  }
  return state_;
}

bool request_parser::parse_head(std::string_view head) {
  bool first = true;
  while (!head.empty()) {
    auto end = head.find("\r\n");
    auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (!(first ? parse_request_line(line) : parse_field(line)))
      return false;
    first = false;
  }
  return check_fields();
}

bool request_parser::parse_request_line(std::string_view line) {
  auto bad = [this](std::string reason) { return refuse(400, std::move(reason)) != state::refused; };
  auto a = line.find(' ');
  auto b = line.rfind(' ');
  if (a == std::string_view::npos || a == b)
    return bad("The request line is not METHOD TARGET VERSION.");
  auto method = line.substr(0, a);
  auto target = line.substr(a + 1, b - a - 1);
  auto version = line.substr(b + 1);
  request_.target = target; // what is refused below is known by it
  if (!is_http_token(method) || method.size() > 32)
    return bad("The request's method is not a token.");
  if (target.empty() || target[0] != '/' || target.find_first_of(" \t#\\") != std::string_view::npos)
    return bad("The request's target is not a path.");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (version.size() == 8 && version.substr(0, 5) == "HTTP/")
      return refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.") != state::refused;
    return bad("The request's version is malformed.");
  }
  request_.method = method;
  request_.version_minor = version.back() - '0';
  return true;
}

bool request_parser::parse_field(std::string_view line) {
  auto bad = [this](std::string reason) { return refuse(400, std::move(reason)) != state::refused; };
  if (request_.headers.size() >= limits_.fields_max)
    return refuse(431, "The request has more than " + std::to_string(limits_.fields_max) + " header fields.")
      != state::refused;
  if (line[0] == ' ' || line[0] == '\t')
    return bad("The request has a folded header line.");
  auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_http_token(line.substr(0, colon)))
    return bad("The request has a malformed header line.");
  request_.headers.push_back({ascii_lower(line.substr(0, colon)), std::string{trim(line.substr(colon + 1), " \t")}});
  return true;
}

bool request_parser::check_fields() {
  auto bad = [this](int status, std::string reason) { return refuse(status, std::move(reason)) != state::refused; };
  auto count = [this](std::string_view name) {
    return std::count_if(request_.headers.begin(), request_.headers.end(),
                         [&](const auto& field) { return field.name == name; });
  };
  if (count("host") > 1 || (count("host") == 0 && request_.version_minor == 1))
    return bad(400, "The request must have exactly one Host field.");
  if (count("content-length") > 1 || count("transfer-encoding") > 1)
    return bad(400, "The request gives its length twice.");
  auto connection = request_.header("connection");
  request_.keep_alive
    = request_.version_minor == 1 ? !list_contains(connection, "close") : list_contains(connection, "keep-alive");
  stage_ = stage::fixed;
  remaining_ = 0;
  if (request_.has_header("transfer-encoding")) {
    if (request_.has_header("content-length") || request_.version_minor == 0)
      return bad(400, "The request's length is ambiguous.");
    if (ascii_lower(request_.header("transfer-encoding")) != "chunked")
      return bad(501, "The only transfer coding understood here is chunked.");
    stage_ = stage::chunk_size;
  } else if (request_.has_header("content-length")) {
    auto text = request_.header("content-length");
    if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string_view::npos)
      return bad(400, "The request's Content-Length is not a number.");
    remaining_ = std::stoull(std::string{text});
    if (remaining_ > limits_.body_bytes_max)
      return bad(413, "The request is larger than " + std::to_string(limits_.body_bytes_max) + " bytes.");
  }
  if (request_.has_header("expect") && request_.version_minor == 1) {
    if (ascii_lower(request_.header("expect")) != "100-continue")
      return bad(417, "The only expectation understood here is 100-continue.");
    wants_continue_ = request_.expects_continue = stage_ != stage::fixed || remaining_ > 0;
  }
  return true;
}

request_parser::state request_parser::feed_fixed(std::string& input) {
  auto n = std::min(remaining_, input.size());
  if (n > 0)
    wants_continue_ = false;
  if (n == input.size() && request_.body.empty())
    request_.body.swap(input);
  else
    request_.body.append(input, 0, n);
  input.erase(0, n);
  remaining_ -= n;
  return state_ = remaining_ == 0 ? state::complete : state::body;
}

bool request_parser::parse_chunk_size(std::string_view line) {
  auto digits = trim(line.substr(0, line.find(';')), " \t");
  size_t size = 0;
  if (digits.empty() || digits.size() > 12)
    return false;
  for (char c : digits) {
    auto value = std::string_view{"0123456789abcdef"}.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
    if (value == std::string_view::npos)
      return false;
    size = size * 16 + value;
  }
  remaining_ = size;
  return true;
}

request_parser::state request_parser::feed_chunks(std::string& input) {
  size_t used = 0;
  auto leave = [&](state next) {
    input.erase(0, used);
    return state_ = next;
  };
  auto next_line = [&]() -> std::optional<std::string_view> {
    auto end = input.find("\r\n", used);
    if (end == std::string::npos)
      return std::nullopt;
    auto line = std::string_view{input}.substr(used, end - used);
    used = end + 2;
    return line;
  };
  for (;;) {
    if (used < input.size())
      wants_continue_ = false;
    switch (stage_) {
    case stage::chunk_size: {
      auto line = next_line();
      if (!line && input.size() - used <= chunk_line_bytes_max)
        return leave(state::body);
      if (!line || line->size() > chunk_line_bytes_max || std::any_of(line->begin(), line->end(), is_forbidden)
          || !parse_chunk_size(*line))
        return refuse(400, "The request's body has a malformed chunk.");
      if (remaining_ > limits_.body_bytes_max || request_.body.size() + remaining_ > limits_.body_bytes_max)
        return refuse(413, "The request is larger than " + std::to_string(limits_.body_bytes_max) + " bytes.");
      stage_ = remaining_ == 0 ? stage::trailers : stage::chunk_data;
      break;
    }
    case stage::chunk_data: {
      auto n = std::min(remaining_, input.size() - used);
      request_.body.append(input, used, n);
      used += n;
      remaining_ -= n;
      if (remaining_ > 0)
        return leave(state::body);
      stage_ = stage::chunk_end;
      break;
    }
    case stage::chunk_end:
      if (input.size() - used < 2)
        return leave(state::body);
      if (input.compare(used, 2, "\r\n") != 0)
        return refuse(400, "The request's body has a malformed chunk.");
      used += 2;
      stage_ = stage::chunk_size;
      break;
    default: { // trailers: read and forgotten
      auto line = next_line();
      trailer_bytes_ += line ? line->size() + 2 : 0;
      if (trailer_bytes_ > limits_.head_bytes_max || (!line && input.size() - used > limits_.head_bytes_max))
        return refuse(431, "The request's trailers are too large.");
      if (!line)
        return leave(state::body);
      if (std::any_of(line->begin(), line->end(), is_forbidden))
        return refuse(400, "The request's trailers have a control character.");
      if (line->empty())
        return leave(state::complete);
    }
    }
  }
}

bool request_parser::take_continue() {
  return std::exchange(wants_continue_, false);
}

received_request request_parser::take() {
  auto result = std::move(request_);
  *this = request_parser{limits_};
  return result;
}

} // namespace varro
