// What both vendors' encoders need of a history, in words and JSON that belong to neither.
//
// Pure functions, any thread.
#pragma once

#include "models/message.hpp"
#include "models/provider.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace varro {

// The words of a retry prompt, exactly as pydantic-ai says them to a model.
std::string retry_text(const retry_prompt_part& part);

// A tool call's arguments as one JSON object: strings are parsed; empty ones mean {}; what is not an object (invalid
// JSON, a list) comes as {"INVALID_JSON": text}, because a vendor that wants an object refuses the whole history else.
json arguments_object(const json& args);

// The same as the text of a JSON object, verbatim where it already is one.
std::string arguments_text(const json& args);

// One item of a tool's content: either text or a file.
using tool_content_item = std::variant<std::string, user_content>;

// A tool's content in order: strings as they are, other JSON as compact text, files as files. A list gives an item for
// each of its own.
std::vector<tool_content_item> tool_content_items(const json& content);

// The instructions of a query; where it has none, those that the newest request of the history carries.
std::string instructions_of(const model_query& query);

// A setting of the query by pydantic-ai's name. nullptr: not given (the model's default holds); a JSON null: given as
// "leave it to the vendor".
const json* find_setting(const model_query& query, std::string_view name);

// Puts `extra_body` of the model's configuration and then that of the settings over the body, member by member.
void apply_extra_body(const model_query& query, json& body);

// "data:TYPE;base64,…"
std::string data_url(const binary_content& file, std::string_view media_type = {}); // the file's own type by default

bool is_image(std::string_view media_type);

// What the bytes of a picture are, if every vendor that sees takes them: image/png, image/jpeg, image/gif or
// image/webp, by their head and their end. "" for anything else and for what is cut off: a vendor refuses it, and with
// it every later request of the chat.
std::string_view picture_type(std::string_view bytes);

bool reads_as_text(std::string_view media_type);
// A file's text between two lines that say what it is.
std::string inlined_file(const binary_content& file);

// Text that a model reads of a file which it cannot be given, e.g. "[file a1b2c3: image/png, 1234 bytes]".
std::string file_note(const user_content& file);

// The identifier of a file, "" for other content.
std::string identifier_of(const user_content& file);

// An id that a vendor accepts: `id` itself when it matches, else one made from it, the same each time. Ids of another
// vendor may have characters or a length that this one refuses.
struct call_id_rule {
  size_t length_max = 64;
  size_t length_exact = 0;   // 0: any up to length_max
  bool alphanumeric = false; // else also '-' and '_'
};
std::string accepted_call_id(const std::string& id, const call_id_rule& rule);

// The name of a tool as every vendor accepts it: letters, digits, '_' and '-', at most 64. A model may have called
// something that is no tool by a name that its own vendor then refuses in the history.
std::string accepted_tool_name(std::string name);

} // namespace varro
