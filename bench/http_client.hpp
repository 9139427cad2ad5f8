// One connection of a virtual user: HTTP/1.1 requests one after the other on an event loop.
//
// Runs on its loop's thread only. Destroying it closes the connection without a last call.
#pragma once

#include "bench/event_loop.hpp"
#include "bench/http_reader.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace varro::bench {

struct server_address {
  std::string host;
  uint16_t port = 0;
  std::string text() const {
    return host + ":" + std::to_string(port);
  }
};
// "http://127.0.0.1:8000", with or without a slash at the end.
std::optional<server_address> parse_server_address(const std::string& url);

// "answered 503", or why there was no answer.
std::string answered(int status, const std::string& error);

class http_client {
public:
  // Bytes of the body have arrived: `reader.body()` may be moved out. Only for requests that ask for it.
  using on_body = std::function<void(http_reader& reader)>;
  // The response is complete, or there is none: `error` says why. The client may be used again, also from inside.
  using on_end = std::function<void(http_reader& reader, const std::string& error)>;

  http_client(event_loop& loop, server_address server) : loop_(loop), server_(std::move(server)) {}
  ~http_client() {
    *alive_ = false;
    shut();
  }
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  // REQUIRES: no request is on. Cookies of earlier responses go along.
  // `headers`: further lines, each of which ends in \r\n.
  void get(const std::string& target, on_end end, on_body body = nullptr, const std::string& headers = {});
  void post_form(const std::string& target, const std::map<std::string, std::string>& fields, on_end end);
  void post_file(const std::string& target, const std::map<std::string, std::string>& fields,
                 const std::string& file_name, const std::string& content, on_end end);
  void give_up(const std::string& why); // ends the request that is on, if there is one, with this error
  // Closes the connection; a request that is on ends without a call. REQUIRES: not from inside of one of its calls.
  void abandon();
  // What arrives stays in the kernel's buffers until resume().
  void pause();
  void resume();

  std::map<std::string, std::string>& cookies() {
    return cookies_;
  }

private:
  void post(const std::string& target, const std::string& type, std::string body, on_end end);
  void start(std::string request, on_end end, on_body body);
  void open();
  void on_events(uint32_t events);
  void write();
  void read();
  void keep_cookies();
  void finish(const std::string& error);
  void shut();

  event_loop& loop_;
  server_address server_;
  int fd_ = -1;
  bool used_ = false; // the connection has answered before: the server may close it at any time
  bool busy_ = false;
  std::string request_;
  size_t sent_ = 0;
  http_reader reader_{http_reader::kind::response};
  on_end end_;
  on_body body_;
  std::map<std::string, std::string> cookies_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); // false once destroyed: calls out may do that
};

} // namespace varro::bench
