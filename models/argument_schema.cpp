#include "models/argument_schema.hpp"

#include "base/text.hpp"

#define VALIJSON_USE_EXCEPTIONS 1 // else it ends the process
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

namespace varro {

namespace {

using adapter = valijson::adapters::NlohmannJsonAdapter;
constexpr size_t references_max = 16; // to a reference

using path = std::vector<std::string>; // of names and indexes, as valijson tells it: "<root>", "[code]", "[0]"

// Without what would become a regular expression, and without names; whether there was any. A list of values that is
// changed by that is no list of the same values any more.
bool drop_expressions(json& schema) {
  bool changed = false;
  if (schema.is_array()) {
    for (auto& each : schema)
      changed = drop_expressions(each) || changed;
    return changed;
  }
  if (!schema.is_object())
    return false;
  for (const auto* name : {"pattern", "format", "id", "$id"}) // the last two change what references mean
    if (auto found = schema.find(name); found != schema.end() && found->is_string()) {
      schema.erase(found);
      changed = true;
    }
  if (schema.erase("patternProperties") > 0) {
    schema.erase("additionalProperties"); // means those that no pattern matches
    changed = true;
  }
  for (auto each = schema.begin(); each != schema.end();) {
    bool is_value = each.key() == "enum" || each.key() == "const";
    bool has_changed = drop_expressions(each.value());
    changed = changed || has_changed;
    if (is_value && has_changed)
      each = schema.erase(each);
    else
      ++each;
  }
  return changed;
}

// What a reference means within the same schema; null: nothing.
const json* referred(const json& root, const std::string& reference) {
  if (!reference.starts_with('#'))
    return nullptr;
  auto pointer = percent_decode(std::string_view{reference}.substr(1), false);
  if (!pointer)
    return nullptr;
  try {
    json::json_pointer where{*pointer};
    return root.contains(where) ? &root.at(where) : nullptr;
  } catch (const json::exception&) {
    return nullptr;
  }
}

// valijson follows references to references without an end, and others' schemas it would have to fetch.
bool is_readable(const json& root, const json& schema) {
  if (schema.is_array() || schema.is_object())
    for (const auto& each : schema)
      if (!is_readable(root, each))
        return false;
  const auto* at = &schema;
  for (size_t hops = 0; at->is_object(); ++hops) {
    auto reference = at->find("$ref");
    if (reference == at->end() || !reference->is_string())
      return true;
    at = referred(root, reference->get_ref<const std::string&>());
    if (at == nullptr || hops == references_max)
      return false;
  }
  return true;
}

// "[code]" to "code".
std::string unwrapped(const std::string& step) {
  return step.size() >= 2 ? step.substr(1, step.size() - 2) : step;
}

const json* child_of(const json& value, const std::string& step) {
  if (value.is_object()) {
    auto found = value.find(step);
    return found == value.end() ? nullptr : &*found;
  }
  bool is_index = !step.empty() && step.size() < 10 && step.find_first_not_of("0123456789") == step.npos;
  return value.is_array() && is_index && std::stoul(step) < value.size() ? &value[std::stoul(step)] : nullptr;
}

// Where an error is, and what stands there.
struct place {
  json loc = json::array();
  const json* input;
  const json* schema; // null where the way to it leads over more than properties and items
};

place find_place(const path& context, const json& schema, const json& value) {
  place found{json::array(), &value, &schema};
  for (size_t i = 1; i < context.size(); ++i) {
    auto step = unwrapped(context[i]);
    if (found.schema != nullptr) {
      auto keyword = found.input->is_array() ? found.schema->find("items") : found.schema->find("properties");
      const auto* next = keyword == found.schema->end() ? nullptr : &*keyword;
      found.schema = next == nullptr || found.input->is_array() ? next : child_of(*next, step);
      if (found.schema != nullptr && !found.schema->is_object())
        found.schema = nullptr;
    }
    if (found.input->is_array())
      found.loc.push_back(std::strtoul(step.c_str(), nullptr, 10));
    else
      found.loc.push_back(step);
    if (const auto* child = child_of(*found.input, step))
      found.input = child;
  }
  return found;
}

// The text between the first pair of quotes at the end of the library's sentence: a property's name.
std::optional<std::string> quoted(std::string_view text, std::string_view before) {
  auto begin = text.find(before);
  auto end = text.rfind('\'');
  if (begin == text.npos || end == text.npos || end < begin + before.size())
    return std::nullopt;
  begin += before.size();
  return std::string{text.substr(begin, end - begin)};
}

json error_of(const valijson::ValidationResults::Error& error, const json& schema, const json& value) {
  auto where = find_place(error.context, schema, value);
  std::string type = "schema", message = error.description;
  if (auto name = quoted(message, "Missing required property '")) {
    where.loc.push_back(*name);
    type = "missing";
    message = "Field required";
  } else if (auto extra = quoted(message, "'additionalProperties' constraints: '")) {
    where.loc.push_back(*extra);
    type = "extra_forbidden";
    message = "Extra inputs are not permitted";
  } else if (message.find("by 'type' constraint") != message.npos && where.schema != nullptr
             && where.schema->contains("type") && where.schema->at("type").is_string()) {
    const auto& wanted = where.schema->at("type").get_ref<const std::string&>();
    type = wanted + "_type";
    message = "Input should be a valid " + wanted;
  }
  return {{"type", type}, {"loc", std::move(where.loc)}, {"msg", message}, {"input", *where.input}};
}

// Whether it only says that something inside is wrong, which an error of its own has told.
bool is_echo(const std::string& description) {
  return description.starts_with("Failed to validate against schema associated with property")
    || description.starts_with("Failed to validate item #")
    || description.starts_with("Failed to validate against additional properties schema")
    || description.starts_with("Failed to validate against child schema #");
}

} // namespace

json schema_errors(const json& schema, const json& value) {
  auto read = schema;
  drop_expressions(read);
  if (!is_readable(read, read))
    return nullptr;
  valijson::Schema compiled;
  valijson::ValidationResults results;
  try {
    valijson::SchemaParser{}.populateSchema(adapter{read}, compiled);
    if (valijson::Validator{}.validate(compiled, adapter{value}, &results))
      return nullptr;
  } catch (const std::exception&) {
    return nullptr;
  }
  auto errors = json::array();
  for (const auto& each : results)
    if (errors.size() < schema_errors_max && !is_echo(each.description))
      if (auto error = error_of(each, read, value); std::find(errors.begin(), errors.end(), error) == errors.end())
        errors.push_back(std::move(error));
  if (errors.empty()) // a schema that is `false`
    errors.push_back({{"type", "schema"}, {"loc", json::array()}, {"msg", "No value is allowed"}, {"input", value}});
  return errors;
}

} // namespace varro
