#include "http/api/response_request.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace varro {

namespace {

using problem = std::optional<response_refusal>;

response_refusal wrong(std::string text, std::string param) {
  return {400, std::move(text), std::move(param), "invalid_value"};
}
response_refusal not_done(std::string text, std::string param) {
  return {400, std::move(text), std::move(param), "unsupported_parameter"};
}

// A member that is there and not null; else null.
const json* member_of(const json& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool is_text(const json* value) {
  return value != nullptr && value->is_string();
}

std::string text_of(const json& object, std::string_view name) {
  const auto* value = member_of(object, name);
  return is_text(value) ? value->get<std::string>() : std::string{};
}

// --- parameters ------------------------------------------------------------------------------------------------------

struct fixed_parameter {
  std::string_view name;
  std::vector<json> taken; // what Varro does anyway
  std::string_view otherwise;
};

// Of what has one value here; null is always taken.
problem check_fixed(const json& body) {
  constexpr auto sampling = "The model's own is used: leave it out.";
  static const std::vector<fixed_parameter> all{
    {"store", {true}, "Every response is stored, with its chat and its files: delete the chat instead."},
    {"background", {false}, "Leave it out: a run goes on without its client, and can be asked for again by its id."},
    {"instructions", {}, "A chat keeps the instructions that it began with. Send a message of the role \"system\"."},
    {"conversation", {}, "Name the response to go on from: previous_response_id."},
    {"prompt", {}, "There are no stored prompts."},
    {"temperature", {1}, sampling},
    {"top_p", {1}, sampling},
    {"presence_penalty", {0}, sampling},
    {"frequency_penalty", {0}, sampling},
    {"top_logprobs", {0}, "There are no probabilities of tokens."},
    {"max_output_tokens", {}, "The limits of the server hold: leave it out."},
    {"max_tool_calls", {}, "The limits of the server hold: leave it out."},
    {"parallel_tool_calls", {true}, "The model decides how it calls."},
    {"tool_choice", {"auto"}, "The model decides which tools it calls."},
    {"truncation", {"auto"}, "What does not fit the model is left out, oldest first: only \"auto\" is possible."},
    {"service_tier", {"auto", "default"}, "There is one tier."},
    {"context_management", {}, "The server decides it."},
  };
  for (const auto& each : all) {
    const auto* value = member_of(body, each.name);
    if (value != nullptr && std::find(each.taken.begin(), each.taken.end(), *value) == each.taken.end())
      return not_done("\"" + std::string{each.name} + "\" cannot be set so. " + std::string{each.otherwise},
                      std::string{each.name});
  }
  return std::nullopt;
}

// A misspelt parameter shall not look as if it were obeyed.
problem check_names(const json& body) {
  constexpr std::array<std::string_view, 32> known{"store",
                                                   "background",
                                                   "instructions",
                                                   "metadata",
                                                   "conversation",
                                                   "prompt",
                                                   "temperature",
                                                   "top_p",
                                                   "presence_penalty",
                                                   "frequency_penalty",
                                                   "top_logprobs",
                                                   "max_output_tokens",
                                                   "max_tool_calls",
                                                   "parallel_tool_calls",
                                                   "tool_choice",
                                                   "truncation",
                                                   "service_tier",
                                                   "context_management",
                                                   "model",
                                                   "input",
                                                   "stream",
                                                   "previous_response_id",
                                                   "tools",
                                                   "text",
                                                   "reasoning",
                                                   "include",
                                                   "stream_options",
                                                   "user",
                                                   "safety_identifier",
                                                   "prompt_cache_key",
                                                   "prompt_cache_retention",
                                                   "prompt_cache_options"};
  for (const auto& [name, value] : body.items())
    if (std::find(known.begin(), known.end(), std::string_view{name}) == known.end())
      return response_refusal{400, "There is no parameter \"" + name + "\".", name, "unknown_parameter"};
  return std::nullopt;
}

problem check_tools(const json& body) {
  const auto* tools = member_of(body, "tools");
  if (tools == nullptr)
    return std::nullopt;
  if (!tools->is_array())
    return wrong("\"tools\" is to be a list.", "tools");
  for (const auto& tool : *tools)
    if (!tool.is_object() || text_of(tool, "type") != "code_interpreter")
      return not_done("The tools are the server's own: of these only \"code_interpreter\", which is always there.",
                      "tools");
  return std::nullopt;
}

problem check_text(const json& body) {
  const auto* text = member_of(body, "text");
  if (text == nullptr)
    return std::nullopt;
  if (!text->is_object())
    return wrong("\"text\" is to be an object.", "text");
  const auto* format = member_of(*text, "format");
  if (format != nullptr && (!format->is_object() || text_of(*format, "type") != "text"))
    return not_done("Answers are text: no other format is possible.", "text.format");
  const auto* verbosity = member_of(*text, "verbosity");
  if (verbosity != nullptr && *verbosity != "medium")
    return not_done("The verbosity is the model's own: leave it out.", "text.verbosity");
  return std::nullopt;
}

problem check_include(const json& body) {
  const auto* include = member_of(body, "include");
  if (include == nullptr)
    return std::nullopt;
  if (!include->is_array())
    return wrong("\"include\" is to be a list.", "include");
  for (const auto& each : *include)
    if (each != "code_interpreter_call.outputs")
      return not_done("Only \"code_interpreter_call.outputs\" can be included, which always is.", "include");
  return std::nullopt;
}

problem read_reasoning(const json& body, response_request& to) {
  const auto* reasoning = member_of(body, "reasoning");
  if (reasoning == nullptr)
    return std::nullopt;
  if (!reasoning->is_object())
    return wrong("\"reasoning\" is to be an object.", "reasoning");
  const auto* effort = member_of(*reasoning, "effort");
  if (effort != nullptr && !effort->is_string())
    return wrong("\"effort\" is to be a text.", "reasoning.effort");
  if (effort != nullptr)
    to.effort = *effort == "none" ? "off" : effort->get<std::string>();
  const auto* summary = member_of(*reasoning, "summary");
  if (summary != nullptr && *summary != "auto")
    return not_done("What is told of the thinking is what its provider tells: only \"auto\" is possible.",
                    "reasoning.summary");
  return std::nullopt;
}

problem read_choices(const json& body, response_request& to) {
  const auto *stream = member_of(body, "stream"), *model = member_of(body, "model"),
             *previous = member_of(body, "previous_response_id");
  if (stream != nullptr && !stream->is_boolean())
    return wrong("\"stream\" is to be true or false.", "stream");
  if (model != nullptr && !model->is_string())
    return wrong("\"model\" is to be a text.", "model");
  if (previous != nullptr && !previous->is_string())
    return wrong("\"previous_response_id\" is to be a text.", "previous_response_id");
  to.stream = stream != nullptr && stream->get<bool>();
  to.model = model == nullptr ? std::string{} : model->get<std::string>();
  if (previous == nullptr)
    return std::nullopt;
  to.previous = parse_response_id(previous->get<std::string>());
  if (!to.previous)
    return response_refusal{400, "There is no response with the id \"" + previous->get<std::string>() + "\".",
                            "previous_response_id", "previous_response_not_found"};
  return std::nullopt;
}

problem read_metadata(const json& body, response_request& to) {
  const auto* metadata = member_of(body, "metadata");
  if (metadata == nullptr)
    return std::nullopt;
  if (!metadata->is_object() || metadata->size() > metadata_pairs_max)
    return wrong("\"metadata\" is to be an object of at most " + std::to_string(metadata_pairs_max) + " texts.",
                 "metadata");
  for (const auto& [name, value] : metadata->items())
    if (!value.is_string() || code_points(name) > metadata_name_max
        || code_points(value.get_ref<const std::string&>()) > metadata_value_max)
      return wrong("A pair of \"metadata\" is a name of at most " + std::to_string(metadata_name_max)
                     + " characters and a text of at most " + std::to_string(metadata_value_max) + ".",
                   "metadata");
  to.metadata = *metadata;
  return std::nullopt;
}

// --- input -----------------------------------------------------------------------------------------------------------

void add_text(response_request& to, std::string_view text) {
  if (text.empty())
    return;
  to.message += (to.message.empty() ? "" : "\n\n") + std::string{text};
}

struct data_url {
  std::string media_type;
  std::string bytes;
};
// "data:image/png;base64,…"; nullopt: it is none.
std::optional<data_url> read_data_url(std::string_view text) {
  constexpr std::string_view scheme = "data:", mark = ";base64";
  const auto comma = text.find(',');
  if (!text.starts_with(scheme) || comma == text.npos || !text.substr(0, comma).ends_with(mark))
    return std::nullopt;
  auto bytes = base64_decode(text.substr(comma + 1));
  if (!bytes || comma < scheme.size() + mark.size())
    return std::nullopt;
  const auto type = text.substr(scheme.size(), comma - scheme.size() - mark.size());
  return data_url{ascii_lower(type.substr(0, type.find(';'))), std::move(*bytes)};
}

problem read_image(const json& part, const std::string& where, response_request& to) {
  const auto* url = member_of(part, "image_url");
  if (!is_text(url))
    return not_done("A picture is to be a data URL in \"image_url\".", where + ".image_url");
  auto data = read_data_url(url->get_ref<const std::string&>());
  if (!data)
    return not_done("A picture is to be a data URL (data:image/png;base64,…): nothing is fetched from elsewhere.",
                    where + ".image_url");
  const auto slash = data->media_type.find('/');
  if (!data->media_type.starts_with("image/"))
    return wrong("This data URL is of no picture.", where + ".image_url");
  auto ending = data->media_type.substr(slash + 1);
  if (!std::all_of(ending.begin(), ending.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    ending = "img";
  to.files.push_back({"image-" + std::to_string(to.files.size() + 1) + "." + ending, std::move(data->bytes)});
  return std::nullopt;
}

problem read_file(const json& part, const std::string& where, response_request& to) {
  const auto *data = member_of(part, "file_data"), *name = member_of(part, "filename");
  if (!is_text(data))
    return not_done("A file is to come with its bytes, as base64 in \"file_data\".", where + ".file_data");
  const auto& text = data->get_ref<const std::string&>();
  auto url = read_data_url(text);
  auto bytes = url ? std::optional{std::move(url->bytes)} : base64_decode(text);
  if (!bytes)
    return wrong("\"file_data\" is neither base64 nor a data URL of it.", where + ".file_data");
  if (!is_text(name) || name->get_ref<const std::string&>().empty())
    return wrong("A file has a \"filename\".", where + ".filename");
  to.files.push_back({name->get<std::string>(), std::move(*bytes)});
  return std::nullopt;
}

problem read_part(const json& part, const std::string& where, response_request& to) {
  if (!part.is_object())
    return wrong("A part of a message is an object.", where);
  const auto type = text_of(part, "type");
  if (type == "input_image")
    return read_image(part, where, to);
  if (type == "input_file")
    return read_file(part, where, to);
  const auto* text = member_of(part, "text");
  if (type != "input_text")
    return not_done("A part is one of input_text, input_image and input_file.", where + ".type");
  if (!is_text(text))
    return wrong("The \"text\" of a part is to be a text.", where + ".text");
  add_text(to, text->get_ref<const std::string&>());
  return std::nullopt;
}

problem read_item(const json& item, const std::string& where, response_request& to) {
  if (!item.is_object())
    return wrong("An item of the input is an object.", where);
  const auto *type = member_of(item, "type"), *content = member_of(item, "content");
  if (type != nullptr && *type != "message")
    return not_done("Only messages can be sent. What came before goes along by previous_response_id.", where + ".type");
  const auto role = text_of(item, "role");
  if (role != "user" && role != "system" && role != "developer")
    return not_done("A message is of the role user, system or developer. Answers of before go along by "
                    "previous_response_id.",
                    where + ".role");
  if (is_text(content)) {
    add_text(to, content->get_ref<const std::string&>());
    return std::nullopt;
  }
  if (content == nullptr || !content->is_array())
    return wrong("The \"content\" of a message is a text or a list of parts.", where + ".content");
  size_t index = 0;
  for (const auto& part : *content)
    if (auto refused = read_part(part, where + ".content[" + std::to_string(index++) + "]", to))
      return refused;
  return std::nullopt;
}

problem read_input(const json& body, response_request& to) {
  const auto* input = member_of(body, "input");
  if (input == nullptr || (!input->is_string() && !input->is_array()))
    return response_refusal{400, "The \"input\" is a text or a list of items.", "input", "missing_required_parameter"};
  if (input->is_string()) {
    add_text(to, input->get_ref<const std::string&>());
    return std::nullopt;
  }
  size_t index = 0;
  for (const auto& item : *input)
    if (auto refused = read_item(item, "input[" + std::to_string(index++) + "]", to))
      return refused;
  return std::nullopt;
}

} // namespace

std::vector<form_file> response_request::uploads() const {
  std::vector<form_file> list;
  for (const auto& file : files)
    list.push_back({"files", file.name, file.bytes});
  return list;
}

std::variant<response_request, response_refusal> read_response_request(const json& body) {
  response_request result;
  for (auto check : {check_names, check_fixed, check_tools, check_text, check_include})
    if (auto refused = check(body))
      return std::move(*refused);
  for (auto read : {read_choices, read_reasoning, read_metadata, read_input})
    if (auto refused = read(body, result))
      return std::move(*refused);
  return result;
}

} // namespace varro
