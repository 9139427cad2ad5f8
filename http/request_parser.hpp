// Reads HTTP/1.x requests strictly: what two parsers could understand differently is refused. Incremental; no I/O.
//
// Not thread-safe; one object per connection. Refused with 400: bare LF or CR, NUL and other control bytes, obs-fold,
// white space before a colon, no Host or several, several or malformed Content-Length, Content-Length together with
// Transfer-Encoding, a target that is not in origin form. 413 body, 417 Expect, 431 head, 501 transfer coding, 505
// version.
#pragma once

#include "http/exchange.hpp"

#include <cstddef>
#include <string>

namespace varro {

struct request_limits {
  size_t head_bytes_max = 32u << 10;
  size_t body_bytes_max = 64u << 20;
  size_t fields_max = 100;
};

class request_parser {
public:
  enum class state {
    head,     // needs more bytes of the head
    body,     // the head is complete, needs more bytes of the body
    complete, // take() it
    refused,  // status() and reason() say why; the connection is of no further use
  };

  explicit request_parser(request_limits limits) : limits_(limits) {}

  // Consumes from the front of `input` what belongs to the current request and leaves the rest (pipelining).
  state feed(std::string& input);

  state current() const {
    return state_;
  }
  // True once after the head of a request that waits for "100 Continue" has been read and its body has not begun.
  bool take_continue();
  // REQUIRES: current() is complete. Ready for the next request afterwards.
  received_request take();
  int status() const {
    return status_;
  }
  const std::string& reason() const {
    return reason_;
  }
  // As far as it is known: of a request that is refused, too.
  const std::string& target() const {
    return state_ == state::refused ? refused_target_ : request_.target;
  }
  // Bytes of the body held so far.
  size_t body_bytes() const {
    return request_.body.size();
  }

private:
  enum class stage { head, fixed, chunk_size, chunk_data, chunk_end, trailers };

  state refuse(int status, std::string reason);
  state refuse_head(std::string_view input, int status, std::string reason);
  state feed_head(std::string& input);
  state feed_fixed(std::string& input);
  state feed_chunks(std::string& input);
  bool parse_head(std::string_view head);
  bool parse_request_line(std::string_view line);
  bool parse_field(std::string_view line);
  bool check_fields();
  bool parse_chunk_size(std::string_view line);

  request_limits limits_;
  state state_ = state::head;
  stage stage_ = stage::head;
  received_request request_;
  size_t scanned_ = 0;   // bytes of the head, or of a chunk's line, that were looked at
  size_t remaining_ = 0; // of the fixed body or of the current chunk
  size_t trailer_bytes_ = 0;
  bool wants_continue_ = false;
  int status_ = 0;
  std::string reason_;
  std::string refused_target_;
};

} // namespace varro
