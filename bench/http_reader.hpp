// HTTP/1.1 as it arrives: one request or response at a time, cut anywhere.
//
// Value type, no I/O; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro::bench {

struct http_head {
  std::string start_line;                                   // "POST /v1/messages HTTP/1.1" or "HTTP/1.1 200 OK"
  std::vector<std::pair<std::string, std::string>> headers; // names in lower case

  // The first value of this header, or an empty text.
  std::string_view header(std::string_view name) const;
  bool has(std::string_view name) const;
};

class http_reader {
public:
  enum class kind { request, response };
  enum class state { head, body, complete, failed };

  explicit http_reader(kind what) : kind_(what) {}

  // Takes bytes until the message is complete; what follows stays for next().
  void feed(std::string_view bytes);
  // The connection has ended: completes a body that had no length, fails any other unfinished message.
  void end();
  // Forgets the message and goes on with the bytes that followed it.
  void next();

  state where() const {
    return state_;
  }
  const http_head& head() const {
    return head_;
  }
  std::string& body() {
    return body_;
  } // a reader of a stream may move out what is there so far
  bool idle() const {
    return state_ == state::head && buffer_.empty();
  }
  std::string method() const;
  std::string target() const;
  int status() const;
  bool keeps_alive() const; // the connection may be used again after this message

private:
  enum class framing { length, chunk_size, chunk_data, chunk_end, trailers, until_end };
  void advance();
  bool take_head();
  bool take_body();
  bool take_chunk_size();
  bool line(std::string& out); // one line off the buffer

  kind kind_;
  state state_ = state::head;
  framing framing_ = framing::length;
  uint64_t left_ = 0; // bytes of the body or chunk
  std::string buffer_;
  http_head head_;
  std::string body_;
};

// Everything after "?" cut off.
std::string_view path_of(std::string_view target);

std::string form_encoded(std::string_view text);

} // namespace varro::bench
