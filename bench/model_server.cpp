#include "bench/model_server.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace varro::bench {

namespace {

const char* reason_of(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 204:
    return "No Content";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 413:
    return "Payload Too Large";
  case 429:
    return "Too Many Requests";
  case 500:
    return "Internal Server Error";
  case 503:
    return "Service Unavailable";
  default:
    return "Status";
  }
}

std::string chunk_of(const std::string& bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

bool is_secret(std::string_view header) {
  return header == "authorization" || header == "x-api-key" || header == "cookie" || header == "proxy-authorization"
    || header == "api-key" || header == "x-goog-api-key";
}

} // namespace

model_server::model_server(event_loop& loop, model_server_options options)
  : loop_(loop), options_(std::move(options)), matcher_(options_.rules) {}

model_server::~model_server() {
  while (!connections_.empty())
    drop(connections_.begin()->second);
  if (listener_ >= 0) {
    loop_.unwatch(listener_);
    close(listener_);
  }
}

bool model_server::start(std::string& error) {
  if (!options_.record_file.empty()) {
    record_.open(options_.record_file, std::ios::app);
    if (!record_) {
      error = "cannot write " + options_.record_file;
      return false;
    }
  }
  listener_ = listen_on(options_.host, options_.port, error);
  if (listener_ < 0)
    return false;
  port_ = local_port(listener_);
  loop_.watch(listener_, EPOLLIN, [this](uint32_t) { accept_all(); });
  return true;
}

void model_server::accept_all() {
  for (;;) {
    int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
      return;
    auto c = std::make_shared<connection>();
    c->fd = fd;
    connections_[fd] = c;
    loop_.watch(fd, EPOLLIN | EPOLLRDHUP, [this, c](uint32_t events) { on_events(c, events); });
  }
}

void model_server::on_events(const connection_ptr& c, uint32_t events) {
  if (events & EPOLLOUT)
    flush(c);
  if (c->fd < 0)
    return;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
    if (!read_all(*c)) {
      drop(c); // also in the middle of an answer: a cancelled request
      return;
    }
    serve(c);
  }
}

bool model_server::read_all(connection& c) {
  char buffer[65536];
  for (;;) {
    auto got = recv(c.fd, buffer, sizeof buffer, 0);
    if (got == 0)
      return false;
    if (got < 0)
      return errno == EAGAIN || errno == EINTR;
    c.reader.feed({buffer, static_cast<size_t>(got)});
    if (static_cast<size_t>(got) < sizeof buffer)
      return true;
  }
}

void model_server::serve(const connection_ptr& c) {
  while (c->fd >= 0 && !c->busy && c->reader.where() == http_reader::state::complete) {
    c->busy = true;
    c->closing = !c->reader.keeps_alive();
    route(c);
  }
  if (c->fd >= 0 && c->reader.where() == http_reader::state::failed && !c->busy)
    drop(c);
}

void model_server::route(const connection_ptr& c) {
  auto target = c->reader.target();
  auto method = c->reader.method();
  auto path = path_of(target);
  if (path.starts_with("/__")) {
    answer_control(c, method, path);
    return;
  }
  record(c->reader);
  auto found = route_of(target);
  if (found && method == "POST") {
    answer_model(c, *found);
  } else if (method == "GET" && is_model_list(path)) {
    send_whole(c, list_models(c->reader.head(), target));
  } else {
    auto flavour = c->reader.head().has("anthropic-version") ? vendor::anthropic
      : is_google_path(path)                                 ? vendor::google
                                                             : vendor::openai;
    send_whole(
      c, problem_on_wire(flavour, {404, error_type(flavour, 404), "Not found: " + method + " " + target, "", ""}));
  }
}

void model_server::record(const http_reader& reader) {
  json headers = json::object();
  for (auto& [name, value] : reader.head().headers)
    headers[name] = is_secret(name) ? "***" : value;
  json entry{{"method", reader.method()}, {"path", without_key(reader.target())}, {"headers", headers}};
  auto& body = const_cast<http_reader&>(reader).body();
  if (record_.is_open()) {
    auto whole = entry;
    auto parsed = parse_json(body);
    whole["body"] = parsed ? *parsed : json(body);
    record_ << dump_json(whole) << std::endl;
  }
  entry["body"] = body; // parsed only when somebody asks
  recorded_.push_back(std::move(entry));
  if (recorded_.size() > options_.recorded_max)
    recorded_.pop_front();
}

void model_server::later(const connection_ptr& c, milliseconds delay, std::function<void()> action) {
  if (delay.count() == 0) {
    action();
    return;
  }
  c->timer = loop_.after(delay, [c, action = std::move(action)] {
    c->timer.reset();
    action();
  });
}

void model_server::send_head(connection& c, const wire_answer& what) {
  c.out += "HTTP/1.1 " + std::to_string(what.status) + " " + reason_of(what.status)
    + "\r\ncontent-type: " + what.content_type + "\r\n";
  for (auto& [name, value] : what.headers)
    c.out += name + ": " + value + "\r\n";
  if (what.stream)
    c.out += "transfer-encoding: chunked\r\n";
  else
    c.out += "content-length: " + std::to_string(what.pieces.empty() ? 0 : what.pieces.front().size()) + "\r\n";
  if (c.closing)
    c.out += "connection: close\r\n";
  c.out += "\r\n";
  c.chunked = what.stream;
}

void model_server::send_whole(const connection_ptr& c, const wire_answer& what) {
  auto stamped = what;
  stamped.stream = false;
  if (c->counted && !stamped.pieces.empty()) // an answer, not what a control route tells
    stamp(stamped.pieces.front(), monotonic_us());
  send_head(*c, stamped);
  if (!stamped.pieces.empty())
    c->out += stamped.pieces.front();
  c->end = ending::finished;
  c->chunked = false;
  finish(c);
}

// Sends the pieces that are due: all of them at once when there is no time between them.
void model_server::send_pieces(const connection_ptr& c) {
  std::string bytes;
  while (!c->pieces.empty()) {
    bytes += c->pieces.front();
    c->pieces.pop_front();
    if (c->between.count() > 0)
      break;
  }
  if (!bytes.empty()) {
    if (c->billed)
      c->billed->told = "part";
    stamp(bytes, monotonic_us());
    c->out += chunk_of(bytes);
  }
  if (c->pieces.empty()) {
    finish(c);
    return;
  }
  flush(c);
  if (c->fd >= 0)
    later(c, c->between, [this, c] { send_pieces(c); });
}

void model_server::finish(const connection_ptr& c) {
  if (c->end == ending::hold) {
    flush(c);
    held_.push_back(c);
    return;
  }
  if (c->end == ending::close) {
    c->closing = true;
  } else if (c->chunked) {
    c->out += "0\r\n\r\n";
  }
  if (c->billed && c->end == ending::finished && !c->billed->breaks)
    c->billed->told = "whole";
  count_closed(*c);
  c->busy = false;
  c->chunked = false;
  c->reader.next();
  flush(c);
}

void model_server::flush(const connection_ptr& c) {
  while (!c->out.empty()) {
    auto sent = send(c->fd, c->out.data(), c->out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && errno == EAGAIN)
      break;
    if (sent < 0) {
      drop(c);
      return;
    }
    c->out.erase(0, static_cast<size_t>(sent));
  }
  if (c->out.empty() && c->closing && !c->busy) {
    drop(c);
    return;
  }
  bool wants = !c->out.empty();
  if (wants != c->wants_write) {
    c->wants_write = wants;
    loop_.change(c->fd, EPOLLIN | EPOLLRDHUP | (wants ? uint32_t{EPOLLOUT} : 0u));
  }
}

void model_server::drop(const connection_ptr& c) {
  if (c->fd < 0)
    return;
  auto keep = c; // the map and the loop let go of it
  if (c->timer)
    loop_.cancel(*c->timer);
  count_closed(*c);
  loop_.unwatch(c->fd);
  close(c->fd);
  connections_.erase(c->fd);
  keep->fd = -1;
}

void model_server::count_closed(connection& c) {
  if (c.counted)
    --open_;
  c.counted = false;
  if (!c.billed)
    return;
  bills_.push_back(*std::exchange(c.billed, std::nullopt));
  if (bills_.size() > options_.bills_max)
    bills_.pop_front();
}

} // namespace varro::bench
