#include "render/api_page.hpp"

#include "render/page_parts.hpp"

#include <map>
#include <string>
#include <string_view>

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;

std::string text_of(const json& value, const char* name) {
  const auto found = value.find(name);
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

// The last word of "#/components/schemas/Chat".
std::string name_referred_to(const json& schema) {
  const auto reference = text_of(schema, "$ref");
  return reference.substr(reference.rfind('/') + 1);
}

markup schema_link(const json& schema) {
  const auto name = name_referred_to(schema);
  return name.empty() ? fragment(text_of(schema, "type")) : element("a", {{"href", url{"#schema-" + name}}}, name);
}

markup parameter_rows(const json& parameters) {
  return html::each(parameters, [](const json& each) {
    const auto place = text_of(each, "in");
    return element("tr", element("th", {{"scope", "row"}}, element("code", text_of(each, "name"))),
                   element("td", place, place == "path" ? ", required" : ""),
                   element("td", text_of(each, "description")),
                   element("td", element("code", dump_json(each["schema"]))));
  });
}

markup table(std::string_view caption, const markup& rows) {
  return element("div", {{"class", "table-scroll"}, {"tabindex", 0}, {"role", "group"}, {"aria-label", caption}},
                 element("table", element("caption", caption), element("tbody", rows)));
}

markup parameter_table(const json& parameters) {
  if (parameters.empty())
    return {};
  return table("Parameters", parameter_rows(parameters));
}

markup content_line(std::string_view what, const json& content) {
  markup out;
  for (const auto& [media, one] : content.items())
    out += element("p", what, element("code", media), " ", schema_link(one["schema"]));
  return out;
}

markup response_rows(const json& responses, const json& document) {
  markup out;
  for (const auto& [status, response] : responses.items()) {
    const auto shared = name_referred_to(response);
    const auto& told = shared.empty() ? response : document["components"]["responses"][shared];
    markup holds;
    if (const auto content = told.find("content"); content != told.end())
      holds = content_line("", *content);
    out += element("tr", element("th", {{"scope", "row"}}, status), element("td", text_of(told, "description")),
                   element("td", holds));
  }
  return out;
}

markup operation_html(std::string_view method, std::string_view path, const json& operation, const json& document) {
  const auto id = text_of(operation, "operationId");
  markup body;
  if (const auto request = operation.find("requestBody"); request != operation.end())
    body = content_line("Body: ", (*request)["content"]);
  return element("details", {{"class", "api-operation"}, {"id", "operation-" + id}},
                 element("summary", element("code", method, " ", path), " ", text_of(operation, "summary")),
                 parameter_table(operation["parameters"]), body,
                 table("Answers", response_rows(operation["responses"], document)));
}

std::string upper(std::string text) {
  for (auto& c : text)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// By their groups, in the order of the document.
markup operations_html(const json& document) {
  std::vector<std::string> groups;
  std::map<std::string, markup> by_group;
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, operation] : methods.items()) {
      const auto group = operation["tags"].at(0).get<std::string>();
      if (!by_group.contains(group))
        groups.push_back(group);
      by_group[group] += operation_html(upper(method), path, operation, document);
    }
  return html::each(
    groups, [&](const std::string& group) { return element("section", element("h2", group), by_group[group]); });
}

markup schemas_html(const json& schemas) {
  markup out;
  for (const auto& [name, schema] : schemas.items())
    out += element("details", {{"class", "api-schema"}, {"id", "schema-" + name}},
                   element("summary", element("code", name)), element("pre", schema.dump(2)));
  return out;
}

} // namespace

html::markup api_page(const json& document) {
  const auto& info = document["info"];
  return varro::document({}, "API – Varro", "admin", [&](markup& out) {
    const html::open_element main{out, "main", {{"class", "admin-main api-main"}}};
    out += element("h1", "The API of Varro");
    out += element("p", text_of(info, "description"));
    out += element("p", "For programs: ", element("a", {{"href", url{"/api/v1/openapi.json"}}}, "/api/v1/openapi.json"),
                   " (OpenAPI ", text_of(document, "openapi"), ")");
    out += operations_html(document);
    out += element("section", element("h2", "Schemas"), schemas_html(document["components"]["schemas"]));
  });
}

} // namespace varro
