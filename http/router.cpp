#include "http/router.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/form.hpp"
#include "http/route.hpp"
#include "http/security_headers.hpp"

#include <httplib.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <regex>

namespace varro {

namespace {

constexpr size_t path_bytes_max = 2'000;   // std::regex recurses once per character
constexpr size_t target_bytes_max = 8'000; // with the query

// The request line that cpp-httplib reads, and the response that it writes.
class memory_stream : public httplib::Stream {
public:
  explicit memory_stream(std::string input) : input_(std::move(input)) {}
  bool is_readable() const override {
    return true;
  }
  bool is_writable() const override {
    return true;
  }
  ssize_t read(char* to, size_t size) override {
    auto n = std::min(size, input_.size() - at_);
    std::memcpy(to, input_.data() + at_, n);
    at_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, size_t size) override {
    output.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override {
    return INVALID_SOCKET;
  }

  std::string output;

private:
  std::string input_;
  size_t at_ = 0;
};

// Debian 12 has 0.11.4, Debian 13 has 0.18.7: the one place that knows both.
class engine : public httplib::Server {
public:
  bool run(httplib::Stream& stream, bool close) {
    return run_with(*this, stream, close);
  }

private:
  template <class Self>
  static bool run_with(Self& self, httplib::Stream& stream, bool close) {
    bool closed = false;
    if constexpr (requires { self.process_request(stream, close, closed, nullptr); })
      return self.process_request(stream, close, closed, nullptr);
    else
      return self.process_request(stream, std::string{}, 0, std::string{}, 0, close, closed, nullptr);
  }
};

// What belongs to the request that this worker answers. Set while handle() runs.
struct call_state {
  const received_request& request;
  std::optional<file_slice> file;
  std::function<void(int)> adopt;
  std::optional<reply> early; // answers without looking for a route
  bool answered = false;
};
thread_local call_state* current = nullptr;

void fill(reply&& from, call_state& state, httplib::Response& to) {
  state.answered = true;
  to.status = from.status;
  for (auto& [name, value] : from.headers)
    if (value.find_first_of("\r\n") == std::string::npos)
      to.headers.emplace(name, std::move(value));
  if (!from.cache_control.empty())
    to.headers.emplace("Cache-Control", from.cache_control);
  if (!from.content_type.empty())
    to.headers.emplace("Content-Type", from.content_type);
  if (from.file)
    to.headers.emplace("Content-Length", std::to_string(from.file->length));
  to.body = std::move(from.body);
  state.file = std::move(from.file);
  state.adopt = std::move(from.adopt);
}

bool is_known_method(std::string_view method) {
  for (std::string_view known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
    if (method == known)
      return true;
  return false;
}

} // namespace

struct router::impl {
  struct route {
    std::string method;
    std::regex pattern;
  };

  reply refused(const received_request& request, int status, std::string_view text) const {
    if (render)
      return render(request, status, text);
    reply result;
    result.status = status;
    result.body = text;
    return result;
  }
  reply no_route(const received_request& request) const;
  std::optional<reply> refused_early(const received_request& request) const;
  void write_common_fields(httplib::Response& response) const;

  mutable engine server; // process_request is not const, but changes nothing
  std::vector<route> routes;
  std::function<std::optional<reply>(const received_request&)> check;
  std::function<reply(const received_request&, int, std::string_view)> render;
};

reply router::impl::no_route(const received_request& request) const {
  auto path = percent_decode(request.path(), false).value_or("");
  std::vector<std::string> allowed;
  for (const auto& entry : routes)
    if (std::regex_match(path, entry.pattern)
        && std::find(allowed.begin(), allowed.end(), entry.method) == allowed.end())
      allowed.push_back(entry.method);
  if (allowed.empty())
    return refused(request, 404, "There is no such page.");
  if (std::find(allowed.begin(), allowed.end(), "GET") != allowed.end())
    allowed.push_back("HEAD");
  auto result = refused(request, 405, "This address does not answer to " + request.method + ".");
  std::string list;
  for (const auto& method : allowed)
    list += (list.empty() ? "" : ", ") + method;
  result.headers.emplace_back("Allow", list);
  return result;
}

std::optional<reply> router::impl::refused_early(const received_request& request) const {
  if (request.path().size() > path_bytes_max || request.target.size() > target_bytes_max)
    return refused(request, 414, "The address is too long.");
  auto decoded = percent_decode(request.path(), false);
  if (!decoded || !is_utf8(*decoded) || has_control_characters(*decoded))
    return refused(request, 400, "The address is malformed.");
  if (is_known_method(request.method))
    return std::nullopt;
  auto stopped = check ? check(request) : std::nullopt;
  return stopped ? std::move(stopped) : no_route(request);
}

void router::impl::write_common_fields(httplib::Response& response) const {
  for (const auto& [name, value] : security_headers)
    if (!response.has_header(std::string{name}))
      response.headers.emplace(name, value);
  if (!current->request.id.empty())
    response.headers.emplace("X-Request-Id", current->request.id);
  // cpp-httplib's own idea of keep-alive would make clients leave after five requests.
  response.headers.erase("Keep-Alive");
  response.headers.erase("Accept-Ranges");
  if (response.status == 204 || response.status == 304)
    response.headers.erase("Content-Length");
  if (current->request.version_minor == 0 && current->request.keep_alive)
    response.headers.emplace("Connection", "keep-alive");
}

router::router() : impl_(std::make_unique<impl>()) {
  auto& self = *impl_;
  self.server.set_pre_routing_handler([&self](const httplib::Request&, httplib::Response& response) {
    auto stopped = current->early ? std::move(current->early)
      : self.check                ? self.check(current->request)
                                  : std::nullopt;
    if (!stopped)
      return httplib::Server::HandlerResponse::Unhandled;
    fill(std::move(*stopped), *current, response);
    return httplib::Server::HandlerResponse::Handled;
  });
  self.server.set_error_handler([&self](const httplib::Request&, httplib::Response& response) {
    if (!current->answered)
      fill(self.no_route(current->request), *current, response);
  });
  self.server.set_post_routing_handler(
    [&self](const httplib::Request&, httplib::Response& response) { self.write_common_fields(response); });
}

router::~router() = default;

void router::before(std::function<std::optional<reply>(const received_request&)> check) {
  impl_->check = std::move(check);
}

void router::on_error(std::function<reply(const received_request&, int, std::string_view)> render) {
  impl_->render = std::move(render);
}

void router::add(std::string_view method, std::string_view path, route_handler handler) {
  auto& self = *impl_;
  auto address = pattern_of(path);
  const auto& pattern = address.expression;
  self.routes.push_back({std::string{method}, std::regex{pattern}});
  auto run = [&self, handler = std::move(handler),
              segments = std::move(address.segments)](const httplib::Request& request, httplib::Response& response) {
    route_call call{current->request, {}};
    for (size_t i = 0; i < segments.size(); ++i)
      call.segments.emplace_back(segments[i].name, request.matches[i + 1].str());
    try {
      fill(handler(call), *current, response);
    } catch (const std::exception&) {
      fill(self.refused(current->request, 500, "The server failed to answer this request."), *current, response);
    }
  };
  if (method == "GET")
    self.server.Get(pattern, run);
  else if (method == "POST")
    self.server.Post(pattern, run);
  else if (method == "PATCH")
    self.server.Patch(pattern, run);
  else if (method == "DELETE")
    self.server.Delete(pattern, run);
}

composed_response router::handle(received_request&& request) const {
  const auto& self = *impl_;
  call_state state{request, {}, {}, {}};
  current = &state;
  state.early = self.refused_early(request);
  // What is refused early goes through cpp-httplib as well, so that one place writes heads, but under a harmless path.
  auto line = state.early ? std::string{request.method == "HEAD" ? "HEAD" : "GET"} + " /"
                          : request.method + " " + std::string{request.path()};
  memory_stream stream{line + " HTTP/1.1\r\nContent-Length: 0\r\n\r\n"};
  self.server.run(stream, !request.keep_alive);
  current = nullptr;
  composed_response result;
  result.bytes = std::move(stream.output);
  result.close = !request.keep_alive;
  if (request.method != "HEAD")
    result.file = std::move(state.file);
  result.adopt = std::move(state.adopt);
  return result;
}

} // namespace varro
