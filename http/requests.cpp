#include "http/requests.hpp"

#include "base/json_scan.hpp"

namespace varro {

namespace {

// Fields of a form. What is not there is empty.
class form_fields {
public:
  explicit form_fields(const form& fields) : fields_(fields) {}

  std::string text(const char* name) {
    return fields_.get(name);
  }
  std::optional<int64_t> number(const char* name, std::optional<int64_t> otherwise) {
    const auto& text = fields_.get(name);
    return text.empty() ? otherwise : parse_number(text);
  }
  caf::error error() const {
    return {};
  }

private:
  const form& fields_;
};

// Members of an object; one of the wrong type makes the request malformed.
class json_fields {
public:
  explicit json_fields(const json& object) : object_(object) {}

  std::string text(const char* name) {
    const auto* value = find(name);
    if (value != nullptr && !value->is_string())
      wrong_ = name;
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string{};
  }
  std::optional<int64_t> number(const char* name, std::optional<int64_t> otherwise) {
    const auto* value = find(name);
    if (value == nullptr)
      return otherwise;
    if (value->is_number_integer() && value->get<int64_t>() >= 0)
      return value->get<int64_t>();
    wrong_ = name;
    return std::nullopt;
  }
  caf::error error() const {
    return wrong_.empty() ? caf::error{} : fail(errc::invalid_input, "The field \"" + wrong_ + "\" is malformed.");
  }

private:
  const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  const json& object_;
  std::string wrong_;
};

// By what separates values.
bool holds_few_values(std::string_view text) {
  size_t separators = 0;
  return holds_outside_strings(text, [&](char c) {
    separators += c == ',' || c == '[' || c == '{' ? 1 : 0;
    return separators <= request_json_values_max;
  });
}

template <class Fields>
send_request read(Fields& fields, send_request) {
  send_request result;
  if (auto chat = fields.text("chat_id"); !chat.empty())
    result.chat = parse_number(chat).value_or(0);
  result.message = fields.text("message");
  result.model = fields.text("model");
  result.python = fields.text("python");
  result.effort = fields.text("effort");
  return result;
}

template <class Fields>
edit_request read(Fields& fields, edit_request) {
  return {fields.number("turn", std::nullopt), fields.text("message"), fields.text("model"), fields.text("effort")};
}

template <class Fields>
regenerate_request read(Fields& fields, regenerate_request) {
  return {fields.number("turn", 0), fields.text("model"), fields.text("effort")};
}

template <class Fields>
branch_request read(Fields& fields, branch_request) {
  return {fields.number("run", std::nullopt)};
}

template <class Fields>
fork_request read(Fields& fields, fork_request) {
  return {fields.number("turn", 0)};
}

template <class Fields>
rename_request read(Fields& fields, rename_request) {
  return {fields.text("title")};
}

template <class Request, class Fields, class Source>
caf::expected<Request> read_all(const Source& source) {
  Fields fields{source};
  auto result = read(fields, Request{});
  if (auto error = fields.error())
    return error;
  return result;
}

} // namespace

bool is_json_request(const received_request& request) {
  return request.header("content-type").starts_with("application/json");
}

caf::expected<json> json_object_of(const received_request& request) {
  auto value = holds_few_values(request.body) ? parse_json(request.body, request_json_depth_max) : std::nullopt;
  if (!value || !value->is_object())
    return fail(errc::invalid_input, "The request's JSON is malformed.");
  return std::move(*value);
}

// Each type by both ways.
#define VARRO_READ_REQUEST(type)                                                                                       \
  caf::expected<type> type::from_form(const form& fields) {                                                            \
    return read_all<type, form_fields>(fields);                                                                        \
  }                                                                                                                    \
  caf::expected<type> type::from_json(const json& fields) {                                                            \
    return read_all<type, json_fields>(fields);                                                                        \
  }

VARRO_READ_REQUEST(send_request)
VARRO_READ_REQUEST(edit_request)
VARRO_READ_REQUEST(regenerate_request)
VARRO_READ_REQUEST(branch_request)
VARRO_READ_REQUEST(fork_request)
VARRO_READ_REQUEST(rename_request)

#undef VARRO_READ_REQUEST

} // namespace varro
