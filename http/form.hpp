// Forms as browsers send them: application/x-www-form-urlencoded and multipart/form-data. Pure functions, any thread.
#pragma once

#include "base/errors.hpp"
#include "http/exchange.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

struct form_file {
  std::string field;
  std::string name;       // as the client gave it: not to be trusted
  std::string_view bytes; // into the request's body
};

struct form {
  std::vector<std::pair<std::string, std::string>> fields; // in order
  std::vector<form_file> files;                            // without those that have neither name nor bytes

  // The first value, or empty.
  const std::string& get(std::string_view name) const;
  bool has(std::string_view name) const;
};

// The request's body by its Content-Type; an empty body without one is an empty form. errc::invalid_input when it is
// malformed, has another type or more than 1,000 parts. The request must outlive the form.
caf::expected<form> parse_form(const received_request& request);

// "a=1&b=2", percent-decoded, '+' is a space.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text);
std::optional<std::string> query_value(const received_request& request, std::string_view name);

// The value of a cookie, or empty.
std::string_view cookie(const received_request& request, std::string_view name);

// Digits only, no sign, no leading white space, within int64_t.
std::optional<int64_t> parse_number(std::string_view text);

} // namespace varro
