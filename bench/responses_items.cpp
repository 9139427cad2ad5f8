// What the Responses API refuses of its input items: calls and outputs that do not belong together, reasoning that has
// changed or stands alone, pictures and files that are none.
#include "bench/openai_rules.hpp"
#include "bench/pictures.hpp"

#include <algorithm>
#include <map>

namespace varro::bench {

namespace {

using names = std::set<std::string>;

constexpr size_t call_id_chars_max = 64;

std::string type_of(const json& item) {
  auto type = member_text(item, "type");
  return type.empty() && member(item, "role") ? "message" : type;
}

// Made by the model: what may follow its reasoning.
bool is_output(const json& item) {
  auto type = type_of(item);
  return type == "message" ? member_text(item, "role") == "assistant" : type == "reasoning" || type.ends_with("_call");
}

class input_checker {
public:
  input_checker(const json& input, bool stored) : input_(input), stored_(stored) {}

  void check() {
    for (size_t i = 0; i < input_.size(); ++i)
      check_item(input_[i], "input[" + std::to_string(i) + "]");
    for (auto& call : calls_)
      if (!answered_.contains(call))
        refuse("No tool output found for function call " + call + ".", "input");
    for (size_t i = 0; i < input_.size(); ++i)
      check_neighbours(i);
  }

private:
  void check_item(const json& item, const std::string& where) {
    if (!item.is_object())
      refuse_type(where, "an object");
    auto type = type_of(item);
    check_id(item, type, where);
    if (type == "message")
      check_message(item, where);
    else if (type == "reasoning")
      check_reasoning(item, where);
    else if (type == "function_call")
      check_call(item, where);
    else if (type == "function_call_output")
      check_output(item, where);
    else if (type == "item_reference")
      refuse_lost(needed_text(item, "id", where));
    else if (!type.ends_with("_call") && !type.ends_with("_output") && type != "compaction")
      refuse("Invalid value: '" + type
               + "'. Supported values are: 'message', 'reasoning', 'function_call', 'function_call_output', "
                 "'item_reference', and the types of the vendor's own tools.",
             where + ".type", "invalid_value");
  }

  void check_id(const json& item, const std::string& type, const std::string& where) {
    static const std::map<std::string, std::string> prefixes{
      {"message", "msg"}, {"reasoning", "rs"}, {"function_call", "fc"}};
    auto id = member_text(item, "id");
    if (id.empty())
      return;
    auto prefix = prefixes.find(type);
    if (prefix != prefixes.end() && !id.starts_with(prefix->second))
      refuse("Invalid '" + where + ".id': '" + id + "'. Expected an ID that begins with '" + prefix->second + "'.",
             where + ".id", "invalid_value");
    if (!ids_.insert(id).second)
      refuse("Duplicate item found with id " + id + ". Remove duplicate items from your input and try again.", "input");
  }

  // An item of which only the id has come has to be one that is stored.
  void refuse_lost(const std::string& id) {
    auto ours = read_item_id(id);
    if (ours && ours->stored)
      return;
    std::string message = "Item with id '" + id + "' not found.";
    if ((ours && !ours->stored) || !stored_)
      message += " Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove "
                 "this item from your input.";
    throw request_problem{404, "invalid_request_error", message, "input", ""};
  }

  void check_message(const json& item, const std::string& where) {
    static const names keys{"role", "content", "type", "id", "status", "phase"};
    refuse_unknown(item, keys, where + ".");
    auto role = member_text(item, "role");
    static const names roles{"user", "assistant", "system", "developer"};
    if (!roles.contains(role))
      refuse("Invalid value: '" + role + "'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
             where + ".role", "invalid_value");
    auto& content = needed(item, "content", where);
    if (content.is_string())
      return;
    if (!content.is_array())
      refuse_type(where + ".content", "one of an array of objects or string");
    for (size_t i = 0; i < content.size(); ++i)
      check_part(content[i], role == "assistant", where + ".content[" + std::to_string(i) + "]");
  }

  void check_part(const json& part, bool of_assistant, const std::string& where) {
    auto type = member_text(part, "type");
    static const names inputs{"input_text", "input_image", "input_file"};
    if (of_assistant ? type != "output_text" && type != "refusal" : !inputs.contains(type))
      refuse("Invalid value: '" + type + "'. Supported values are: "
               + (of_assistant ? "'output_text' and 'refusal'." : "'input_text', 'input_image', and 'input_file'."),
             where + ".type", "invalid_value");
    if (type == "input_image") {
      check_image(part, where);
    } else if (type == "input_file") {
      check_file(part, where);
    } else if (type == "refusal") {
      refuse_unknown(part, {"type", "refusal"}, where + ".");
      needed_text(part, "refusal", where);
    } else {
      static const names input{"type", "text"}, output{"type", "text", "annotations", "logprobs"};
      refuse_unknown(part, of_assistant ? output : input, where + ".");
      needed_text(part, "text", where);
    }
  }

  void check_image(const json& part, const std::string& where) {
    refuse_unknown(part, {"type", "detail", "image_url", "file_id"}, where + ".");
    static const names details{"low", "high", "auto", "original"};
    if (auto detail = member_text(part, "detail"); !detail.empty() && !details.contains(detail))
      refuse("Invalid value: '" + detail + "'. Supported values are: 'low', 'high', 'auto', and 'original'.",
             where + ".detail", "invalid_value");
    if (!member_text(part, "file_id").empty())
      return;
    check_image_url(needed_text(part, "image_url", where), where + ".image_url");
  }

  void check_file(const json& part, const std::string& where) {
    refuse_unknown(part, {"type", "detail", "file_data", "file_id", "file_url", "filename"}, where + ".");
    auto data = member_text(part, "file_data");
    if (data.empty() && member_text(part, "file_id").empty() && member_text(part, "file_url").empty())
      refuse_missing(where + ".file_id");
    if (data.empty())
      return;
    if (member_text(part, "filename").empty())
      refuse_missing(where + ".filename");
    auto url = split_data_url(data);
    if (!url || !is_base64(url->base64))
      refuse("Invalid '" + where
               + ".file_data'. Expected a base64-encoded data URL with an application MIME type (e.g. "
                 "'data:application/pdf;base64,aGVsbG8gd29ybGQ='), but got a value without the 'data:' prefix.",
             where + ".file_data", "invalid_value");
    if (url->media_type == "application/pdf" && !is_pdf(url->base64))
      refuse("The file could not be read as a PDF.", where + ".file_data", "invalid_value");
  }

  void check_reasoning(const json& item, const std::string& where) {
    static const names keys{"id", "summary", "type", "content", "encrypted_content", "status"};
    refuse_unknown(item, keys, where + ".");
    auto& summary = needed(item, "summary", where);
    if (!summary.is_array())
      refuse_type(where + ".summary", "an array of objects");
    for (size_t i = 0; i < summary.size(); ++i)
      if (member_text(summary[i], "type") != "summary_text" || !member(summary[i], "text"))
        refuse_missing(where + ".summary[" + std::to_string(i) + "].text");
    auto id = member_text(item, "id");
    auto content = member_text(item, "encrypted_content");
    if (content.empty()) {
      refuse_lost(id);
      return;
    }
    if (content.starts_with(scripted_seal))
      return;
    auto refuse_content = [&](const std::string& reason) {
      auto shown = content.size() > 8 ? content.substr(0, 4) + "..." + content.substr(content.size() - 4) : content;
      refuse("The encrypted content " + shown + " could not be verified. Reason: " + reason, "",
             "invalid_encrypted_content");
    };
    if (!is_sealed(content, reasoning_seal))
      refuse_content("Encrypted content could not be decrypted or parsed.");
    if (!id.empty() && !is_bound(content, reasoning_seal, id))
      refuse_content("Encrypted content item_id did not match the target item id.");
  }

  void check_call_id(const std::string& id, const std::string& where) {
    if (id.empty())
      refuse("Invalid '" + where
               + ".call_id': empty string. Expected a string with minimum length 1, but got an empty "
                 "string instead.",
             where + ".call_id", "empty_string");
    if (id.size() > call_id_chars_max)
      refuse("Invalid '" + where
               + ".call_id': string too long. Expected a string with maximum length 64, but got a "
                 "string with length "
               + std::to_string(id.size()) + " instead.",
             where + ".call_id", "string_above_max_length");
  }

  void check_call(const json& item, const std::string& where) {
    static const names keys{"arguments", "call_id", "name", "type", "id", "status", "namespace"};
    refuse_unknown(item, keys, where + ".");
    auto id = needed_text(item, "call_id", where);
    check_call_id(id, where);
    needed_text(item, "arguments", where);
    if (!is_tool_name(needed_text(item, "name", where), 128))
      refuse("Invalid '" + where
               + ".name': string does not match pattern. Expected a string that matches the pattern "
                 "'^[a-zA-Z0-9_-]+$'.",
             where + ".name", "invalid_value");
    if (std::find(calls_.begin(), calls_.end(), id) != calls_.end())
      refuse("Duplicate function call found with call_id " + id + ".", "input");
    calls_.push_back(id);
  }

  void check_output(const json& item, const std::string& where) {
    static const names keys{"call_id", "output", "type", "id", "status"};
    refuse_unknown(item, keys, where + ".");
    auto id = needed_text(item, "call_id", where);
    check_call_id(id, where);
    if (std::find(calls_.begin(), calls_.end(), id) == calls_.end())
      refuse("No tool call found for function call output with call_id " + id + ".", "input");
    if (!answered_.insert(id).second)
      refuse("Duplicate function call output found with call_id " + id + ".", "input");
    auto& output = needed(item, "output", where);
    if (output.is_string())
      return;
    if (!output.is_array())
      refuse_type(where + ".output", "one of an array of objects or string");
    for (size_t i = 0; i < output.size(); ++i)
      check_part(output[i], false, where + ".output[" + std::to_string(i) + "]");
  }

  // Reasoning and the item that the model made after it are only taken together.
  void check_neighbours(size_t i) {
    auto& item = input_[i];
    auto id = member_text(item, "id");
    auto ours = read_item_id(id);
    if (type_of(item) == "reasoning") {
      auto* next = i + 1 < input_.size() ? &input_[i + 1] : nullptr;
      auto following = next ? read_item_id(member_text(*next, "id")) : std::nullopt;
      bool another = ours && following && type_of(*next) != "reasoning"
        && (!following->follows_reasoning || following->tail != ours->tail);
      if (!next || !is_output(*next) || another)
        refuse("Item '" + id + "' of type 'reasoning' was provided without its required following item.", "input");
    } else if (ours && ours->follows_reasoning) {
      auto before = i > 0 ? read_item_id(member_text(input_[i - 1], "id")) : std::nullopt;
      if (i == 0 || type_of(input_[i - 1]) != "reasoning" || (before && before->tail != ours->tail))
        refuse("Item '" + id + "' of type '" + type_of(item) + "' was provided without its required 'reasoning' item: '"
                 + text_of(item_id{false, ours->stored, ours->tail}, "rs_") + "'.",
               "input");
    }
  }

  const json& input_;
  bool stored_;
  names ids_;
  std::vector<std::string> calls_;
  names answered_;
};

} // namespace

void check_input_items(const json& input, bool stored) {
  input_checker{input, stored}.check();
}

} // namespace varro::bench
