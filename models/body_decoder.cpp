#include "models/body_decoder.hpp"

#include "models/message_json.hpp"
#include "models/timestamp.hpp"
#include "models/vendor_errors.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>

namespace varro {

namespace {

// Whether some line of the text is one of an event stream.
bool looks_like_events(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    const auto line = text.substr(0, end);
    for (const std::string_view field : {":", "data:", "event:", "id:", "retry:"})
      if (line.substr(0, field.size()) == field)
        return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

} // namespace

body_decoder::body_decoder(const model_query& query, int http_status, std::string provider)
  : provider_(std::move(provider)), http_status_(http_status), provider_url_(query.model.base_url),
    model_name_(query.model.name), secret_(query.model.api_key), started_(timestamp_now()),
    events_([this](server_sent_event&& event) {
      has_event_ = true;
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
    if (!has_event_)
      text_.append(bytes.substr(0, vendor_message_bytes_max - std::min(vendor_message_bytes_max, text_.size())));
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

void body_decoder::take_json_list(const json& list) {
  if (!list.empty() && list.front().is_object() && list.front().contains("error"))
    fail_with(read_stream_error(list, secret_));
  else
    fail_with(malformed_error("it is a list."));
}

void body_decoder::finish_events(bool connection_lost) {
  // What comes now is an event without its empty line: where it cannot be read, the stream was cut in the middle of it.
  ending_ = true;
  events_.finish();
  ending_ = false;
  // A server or proxy that says in plain words why there is no answer.
  if (!has_event_ && !connection_lost && !looks_like_events(text_))
    if (auto error = read_unexpected_text(text_, secret_))
      fail_with(std::move(*error));
}

void body_decoder::finish_json(bool connection_lost) {
  const auto body = parse_vendor_json(text_);
  if (body && body->is_object())
    take_json(*body);
  else if (body && body->is_array())
    take_json_list(*body);
  else if (connection_lost || text_.find_last_not_of(" \t\r\n") != text_.find_last_of("}]"))
    fail_with(connection_lost_error(false)); // cut off, also where the connection ended well
  else
    fail_with(malformed_error("it is not valid JSON."));
}

response_decoder::outcome body_decoder::finish(bool connection_lost) {
  if (kind_ == body_kind::error_text && !failed())
    return take_error(text_);
  if (kind_ == body_kind::events && !failed())
    finish_events(connection_lost);
  else if (kind_ == body_kind::json_text && !failed())
    finish_json(connection_lost);
  else if (kind_ == body_kind::something_else && !connection_lost)
    fail_with(malformed_error("it is neither an event stream nor JSON. Is the base URL right?"));
  outcome end;
  if (!failed() && !complete(connection_lost || torn_))
    fail_with(connection_lost_error(has_content_));
  if (failed())
    end.error = error_;
  else {
    end.response = build(true);
    end.unmarked_end = !has_end_mark();
  }
  return end;
}

model_response body_decoder::partial() const {
  auto response = build(false);
  response.state = "interrupted";
  return response;
}

void body_decoder::fail_with(vendor_error error) {
  if (error_)
    return;
  if (ending_ && error.type == malformed_type) {
    torn_ = true;
    return;
  }
  if (error.http_status == 0 && error.type != connection_lost_type)
    error.http_status = http_status_;
  error_ = std::move(error);
}

model_response body_decoder::response_so_far() const {
  model_response response;
  response.model_name = model_.value_or(model_name_);
  response.timestamp = started_;
  response.provider_name = provider_;
  response.provider_url = provider_url_;
  response.provider_response_id = id_;
  response.finish_reason = finish_reason_;
  if (!details_.empty())
    response.provider_details = details_;
  return response;
}

void body_decoder::mark_refused(model_response& response, const std::string& words) {
  response.finish_reason = "content_filter";
  if (!response.provider_details.is_object())
    response.provider_details = json::object();
  response.provider_details.erase("finish_reason");
  response.provider_details["refusal"] = words;
}

} // namespace varro
