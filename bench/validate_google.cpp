// What Google's generateContent refuses: fields that its protocol buffers do not have, calls and responses that do not
// belong together, signatures that are missing or damaged.
// https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/thought-signatures
#include "bench/google_fields.hpp"
#include "bench/google_rules.hpp"
#include "bench/model_names.hpp"

#include <algorithm>

namespace varro::bench {

namespace {

using names = std::set<std::string>;

struct function_call {
  std::string name;
  std::string id;
};

class checker {
public:
  checker(const json& body, const std::string& model) : body_(body), model_(model) {}

  void check() {
    if (!body_.is_object())
      refuse_google("Invalid JSON payload received. Expected an object.");
    static const names top_level{
      "contents",    "tools",  "toolConfig", "safetySettings", "systemInstruction", "generationConfig", "cachedContent",
      "serviceTier", "labels", "model",      "store"};
    refuse_unknown_fields(body_, top_level, "");
    check_generation_config(body_, model_);
    check_google_tools(body_);
    if (auto* system = google_field(body_, "systemInstruction"))
      check_parts(*system, "system_instruction");
    auto* contents = google_field(body_, "contents");
    if (!contents || !contents->is_array() || contents->empty())
      refuse_google("* GenerateContentRequest.contents: contents is not specified\n");
    for (size_t i = 0; i < contents->size(); ++i)
      check_content((*contents)[i], "contents[" + std::to_string(i) + "]");
    check_turns(*contents);
    check_signatures(*contents);
  }

private:
  static const json& parts_of(const json& content) {
    return *google_field(content, "parts");
  }

  void check_content(const json& content, const std::string& where) {
    static const names keys{"role", "parts"};
    if (!content.is_object())
      refuse_google("Invalid value at '" + where
                    + "' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content)");
    refuse_unknown_fields(content, keys, where);
    auto role = google_text(content, "role");
    if (!role.empty() && role != "user" && role != "model")
      refuse_google("Please use a valid role: user, model.");
    check_parts(content, where);
  }

  void check_parts(const json& content, const std::string& where) {
    auto* parts = google_field(content, "parts");
    if (!parts || !parts->is_array() || parts->empty())
      refuse_google("* GenerateContentRequest." + where + ".parts: contents.parts must not be empty.\n");
    for (size_t i = 0; i < parts->size(); ++i)
      check_part((*parts)[i], where + ".parts[" + std::to_string(i) + "]");
  }

  void check_part(const json& part, const std::string& where) {
    static const names keys{
      "text",         "thought",          "thoughtSignature", "inlineData",          "fileData",
      "functionCall", "functionResponse", "executableCode",   "codeExecutionResult", "videoMetadata",
      "partMetadata", "mediaResolution"};
    static const names data{"text",           "inlineData",         "fileData", "functionCall", "functionResponse",
                            "executableCode", "codeExecutionResult"};
    if (part.is_object())
      refuse_unknown_fields(part, keys, where);
    auto set = std::count_if(data.begin(), data.end(), [&](auto& key) { return google_field(part, key); });
    if (set == 0)
      refuse_google("* GenerateContentRequest." + where
                    + ".data: required oneof field 'data' must have one initialized field\n");
    if (set > 1)
      refuse_google("Invalid value at '" + where + "' (oneof), oneof field 'data' is already set.");
    if (auto* text = google_field(part, "text"); text && !text->is_string())
      refuse_google("Invalid value at '" + where + ".text' (TYPE_STRING), " + dump_json(*text));
    if (auto* blob = google_field(part, "inlineData"))
      check_inline_data(*blob, where + ".inline_data");
    if (auto* call = google_field(part, "functionCall"))
      check_function_value(*call, {"name", "args", "id"}, "args", where + ".function_call");
    if (auto* response = google_field(part, "functionResponse"))
      check_function_value(*response, {"name", "response", "id", "parts", "willContinue", "scheduling"}, "response",
                           where + ".function_response");
    if (auto signature = google_text(part, "thoughtSignature"); !signature.empty())
      check_thought_signature(signature);
  }

  static void check_function_value(const json& value, const names& keys, const char* object, const std::string& where) {
    if (!value.is_object())
      refuse_google("Invalid value at '" + where + "'");
    refuse_unknown_fields(value, keys, where);
    if (google_text(value, "name").empty())
      refuse_google("* GenerateContentRequest." + where + ".name: Name cannot be empty.\n");
    auto* inner = google_field(value, object);
    if (inner && !inner->is_object())
      refuse_google("Invalid value at '" + where + "." + object + "' (type.googleapis.com/google.protobuf.Struct), "
                    + dump_json(*inner));
    if (!inner && std::string_view{object} == "response")
      refuse_google("* GenerateContentRequest." + where + ".response: response is required.\n");
    if (auto* parts = google_field(value, "parts"); parts && parts->is_array())
      for (size_t i = 0; i < parts->size(); ++i)
        if (auto* blob = google_field((*parts)[i], "inlineData"))
          check_inline_data(*blob, where + ".parts[" + std::to_string(i) + "].inline_data");
  }

  template <class Kind>
  static std::vector<function_call> functions_in(const json& content, Kind kind) {
    std::vector<function_call> found;
    for (auto& part : parts_of(content))
      if (auto* value = google_field(part, kind))
        found.push_back({google_text(*value, "name"), google_text(*value, "id")});
    return found;
  }

  // Calls are answered in the very next content, all of them and nothing else.
  static void check_turns(const json& contents) {
    std::vector<function_call> open;
    std::string before;
    for (auto& content : contents) {
      auto role = google_text(content, "role");
      auto calls = functions_in(content, "functionCall"), responses = functions_in(content, "functionResponse");
      if (!responses.empty() && open.empty())
        refuse_google("Please ensure that function response turn comes immediately after a function call turn.");
      if (responses.size() != open.size())
        refuse_google(
          "Please ensure that the number of function response parts is equal to the number of function call "
          "parts of the function call turn.");
      match(open, responses);
      if (!calls.empty() && role != "model")
        refuse_google("Please ensure that function call turns have the role model.");
      if (!calls.empty() && before == "model")
        refuse_google("Please ensure that function call turn comes immediately after a user turn or after a function "
                      "response turn.");
      open = calls;
      before = role;
    }
    if (!open.empty())
      refuse_google("Please ensure that the number of function response parts is equal to the number of function call "
                    "parts of the function call turn.");
    if (before == "model")
      refuse_google("Please ensure that single turn requests end with a user role or the role field is empty.");
  }

  static void match(const std::vector<function_call>& calls, std::vector<function_call> responses) {
    for (auto& call : calls) {
      auto answers = [&](const function_call& one) {
        return one.name == call.name && (one.id.empty() || call.id.empty() || one.id == call.id);
      };
      auto found = std::find_if(responses.begin(), responses.end(), answers);
      if (found == responses.end())
        refuse_google(
          "Please ensure that function response parts match the function call parts of the function call turn: "
          "there is no response for `"
          + call.name + "`.");
      responses.erase(found);
    }
  }

  // The current turn begins at the last content in which the user says something, not only returns results.
  void check_signatures(const json& contents) const {
    if (!gemini_wants_signatures(model_))
      return;
    size_t begin = 0;
    for (size_t i = 0; i < contents.size(); ++i)
      if (google_text(contents[i], "role") != "model" && functions_in(contents[i], "functionResponse").empty())
        begin = i;
    for (size_t i = begin; i < contents.size(); ++i) {
      auto& parts = parts_of(contents[i]);
      auto first
        = std::find_if(parts.begin(), parts.end(), [](auto& part) { return google_field(part, "functionCall"); });
      if (first != parts.end() && google_text(*first, "thoughtSignature").empty())
        refuse_google(missing_signature(google_text(*google_field(*first, "functionCall"), "name"), i + 1));
    }
  }

  const json& body_;
  const std::string& model_;
};

} // namespace

std::optional<request_problem> check_google(const json& body, const std::string& model, const validation&) {
  try {
    checker{body, model}.check();
    return std::nullopt;
  } catch (request_problem& problem) {
    return std::move(problem);
  }
}

} // namespace varro::bench
