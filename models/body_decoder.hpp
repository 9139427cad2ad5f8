// The part of reading a response that all wires share: is the body an event stream, one JSON text, or an error?
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

  // `provider`: what the response's provider_name will be.
  body_decoder(const model_query& query, int http_status, std::string provider);

  void feed(std::string_view bytes) final;
  bool has_content() const final;
  outcome finish(bool connection_lost) final;
  model_response partial() const final;

protected:
  // An event of the stream. Not called again once fail_with() was.
  virtual void take_event(const server_sent_event& event) = 0;
  // The whole body as JSON (an object).
  virtual void take_json(const json& body) = 0;
  // The same for a list. Only Google answers with lists; elsewhere it is an error, which may stand in the list.
  virtual void take_json_list(const json& list);
  // What was read so far. `complete` decides, once the stream has ended, whether it is the whole answer; of one that is
  // not, calls are left out, since nobody will run them.
  virtual model_response build(bool whole) const = 0;
  virtual bool complete(bool connection_lost) const = 0;
  // Whether the stream said itself that the answer is whole; asked only of one that is complete.
  virtual bool has_end_mark() const {
    return true;
  }
  // The body of a status that is not 2xx; a derived class may find an answer in it.
  virtual outcome take_error(std::string_view body);

  // The first one stays. One without a status gets that of the response, unless the connection broke off.
  void fail_with(vendor_error error);
  void mark_content() {
    has_content_ = true;
  }
  bool failed() const {
    return error_.has_value();
  }

  // What build() starts from: names, URL, time, and what was read of the answer besides its parts and usage.
  model_response response_so_far() const;
  // The model said these words instead of an answer.
  static void mark_refused(model_response& response, const std::string& words);

  const std::string& secret() const {
    return secret_;
  }
  int http_status() const {
    return http_status_;
  }

  // What every wire tells of an answer, in its own places.
  std::string provider_;
  std::optional<std::string> model_; // none: the one that was asked
  std::optional<std::string> id_;
  std::optional<std::string> finish_reason_;
  json details_ = json::object();

private:
  enum class body_kind { unknown, events, json_text, error_text, something_else };

  void tell_kind(std::string_view bytes);
  void finish_events(bool connection_lost);
  void finish_json(bool connection_lost);
  bool is_success() const;

  int http_status_;
  std::string provider_url_;
  std::string model_name_;
  std::string secret_;
  timestamp_text started_;
  body_kind kind_ = body_kind::unknown;
  event_stream_parser events_;
  std::string text_; // of a JSON or error body; of a stream its head, until it shows that it is one
  bool has_event_ = false;
  bool ending_ = false; // the stream is over: an event without its end is read
  bool torn_ = false;   // and could not be
  bool has_content_ = false;
  std::optional<vendor_error> error_;
};

} // namespace varro
