// The part of reading a response that both wires share: is the body an event stream, one JSON text, or an error?
#pragma once

#include "models/event_stream.hpp"
#include "models/provider.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace varro {

// Servers and proxies do not always say the content type that they send, so a body of status 2xx is told by its first
// byte. Derived classes see whole events and whole JSON texts. One thread.
class body_decoder : public response_decoder {
public:
  static constexpr size_t json_bytes_max = 64u << 20; // a whole JSON body

  body_decoder(const model_query& query, int http_status);

  void feed(std::string_view bytes) final;
  bool has_content() const final;
  outcome finish(bool connection_lost) final;

protected:
  // An event of the stream. Not called again once fail_with() was.
  virtual void take_event(const server_sent_event& event) = 0;
  // The whole body as JSON (an object).
  virtual void take_json(const json& body) = 0;
  // What was read, once the stream has ended. `complete` decides whether it was all.
  virtual model_response result() = 0;
  virtual bool complete(bool connection_lost) const = 0;
  // The body of a status that is not 2xx; a derived class may find an answer in it.
  virtual outcome take_error(std::string_view body);

  void fail_with(vendor_error error); // the first one stays
  void mark_content() {
    has_content_ = true;
  }
  bool failed() const {
    return error_.has_value();
  }

  // What result() and partial() start from: names, URL, time.
  model_response empty_response() const;

  const std::string& secret() const {
    return secret_;
  }
  int http_status() const {
    return http_status_;
  }

private:
  enum class body_kind { unknown, events, json_text, error_text, something_else };

  void tell_kind(std::string_view bytes);
  bool is_success() const;

  int http_status_;
  std::string provider_name_;
  std::string provider_url_;
  std::string model_name_;
  std::string secret_;
  timestamp_text started_;
  body_kind kind_ = body_kind::unknown;
  event_stream_parser events_;
  std::string text_; // of a JSON or error body
  bool has_content_ = false;
  std::optional<vendor_error> error_;
};

} // namespace varro
