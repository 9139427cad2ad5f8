// What clients ask for, as values: read out of a form or a JSON object with the same names.
//
// An error is errc::invalid_input and means that the body is malformed; what is missing or does not fit is for the
// route to refuse. Pure functions, any thread.
#pragma once

#include "base/errors.hpp"
#include "base/json.hpp"
#include "http/form.hpp"

#include <optional>
#include <string>

namespace varro {

// Of a JSON body: arrays and objects inside each other, and values in all. A text of many small values would take some
// times its bytes of memory.
inline constexpr int request_json_depth_max = 32;
inline constexpr size_t request_json_values_max = 1'000;

struct send_request {
  std::optional<int64_t> chat; // chat_id; nullopt: a new one. What is no number names no chat.
  std::string message, model, python, effort;
  json metadata = nullptr; // as user_message has it; of no form

  static caf::expected<send_request> from_form(const form& fields);
  static caf::expected<send_request> from_json(const json& fields);
};

struct edit_request {
  std::optional<int64_t> turn;
  std::string message, model, effort;

  static caf::expected<edit_request> from_form(const form& fields);
  static caf::expected<edit_request> from_json(const json& fields);
};

struct regenerate_request {
  std::optional<int64_t> turn; // 0, the newest, when nothing is given
  std::string model, effort;

  static caf::expected<regenerate_request> from_form(const form& fields);
  static caf::expected<regenerate_request> from_json(const json& fields);
};

struct branch_request {
  std::optional<int64_t> run;

  static caf::expected<branch_request> from_form(const form& fields);
  static caf::expected<branch_request> from_json(const json& fields);
};

struct fork_request {
  std::optional<int64_t> turn; // 0, the newest, when nothing is given

  static caf::expected<fork_request> from_form(const form& fields);
  static caf::expected<fork_request> from_json(const json& fields);
};

struct rename_request {
  std::string title;

  static caf::expected<rename_request> from_form(const form& fields);
  static caf::expected<rename_request> from_json(const json& fields);
};

bool is_json_request(const received_request& request);

// The body as an object, within the limits above.
caf::expected<json> json_object_of(const received_request& request);

// By the request's Content-Type. `fields`: what parse_form made of it.
template <class Request>
caf::expected<Request> read_request(const received_request& request, const form& fields) {
  if (!is_json_request(request))
    return Request::from_form(fields);
  auto object = json_object_of(request);
  return object ? Request::from_json(*object) : object.error();
}

} // namespace varro
