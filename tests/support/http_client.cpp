#include "tests/support/http_client.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace varro::test {

namespace {

constexpr int patience_ms = 20'000;

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

} // namespace

std::string http_answer::field(std::string_view name) const {
  auto lines = lower(head);
  auto at = lines.find("\r\n" + lower(name) + ":");
  if (at == std::string::npos)
    return {};
  auto start = head.find(':', at) + 1;
  auto value = head.substr(start, head.find("\r\n", start) - start);
  auto first = value.find_first_not_of(' ');
  return first == std::string::npos ? "" : value.substr(first);
}

raw_client::raw_client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
}

raw_client::raw_client(int connected_fd) : fd_(connected_fd) {}

raw_client::raw_client(raw_client&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

raw_client::~raw_client() {
  if (fd_ >= 0)
    ::close(fd_);
}

void raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0)
      throw std::runtime_error("the server hung up while a request was sent");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void raw_client::send_if_open(std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void raw_client::shut_down_sending() {
  ::shutdown(fd_, SHUT_WR);
}

bool raw_client::receive() {
  pollfd entry{fd_, POLLIN, 0};
  if (::poll(&entry, 1, patience_ms) <= 0)
    throw std::runtime_error("nothing came from the server; so far: " + buffer_.substr(0, 500));
  char bytes[16384];
  auto n = ::recv(fd_, bytes, sizeof bytes, 0);
  if (n <= 0)
    return false;
  buffer_.append(bytes, static_cast<size_t>(n));
  return true;
}

http_answer raw_client::read_answer(bool head_only) {
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!receive())
      return {};
  http_answer result;
  result.head = buffer_.substr(0, end + 2);
  result.status = std::stoi(result.head.substr(9, 3));
  buffer_.erase(0, end + 4);
  auto length = head_only || result.field("Content-Length").empty() ? 0 : std::stoull(result.field("Content-Length"));
  while (buffer_.size() < length)
    if (!receive())
      break;
  result.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return result;
}

std::string raw_client::read_all() {
  while (receive())
    continue;
  return std::exchange(buffer_, {});
}

std::string raw_client::read_until(std::string_view text) {
  size_t at = 0;
  while ((at = buffer_.find(text)) == std::string::npos)
    if (!receive())
      throw std::runtime_error("the stream ended before: " + std::string{text} + "; got: " + buffer_.substr(0, 500));
  auto result = buffer_.substr(0, at + text.size());
  buffer_.erase(0, at + text.size());
  return result;
}

bool raw_client::is_closed() {
  while (receive())
    continue;
  return true;
}

std::string request_text(std::string_view method, std::string_view target, const std::vector<std::string>& fields,
                         std::string_view body) {
  std::string result = std::string{method} + " " + std::string{target} + " HTTP/1.1\r\n";
  auto has_host
    = std::any_of(fields.begin(), fields.end(), [](const auto& line) { return lower(line).starts_with("host:"); });
  if (!has_host)
    result += "Host: 127.0.0.1\r\n";
  for (const auto& line : fields)
    result += line + "\r\n";
  if (!body.empty() || method == "POST" || method == "PATCH")
    result += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return result + "\r\n" + std::string{body};
}

http_answer ask(uint16_t port, std::string_view method, std::string_view target, const std::vector<std::string>& fields,
                std::string_view body) {
  raw_client client{port};
  client.send(request_text(method, target, fields, body));
  return client.read_answer(method == "HEAD");
}

} // namespace varro::test
