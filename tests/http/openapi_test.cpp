// The document of /api says what the table of routes has, and nothing else.
#include "http/api/openapi.hpp"
#include "http/api/operation.hpp"
#include "render/api_page.hpp"
#include "tests/http/route_addresses.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <set>

using namespace varro;
using namespace varro::test;

namespace {

// Every "$ref" of a document.
void each_reference(const json& value, const std::function<void(const std::string&)>& see) {
  if (value.is_object() && value.contains("$ref"))
    see(value["$ref"].get<std::string>());
  if (value.is_structured())
    for (const auto& each : value)
      each_reference(each, see);
}

} // namespace

TEST_CASE("every route for programs is described, and no other") {
  std::set<std::string_view> ids;
  for (const auto& row : all_routes()) {
    CAPTURE(row.method);
    CAPTURE(row.path);
    REQUIRE((row.described != nullptr) == is_for_programs(row));
    if (row.described == nullptr)
      continue;
    CHECK(ids.insert(row.described->id).second);
    CHECK(row.described->answers[0].status != 0);
    CHECK((row.described->body == api_body::none || row.described->body == api_body::files)
          == row.described->body_schema.empty());
  }
  CHECK(ids.size() > 30);
}

TEST_CASE("the document has the described routes, each with its answers, and nothing else") {
  const auto& document = openapi_document();
  std::map<std::string, std::set<std::string>> found, wanted;
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, operation] : methods.items())
      found[path].insert(method);
  for (const auto& row : all_routes())
    if (row.described != nullptr) {
      std::string method{row.method};
      for (auto& c : method)
        c = static_cast<char>(c - 'A' + 'a');
      wanted[openapi_path(row.path)].insert(method);
      const auto& operation = document["paths"][openapi_path(row.path)][method];
      CAPTURE(row.path);
      for (const auto& answer : row.described->answers)
        CHECK((answer.status == 0 || operation["responses"].contains(std::to_string(answer.status))));
      CHECK(operation["responses"].contains("500"));
      CHECK(operation["responses"].contains("401") == !std::holds_alternative<open_route>(row.action));
      CHECK(operation["responses"].contains("404") >= (row.path.find('{') != row.path.npos));
    }
  CHECK(found == wanted);
}

TEST_CASE("the document refers to what it has, and has nothing that it does not refer to") {
  const auto& document = openapi_document();
  std::set<std::string> seen;
  each_reference(document, [&](const std::string& reference) {
    CAPTURE(reference);
    REQUIRE(reference.starts_with("#/components/"));
    CHECK(document.contains(json::json_pointer(reference.substr(1))));
    seen.insert(reference);
  });
  for (const auto* kind : {"schemas", "responses"}) {
    const auto& components = document["components"][kind];
    for (auto one = components.begin(); one != components.end(); ++one)
      CHECK_MESSAGE(seen.contains("#/components/" + std::string{kind} + "/" + one.key()), one.key());
  }
}

TEST_CASE("errors below /v1 are those of OpenAI's SDKs, and what is streamed stands beside what is whole") {
  const auto& document = openapi_document();
  const auto& create = document["paths"]["/v1/responses"]["post"]["responses"];
  CHECK(create["200"]["content"].contains("application/json"));
  CHECK(create["200"]["content"].contains("text/event-stream"));
  CHECK(create["400"]["$ref"] == "#/components/responses/ResponseError400");
  CHECK(document["paths"]["/api/v1/me"]["get"]["responses"]["400"]["$ref"] == "#/components/responses/Error400");
}

TEST_CASE("a path of the table becomes a path of the document") {
  CHECK(openapi_path("/a/{chat}/b.{format:x|y}/{path*}") == "/a/{chat}/b.{format}/{path}");
  CHECK(openapi_path("/a") == "/a");
}

TEST_CASE("a change by a browser session needs its token, and a token of a program none") {
  const auto& document = openapi_document();
  const auto& change = document["paths"]["/api/v1/chats"]["post"]["security"];
  REQUIRE(change.size() == 2);
  CHECK(change[0] == json{{"token", json::array({"chat"})}});
  CHECK(change[1].contains("csrf"));
  const auto& tokens = document["paths"]["/api/v1/tokens"]["get"]["security"];
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].contains("session"));
}

TEST_CASE("the page has each operation and loads nothing from elsewhere") {
  const auto page = api_page(openapi_document()).str();
  for (const auto& row : all_routes())
    if (row.described != nullptr)
      CHECK_MESSAGE(page.find("operation-" + std::string{row.described->id} + "\"") != page.npos, row.path);
  CHECK(page.find("//") == page.find("// ")); // no address with a host
  CHECK(page.find("http:") == page.npos);
  CHECK(page.find("https:") == page.npos);
}
