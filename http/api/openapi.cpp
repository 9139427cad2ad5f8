#include "http/api/openapi.hpp"

#include "base/text.hpp"
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/api/operation.hpp"
#include "http/api/problem.hpp"
#include "http/route.hpp"
#include "render/api_page.hpp"

#include <set>
#include <string>

namespace varro {

namespace {

// What the guard, the front, the router and a busy server say to every request.
constexpr std::array common_errors{400, 403, 408, 413, 414, 417, 421, 431, 500, 501, 503, 505};

bool is_open(const route& row) {
  return std::holds_alternative<open_route>(row.action);
}

bool changes(const route& row) {
  const auto* found = std::get_if<api_route>(&row.action);
  return found != nullptr && found->changes;
}

json reference(std::string_view name) {
  return {{"$ref", "#/components/schemas/" + std::string{name}}};
}

json integer(int64_t least) {
  return {{"type", "integer"}, {"format", "int64"}, {"minimum", least}, {"maximum", INT64_MAX}};
}

json path_parameter(const path_segment& segment, std::string_view route_path) {
  json schema{{"type", "string"}, {"minLength", 1}};
  if (segment.name == "chat" || segment.name == "run")
    schema = integer(1);
  else if (segment.name == "turn")
    schema = integer(0);
  else if (segment.pattern.find('|') != std::string::npos) {
    auto words = json::array();
    for (auto word : words_of(segment.pattern, "|"))
      words.push_back(word);
    schema = {{"type", "string"}, {"enum", std::move(words)}};
  }
  json parameter{{"name", segment.name}, {"in", "path"}, {"required", true}, {"schema", std::move(schema)}};
  if (route_path.find("{" + segment.name + "*}") != std::string_view::npos)
    parameter["description"] = "Slashes may be written as they are, or as %2F.";
  return parameter;
}

std::string_view place_name(api_parameter::place in) {
  return in == api_parameter::place::path ? "path" : in == api_parameter::place::query ? "query" : "header";
}

json parameters_of(const route& row) {
  auto list = json::array();
  for (const auto& segment : pattern_of(row.path).segments)
    list.push_back(path_parameter(segment, row.path));
  for (const auto& each : row.described->parameters)
    if (!each.name.empty())
      list.push_back({{"name", each.name},
                      {"in", place_name(each.in)},
                      {"description", each.says},
                      {"schema", json::parse(each.schema)}});
  if (row.described->sends)
    list.push_back(
      {{"name", "Idempotency-Key"},
       {"in", "header"},
       {"description",
        "The same key carries the same request out once within 24 hours, and is answered as it was first."},
       {"schema", {{"type", "string"}, {"minLength", 1}, {"maxLength", 255}, {"pattern", "^[!#-\\[\\]-~]+$"}}}});
  return list;
}

json file_list_schema() {
  return {{"type", "array"}, {"items", {{"type", "string"}, {"format", "binary"}}}};
}

// A form with the fields of a schema, and files.
json form_of(std::string_view name) {
  auto schema = api_schemas()[std::string{name}];
  schema["properties"]["files"] = file_list_schema();
  schema.erase("required"); // files may stand in the place of a message
  return {{"schema", std::move(schema)}};
}

json body_of(const api_operation& what) {
  json content;
  if (what.body == api_body::json || what.body == api_body::turn)
    content["application/json"] = {{"schema", reference(what.body_schema)}};
  if (what.body == api_body::turn)
    content["multipart/form-data"] = form_of(what.body_schema);
  if (what.body == api_body::files) {
    content["multipart/form-data"]
      = {{"schema", {{"type", "object"}, {"properties", {{"files", file_list_schema()}}}}}};
    content["application/octet-stream"] = {{"schema", {{"type", "string"}, {"format", "binary"}}}};
  }
  const auto schemas = api_schemas();
  const bool required = what.body == api_body::files || schemas[std::string{what.body_schema}].contains("required");
  return {{"required", required}, {"content", std::move(content)}};
}

json header(std::string_view says) {
  return {{"description", says}, {"schema", {{"type", "string"}}}};
}

json answer_of(const api_operation& what, const api_answer& answer) {
  json value{{"description", answer.says}};
  for (const auto& each : what.answers) // of one status there may be two media types
    if (each.status == answer.status && !each.content.media.empty())
      value["content"][std::string{each.content.media}]
        = {{"schema", each.content.schema.empty() ? json::object() : reference(each.content.schema)}};
  json headers;
  if (answer.status == 201)
    headers["Location"] = header("Where what was made is.");
  if (what.answers[1].status == 304)
    headers["ETag"] = header("Of this answer.");
  if (what.sends) {
    headers["RateLimit-Policy"] = header("The limits that sends count for, where there are any.");
    headers["RateLimit"] = header("What is left of them.");
    headers["Idempotency-Replayed"] = header("\"true\": the request was carried out before.");
  }
  if (!headers.is_null())
    value["headers"] = std::move(headers);
  return value;
}

std::set<int> errors_of(const route& row) {
  const auto& what = *row.described;
  std::set<int> all(common_errors.begin(), common_errors.end());
  for (auto each : what.errors)
    if (each != 0)
      all.insert(each);
  if (!is_open(row))
    all.insert({401, 429});
  if (row.path.find('{') != std::string_view::npos)
    all.insert(404);
  if (row.path.find("{chat}") != std::string_view::npos) // it is held for a moment while retention looks at it
    all.insert(409);
  if (what.body != api_body::none)
    all.insert({415, 422});
  return all;
}

json responses_of(const route& row) {
  json all;
  for (const auto& answer : row.described->answers)
    if (answer.status != 0 && !all.contains(std::to_string(answer.status)))
      all[std::to_string(answer.status)] = answer_of(*row.described, answer);
  const std::string error = is_response_target(row.path) ? "ResponseError" : "Error";
  for (auto status : errors_of(row))
    all[std::to_string(status)] = {{"$ref", "#/components/responses/" + error + std::to_string(status)}};
  return all;
}

// What each scope lets a token do, as the tokens have it.
std::string_view scope_name(route_scope scope) {
  return scope == route_scope::read ? "read" : scope == route_scope::chat ? "chat" : "admin";
}

json security_of(const route& row) {
  if (is_open(row))
    return json::array();
  json session{{"session", json::array()}};
  if (changes(row))
    session["csrf"] = json::array();
  auto ways = json::array();
  if (row.scope.value != route_scope::browser) {
    auto token = json::object();
    token["token"] = json::array();
    token["token"].push_back(scope_name(row.scope.value));
    ways.push_back(std::move(token));
  }
  ways.push_back(std::move(session));
  return ways;
}

std::string lower(std::string_view method) {
  return ascii_lower(method);
}

// Those of problem details, and below /v1 those of OpenAI's SDKs. Only what a route refers to.
json error_responses() {
  json all;
  for (auto status : {400, 401, 403, 404, 408, 409, 413, 414, 415, 417, 421, 422, 429, 431, 500, 501, 503, 505}) {
    json one{{"description", problem_title(status)}};
    if (status == 429 || status == 503)
      one["headers"]["Retry-After"] = header("After how many seconds to ask again.");
    if (status == 401 || status == 403)
      one["headers"]["WWW-Authenticate"] = header("What is missing (RFC 6750).");
    auto of_response = one;
    one["content"][std::string{problem_type}] = {{"schema", reference("Problem")}};
    of_response["content"][std::string{response_error_type}] = {{"schema", reference("ResponseError")}};
    all["Error" + std::to_string(status)] = std::move(one);
    all["ResponseError" + std::to_string(status)] = std::move(of_response);
  }
  return all;
}

json make_document() {
  json document{
    {"openapi", "3.1.0"},
    {"info",
     {{"title", "Varro"},
      {"version", "1"},
      {"description",
       "Chats with a Python shell each. Times are Unix time in microseconds. Errors are problem details (RFC 9457). "
       "A program says who it is with a token (Authorization: Bearer); a browser session needs its CSRF token for "
       "each change. Without accounts nobody has to say it. Fields that say nothing are left out, and further ones "
       "may come."}}},
    {"servers", json::array()},
    {"paths", json::object()}};
  document["servers"].push_back({{"url", "/"}});
  for (const auto& row : all_routes()) {
    if (row.described == nullptr)
      continue;
    json operation{{"operationId", row.described->id},
                   {"tags", json::array()},
                   {"summary", row.does},
                   {"parameters", parameters_of(row)}};
    operation["tags"].push_back(row.described->group);
    if (row.described->body != api_body::none)
      operation["requestBody"] = body_of(*row.described);
    operation["responses"] = responses_of(row);
    operation["security"] = security_of(row);
    document["paths"][openapi_path(row.path)][lower(row.method)] = std::move(operation);
  }
  auto& components = document["components"];
  components["schemas"] = api_schemas();
  components["responses"] = error_responses();
  components["securitySchemes"] = {{"token", {{"type", "http"}, {"scheme", "bearer"}}},
                                   {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", "varro_session"}}},
                                   {"csrf", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-CSRF-Token"}}}};
  return document;
}

} // namespace

std::string openapi_path(std::string_view route_path) {
  std::string result;
  bool named = true;
  for (char c : route_path) {
    if (c == '{')
      named = true;
    if (c == ':' || c == '*')
      named = false;
    if (c == '}')
      named = true;
    if (named)
      result += c;
  }
  return result;
}

const json& openapi_document() {
  static const json document = make_document();
  return document;
}

namespace api {

reply show_openapi(application&, const route_call& call) {
  static const std::string text = dump_json(openapi_document());
  reply result;
  result.content_type = "application/json";
  result.body = text;
  result = with_etag(call.request, std::move(result));
  result.cache_control = "no-cache";
  return result;
}

reply show_api_page(application&, const route_call& call) {
  static const std::string page = api_page(openapi_document()).str();
  reply result;
  result.body = page;
  result = with_etag(call.request, std::move(result));
  result.cache_control = "no-cache";
  return result;
}

} // namespace api

} // namespace varro
