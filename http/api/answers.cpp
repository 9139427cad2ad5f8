#include "http/api/answers.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/api/known_limits.hpp"

#include <array>

#include <sodium.h>

namespace varro {

namespace {

constexpr std::string_view json_type = "application/json";
constexpr size_t cursor_bytes_max = 6'000;
constexpr size_t filter_bytes_max = 100;
// What a cursor begins with, so that a text that happens to be base64 is none.
constexpr std::string_view cursor_mark = "1:";

} // namespace

reply json_reply(int status, const json& value) {
  reply result;
  result.status = status;
  result.content_type = json_type;
  result.body = dump_json(value);
  return result;
}

reply refused_reply(const application& app, const route_call& call, const refused_request& refused) {
  return app.error_reply(call.request, refused.status, refused.text);
}

reply with_etag(const received_request& request, reply from) {
  std::array<unsigned char, 16> digest{};
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(from.body.data()),
                     from.body.size(), nullptr, 0);
  const auto tag = "\"" + to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()}) + "\"";
  const auto known = request.header("if-none-match");
  const bool same = trim(known) == "*" || known.find(tag) != std::string_view::npos;
  auto result = same ? empty_reply(304) : std::move(from);
  result.headers.emplace_back("ETag", tag);
  result.cache_control = "private, no-cache";
  return result;
}

std::string media_type_of_body(const received_request& request) {
  const auto field = request.header("content-type");
  return ascii_lower(trim(field.substr(0, field.find(';'))));
}

size_t json_body_bytes_max(const config& settings) {
  constexpr size_t escaped_bytes = 6; // \u0041
  constexpr size_t others = 64u << 10;
  return escaped_bytes * settings.server.message_bytes_max + others;
}

std::variant<json, refused_request> json_body(const application& app, const received_request& request) {
  if (request.body.empty())
    return json::object();
  if (media_type_of_body(request) != json_type)
    return refused_request{415, "The body is to be JSON, with Content-Type: application/json."};
  if (const auto most = json_body_bytes_max(app.settings); request.body.size() > most)
    return refused_request{
      413, "The JSON is larger than " + std::to_string(most) + " bytes. Put long data into a file and upload it."};
  auto object = json_object_of(request);
  if (!object)
    return refused_request{400, text_of(object.error())};
  return std::move(*object);
}

std::optional<int64_t> page_limit(const received_request& request) {
  const auto text = query_value(request, "limit");
  if (!text)
    return api_page_usual;
  const auto limit = parse_number(*text);
  return limit && *limit >= 1 && *limit <= api_page_max ? limit : std::nullopt;
}

std::string to_cursor(std::string_view place) {
  return base64url_encode(std::string{cursor_mark} + std::string{place});
}

std::optional<std::string> cursor_of(const received_request& request) {
  const auto text = query_value(request, "cursor");
  if (!text)
    return std::string{};
  auto place = text->size() <= cursor_bytes_max ? base64_decode(*text) : std::nullopt;
  if (!place || !place->starts_with(cursor_mark) || place->size() == cursor_mark.size() || !is_utf8(*place))
    return std::nullopt;
  return place->substr(cursor_mark.size());
}

or_refused<asked_page> page_of(const received_request& request) {
  const auto limit = page_limit(request);
  if (!limit)
    return refused_request{422, limit_words};
  auto place = cursor_of(request);
  if (!place)
    return refused_request{422, no_such_place};
  return asked_page{*limit, std::move(*place)};
}

reply with_limits(const application& app, const visitor& who, reply from) {
  if (auto allowance = app.allowance_of(who))
    tell_limits(from, **allowance);
  return from;
}

caf::expected<json> offered_models(const application& app, const visitor& who,
                                   const std::function<json(const model_config&, const model_choices&)>& show) {
  auto context = app.bare_context_of(who);
  if (!context)
    return std::move(context.error());
  const auto& choices = *context->models;
  auto models = json::array();
  for (const auto& model : choices.models)
    if (choices.offered(model))
      models.push_back(show(model, choices));
  return models;
}

std::string filter_of(const received_request& request, std::string_view name) {
  return query_value(request, name).value_or("");
}

std::string wrong_filter(const received_request& request, std::initializer_list<std::string_view> names) {
  for (auto name : names)
    if (const auto value = filter_of(request, name); value.size() > filter_bytes_max || !is_utf8(value))
      return "?" + std::string{name} + "= is longer than " + std::to_string(filter_bytes_max) + " bytes, or no UTF-8.";
  return {};
}

json json_of(const chat_record& chat) {
  json value{{"id", chat.id},
             {"title", chat.title},
             {"model", chat.model},
             {"created_at", chat.created_at},
             {"updated_at", chat.updated_at},
             {"last_seq", chat.last_seq}};
  if (!chat.python.empty())
    value["python"] = chat.python;
  if (!chat.effort.empty())
    value["effort"] = chat.effort;
  return value;
}

} // namespace varro
