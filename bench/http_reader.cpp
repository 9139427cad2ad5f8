#include "bench/http_reader.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace varro::bench {

namespace {

constexpr size_t head_bytes_max = 64u << 10;
constexpr uint64_t body_bytes_max = 256u << 20;

bool number(std::string_view text, int base, uint64_t& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size() && value <= body_bytes_max;
}

std::string word(const std::string& text, int index) {
  size_t at = 0;
  for (; index > 0; --index) {
    at = text.find(' ', at);
    if (at == std::string::npos)
      return {};
    ++at;
  }
  return text.substr(at, text.find(' ', at) - at);
}

} // namespace

std::string_view http_head::header(std::string_view name) const {
  for (auto& [key, value] : headers)
    if (key == name)
      return value;
  return {};
}

bool http_head::has(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(), [&](auto& entry) { return entry.first == name; });
}

void http_reader::feed(std::string_view bytes) {
  buffer_.append(bytes);
  advance();
}

void http_reader::end() {
  if (state_ == state::body && framing_ == framing::until_end)
    state_ = state::complete;
  else if (state_ != state::complete)
    state_ = state::failed;
}

void http_reader::next() {
  state_ = state::head;
  head_ = {};
  body_.clear();
  advance();
}

void http_reader::advance() {
  while ((state_ == state::head && take_head()) || (state_ == state::body && take_body())) {
  }
}

bool http_reader::take_head() {
  auto end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (buffer_.size() > head_bytes_max)
      state_ = state::failed;
    return false;
  }
  std::string_view head{buffer_.data(), end};
  auto first = head.find("\r\n");
  head_.start_line = head.substr(0, first);
  while (first != std::string_view::npos) {
    head.remove_prefix(first + 2);
    first = head.find("\r\n");
    auto one = head.substr(0, first);
    if (auto colon = one.find(':'); colon != std::string_view::npos)
      head_.headers.emplace_back(ascii_lower(one.substr(0, colon)), trim(one.substr(colon + 1), " \t\r"));
  }
  buffer_.erase(0, end + 4);
  if (kind_ == kind::response && status() < 200 && status() >= 100) { // an interim response: the real one follows
    head_ = {};
    return true;
  }
  state_ = state::body;
  left_ = 0;
  bool bodyless = kind_ == kind::response && (status() == 204 || status() == 304);
  if (ascii_lower(head_.header("transfer-encoding")).find("chunked") != std::string::npos)
    framing_ = framing::chunk_size;
  else if (head_.has("content-length") || kind_ == kind::request || bodyless)
    framing_ = framing::length;
  else
    framing_ = framing::until_end;
  if (framing_ == framing::length && head_.has("content-length") && !number(head_.header("content-length"), 10, left_))
    state_ = state::failed;
  return state_ == state::body;
}

bool http_reader::line(std::string& out) {
  auto end = buffer_.find("\r\n");
  if (end == std::string::npos)
    return false;
  out = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return true;
}

bool http_reader::take_chunk_size() {
  std::string text;
  if (!line(text))
    return false;
  if (!number(trim(std::string_view{text}.substr(0, text.find(';')), " \t\r"), 16, left_)) {
    state_ = state::failed;
    return false;
  }
  framing_ = left_ == 0 ? framing::trailers : framing::chunk_data;
  return true;
}

bool http_reader::take_body() {
  std::string text;
  switch (framing_) {
  case framing::until_end:
    body_ += buffer_;
    buffer_.clear();
    return false;
  case framing::length:
  case framing::chunk_data: {
    auto take = std::min<uint64_t>(left_, buffer_.size());
    body_.append(buffer_, 0, take);
    buffer_.erase(0, take);
    left_ -= take;
    if (left_ > 0)
      return false;
    if (framing_ == framing::length)
      state_ = state::complete;
    framing_ = framing::chunk_end;
    return true;
  }
  case framing::chunk_size:
    return take_chunk_size();
  case framing::chunk_end:
    if (!line(text))
      return false;
    framing_ = framing::chunk_size;
    return true;
  case framing::trailers:
    if (!line(text))
      return false;
    if (text.empty())
      state_ = state::complete;
    return true;
  }
  return false;
}

std::string http_reader::method() const {
  return word(head_.start_line, 0);
}

std::string http_reader::target() const {
  return word(head_.start_line, 1);
}

int http_reader::status() const {
  uint64_t value = 0;
  return number(word(head_.start_line, 1), 10, value) ? static_cast<int>(value) : 0;
}

bool http_reader::keeps_alive() const {
  return state_ == state::complete && framing_ != framing::until_end
    && ascii_lower(head_.header("connection")).find("close") == std::string::npos;
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

std::string form_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      result += static_cast<char>(c);
    } else {
      result += '%';
      result += digits[c >> 4];
      result += digits[c & 15];
    }
  }
  return result;
}

} // namespace varro::bench
