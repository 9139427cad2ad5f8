#include "bench/http_client.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace varro::bench {

std::string answered(int status, const std::string& error) {
  return error.empty() ? "answered " + std::to_string(status) : error;
}

std::optional<server_address> parse_server_address(const std::string& url) {
  static constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme))
    return std::nullopt;
  auto rest = url.substr(scheme.size());
  while (rest.ends_with('/'))
    rest.pop_back();
  auto colon = rest.rfind(':');
  server_address address{rest.substr(0, colon), 80};
  if (colon == std::string::npos)
    return address;
  auto* end = rest.data() + rest.size();
  auto [at, error] = std::from_chars(rest.data() + colon + 1, end, address.port);
  if (error != std::errc{} || at != end || address.host.empty())
    return std::nullopt;
  return address;
}

void http_client::get(const std::string& target, on_end end, on_body body, const std::string& headers) {
  std::string accept = body ? "text/event-stream" : "*/*";
  start("GET " + target + " HTTP/1.1\r\nhost: " + server_.text() + "\r\naccept: " + accept + "\r\n" + headers,
        std::move(end), std::move(body));
}

void http_client::post_form(const std::string& target, const std::map<std::string, std::string>& fields, on_end end) {
  std::string form;
  for (auto& [name, value] : fields)
    form += (form.empty() ? "" : "&") + form_encoded(name) + "=" + form_encoded(value);
  post(target, "application/x-www-form-urlencoded", std::move(form), std::move(end));
}

void http_client::post_file(const std::string& target, const std::map<std::string, std::string>& fields,
                            const std::string& file_name, const std::string& content, on_end end) {
  // RFC 7578. Nothing that a virtual user sends holds the boundary.
  static const std::string boundary = "varro-load-0e1c2a8d6f4b";
  std::string form;
  auto begin = [&](const std::string& disposition) {
    form += "--" + boundary + "\r\ncontent-disposition: form-data; " + disposition + "\r\n\r\n";
  };
  for (auto& [name, value] : fields) {
    begin("name=\"" + name + "\"");
    form += value + "\r\n";
  }
  begin("name=\"files\"; filename=\"" + file_name + "\"");
  form += content + "\r\n--" + boundary + "--\r\n";
  post(target, "multipart/form-data; boundary=" + boundary, std::move(form), std::move(end));
}

void http_client::post(const std::string& target, const std::string& type, std::string body, on_end end) {
  auto head = "POST " + target + " HTTP/1.1\r\nhost: " + server_.text() + "\r\norigin: http://" + server_.text()
    + "\r\ncontent-type: " + type + "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n";
  // The body is put behind the head's end by start().
  request_ = std::move(body);
  start(std::move(head), std::move(end), nullptr);
}

void http_client::start(std::string head, on_end end, on_body body) {
  std::string cookies;
  for (auto& [name, value] : cookies_)
    cookies += (cookies.empty() ? "cookie: " : "; ") + name + "=" + value;
  if (!cookies.empty())
    head += cookies + "\r\n";
  request_ = head + "\r\n" + request_;
  sent_ = 0;
  end_ = std::move(end);
  body_ = std::move(body);
  busy_ = true;
  reader_ = http_reader{http_reader::kind::response};
  if (fd_ < 0)
    open();
  else
    write();
}

void http_client::open() {
  std::string error;
  used_ = false;
  fd_ = connect_to(server_.host, server_.port, error);
  if (fd_ < 0) {
    finish(error);
    return;
  }
  loop_.watch(fd_, EPOLLIN | EPOLLOUT, [this](uint32_t events) { on_events(events); });
}

void http_client::on_events(uint32_t events) {
  auto alive = alive_;
  if (events & EPOLLOUT)
    write();
  if (*alive && fd_ >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
    read();
}

void http_client::write() {
  while (sent_ < request_.size()) {
    auto sent = send(fd_, request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      loop_.change(fd_, EPOLLIN | EPOLLOUT);
      return;
    }
    if (sent < 0) // reading tells why, and whether it may be tried again
      break;
    sent_ += static_cast<size_t>(sent);
  }
  loop_.change(fd_, EPOLLIN);
}

void http_client::read() {
  auto alive = alive_;
  char buffer[65536];
  auto got = recv(fd_, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0) {
    std::string why = got < 0 ? std::strerror(errno) : "the server closed the connection";
    shut();
    if (!busy_)
      return;
    if (used_ && reader_.idle()) { // an idle connection that was closed while the request was on its way
      sent_ = 0;
      open();
      return;
    }
    reader_.end();
    finish(reader_.where() == http_reader::state::complete ? "" : why);
    return;
  }
  if (!busy_) { // nobody asked
    shut();
    return;
  }
  reader_.feed({buffer, static_cast<size_t>(got)});
  if (body_ && !reader_.body().empty()) {
    body_(reader_);
    if (!*alive)
      return;
  }
  if (reader_.where() == http_reader::state::failed)
    finish("the answer is not HTTP");
  else if (reader_.where() == http_reader::state::complete)
    finish("");
}

void http_client::give_up(const std::string& why) {
  if (busy_)
    finish(why);
}

void http_client::abandon() {
  shut();
  busy_ = false;
  request_.clear();
  end_ = nullptr;
  body_ = nullptr;
}

void http_client::pause() {
  if (fd_ >= 0 && busy_)
    loop_.change(fd_, 0);
}

void http_client::resume() {
  if (fd_ >= 0 && busy_)
    loop_.change(fd_, EPOLLIN);
}

void http_client::keep_cookies() {
  for (auto& [name, value] : reader_.head().headers) {
    if (name != "set-cookie")
      continue;
    auto pair = value.substr(0, value.find(';'));
    auto equals = pair.find('=');
    if (equals == std::string::npos)
      continue;
    if (equals + 1 == pair.size()) // taken back
      cookies_.erase(pair.substr(0, equals));
    else
      cookies_[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
}

void http_client::finish(const std::string& error) {
  keep_cookies();
  if (!error.empty() || !reader_.keeps_alive())
    shut();
  used_ = true;
  busy_ = false;
  request_.clear();
  // The callback may start the next request, which replaces what these members hold.
  auto end = std::move(end_);
  auto reader = std::move(reader_);
  end(reader, error);
}

void http_client::shut() {
  if (fd_ < 0)
    return;
  loop_.unwatch(fd_);
  close(fd_);
  fd_ = -1;
}

} // namespace varro::bench
