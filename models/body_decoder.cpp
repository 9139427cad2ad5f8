#include "models/body_decoder.hpp"

#include "models/message_json.hpp"
#include "models/vendor_errors.hpp"
#include "models/vendor_json.hpp"

namespace varro {

body_decoder::body_decoder(const model_query& query, int http_status)
  : http_status_(http_status), provider_name_(query.model.provider), provider_url_(query.model.base_url),
    model_name_(query.model.name), secret_(query.model.api_key), started_(timestamp_now()),
    events_([this](server_sent_event&& event) {
      if (!failed())
        take_event(event);
    }) {
  if (!is_success())
    kind_ = body_kind::error_text;
}

bool body_decoder::is_success() const {
  return http_status_ >= 200 && http_status_ < 300;
}

void body_decoder::tell_kind(std::string_view bytes) {
  // The byte order mark may come before either; an event stream takes care of its own.
  const auto at = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (at == std::string_view::npos)
    return;
  const char first = bytes[at];
  if (first == '{' || first == '[')
    kind_ = body_kind::json_text;
  else if (first == '<')
    kind_ = body_kind::something_else;
  else
    kind_ = body_kind::events;
}

void body_decoder::feed(std::string_view bytes) {
  if (failed() || bytes.empty())
    return;
  if (kind_ == body_kind::unknown)
    tell_kind(bytes);
  switch (kind_) {
  case body_kind::unknown:
  case body_kind::something_else:
    return;
  case body_kind::events:
    events_.feed(bytes);
    if (events_.too_large())
      fail_with(malformed_error("one event of the stream is too large."));
    return;
  case body_kind::json_text:
    if (text_.size() + bytes.size() > json_bytes_max)
      return fail_with(malformed_error("it is too large."));
    text_.append(bytes);
    return;
  case body_kind::error_text:
    text_.append(bytes.substr(0, error_body_bytes_max - std::min(error_body_bytes_max, text_.size())));
    return;
  }
}

bool body_decoder::has_content() const {
  // A JSON body is read as a whole at its end, so nothing of it is content before that.
  return has_content_;
}

response_decoder::outcome body_decoder::take_error(std::string_view body) {
  outcome result;
  result.error = read_error_body(http_status_, body, secret_);
  return result;
}

response_decoder::outcome body_decoder::finish(bool connection_lost) {
  if (kind_ == body_kind::error_text && !failed())
    return take_error(text_);
  if (kind_ == body_kind::events && !failed()) {
    events_.finish();
  } else if (kind_ == body_kind::json_text && !failed()) {
    if (const auto body = parse_vendor_json(text_); body && body->is_object())
      take_json(*body);
    else if (connection_lost)
      fail_with(connection_lost_error(false));
    else
      fail_with(malformed_error("it is not valid JSON."));
  } else if (kind_ == body_kind::something_else && !connection_lost) {
    fail_with(malformed_error("it is neither an event stream nor JSON. Is the base URL right?"));
  }
  outcome end;
  if (!failed() && !complete(connection_lost))
    fail_with(connection_lost_error(has_content_));
  if (failed())
    end.error = error_;
  else
    end.response = result();
  return end;
}

void body_decoder::fail_with(vendor_error error) {
  if (!error_)
    error_ = std::move(error);
}

model_response body_decoder::empty_response() const {
  model_response response;
  response.model_name = model_name_;
  response.timestamp = started_;
  response.provider_name = provider_name_;
  response.provider_url = provider_url_;
  return response;
}

} // namespace varro
