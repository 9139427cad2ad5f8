#include "actors/type_ids.hpp"
#include "base/base64.hpp"

#include "models/message_json.hpp"

namespace varro {

namespace {

caf::error bad_wire(const char* what) {
  return fail(errc::invalid_input, std::string{"a "} + what + " from another node could not be read");
}

template <class Alternative>
caf::error from_wire_as(const std::string& text, Alternative& x, const char* what) {
  auto value = message_from_text(text);
  if (!value)
    return value.error();
  if (auto* found = std::get_if<Alternative>(&*value)) {
    x = std::move(*found);
    return caf::none;
  }
  return bad_wire(what);
}

} // namespace

std::string to_wire(const message& x) {
  return to_json_text(x);
}

caf::error from_wire(const std::string& text, message& x) {
  auto value = message_from_text(text);
  if (!value)
    return value.error();
  x = std::move(*value);
  return caf::none;
}

caf::error from_wire(const std::string& text, model_request& x) {
  return from_wire_as(text, x, "request");
}

caf::error from_wire(const std::string& text, model_response& x) {
  return from_wire_as(text, x, "response");
}

std::string to_wire(const std::vector<user_content>& x) {
  model_request carrier;
  carrier.parts.push_back(user_prompt_part{x, ""});
  return to_json_text(message{std::move(carrier)});
}

caf::error from_wire(const std::string& text, std::vector<user_content>& x) {
  model_request carrier;
  if (auto err = from_wire(text, carrier))
    return err;
  const auto* prompt = carrier.parts.size() == 1 ? std::get_if<user_prompt_part>(&carrier.parts.front()) : nullptr;
  const auto* items = prompt == nullptr ? nullptr : std::get_if<std::vector<user_content>>(&prompt->content);
  if (items == nullptr)
    return bad_wire("list of files");
  x = *items;
  return caf::none;
}

std::string to_wire(const token_usage& x) {
  return to_json(x).dump();
}

caf::error from_wire(const std::string& text, token_usage& x) {
  model_response carrier;
  auto envelope = to_json(message{carrier});
  envelope["usage"] = json::parse(text, nullptr, false);
  if (envelope["usage"].is_discarded())
    return bad_wire("token usage");
  auto value = message_from_json(envelope);
  if (!value)
    return value.error();
  x = std::get<model_response>(*value).usage;
  return caf::none;
}

// A cell travels as the tool return that it becomes.
std::string to_wire(const cell_result& x) {
  tool_return_part part;
  part.content = json{{"text", cell_text(x)}};
  part.metadata = cell_metadata(x);
  auto images = json::array();
  for (const auto& image : cell_images(x))
    images.push_back({{"media_type", image.media_type}, {"data", base64url_encode(image.data)}});
  return json{{"metadata", part.metadata}, {"images", std::move(images)}}.dump(-1, ' ', false,
                                                                               json::error_handler_t::replace);
}

caf::error from_wire(const std::string& text, cell_result& x) {
  auto value = json::parse(text, nullptr, false);
  if (!value.is_object() || !value.contains("metadata") || !value.contains("images"))
    return bad_wire("cell result");
  tool_return_part part;
  part.metadata = value["metadata"];
  part.content = json::array({""});
  for (const auto& image : value["images"]) {
    part.content.push_back({{"data", image.value("data", "")},
                            {"media_type", image.value("media_type", "")},
                            {"vendor_metadata", nullptr},
                            {"kind", "binary"},
                            {"identifier", ""}});
  }
  auto cell = cell_from_tool_return(part);
  if (!cell)
    return bad_wire("cell result");
  x = std::move(*cell);
  return caf::none;
}

// Without the key: a node asks its own configuration for that.
std::string to_wire(const model_query& x) {
  auto tools = json::array();
  for (const auto& tool : x.tools)
    tools.push_back({{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}});
  return json{{"model", x.model.id},
              {"history", x.history ? to_json(*x.history) : json::array()},
              {"instructions", x.instructions},
              {"tools", std::move(tools)},
              {"settings", x.settings},
              {"conversation_id", x.conversation_id}}
    .dump(-1, ' ', false, json::error_handler_t::replace);
}

caf::error from_wire(const std::string& text, model_query& x) {
  auto value = json::parse(text, nullptr, false);
  if (!value.is_object() || !value.contains("history"))
    return bad_wire("model query");
  auto history = messages_from_json(value["history"]);
  if (!history)
    return history.error();
  x.model.id = value.value("model", "");
  x.history = std::make_shared<const std::vector<message>>(std::move(*history));
  x.instructions = value.value("instructions", "");
  x.conversation_id = value.value("conversation_id", "");
  x.settings = value.contains("settings") ? value["settings"] : json{};
  x.tools.clear();
  if (value.contains("tools"))
    for (const auto& tool : value["tools"])
      x.tools.push_back({tool.value("name", ""), tool.value("description", ""), tool["parameters"]});
  return caf::none;
}

std::string to_wire(const tool_outcome& x) {
  model_request carrier;
  carrier.parts.push_back(x.part);
  return json{{"id", x.tool_call_id}, {"cancelled", x.cancelled}, {"message", to_json(message{carrier})}}.dump(
    -1, ' ', false, json::error_handler_t::replace);
}

caf::error from_wire(const std::string& text, tool_outcome& x) {
  auto value = json::parse(text, nullptr, false);
  if (!value.is_object() || !value.contains("message"))
    return bad_wire("tool outcome");
  auto carrier = message_from_json(value["message"]);
  if (!carrier)
    return carrier.error();
  auto* request = std::get_if<model_request>(&*carrier);
  if (request == nullptr || request->parts.size() != 1)
    return bad_wire("tool outcome");
  x.tool_call_id = value.value("id", "");
  x.cancelled = value.value("cancelled", false);
  x.part = std::move(request->parts.front());
  return caf::none;
}

} // namespace varro
