// The tools of a generateContent request: ours as declarations, and the names of Google's own.
//
// Pure functions, any thread.
#pragma once

#include "models/google_models.hpp"
#include "models/provider.hpp"

#include <string>
#include <string_view>

namespace varro::google {

// Google's tool that runs Python on its side, as builtin parts name it.
inline constexpr std::string_view code_execution_tool = "code_execution";
inline constexpr std::string_view file_search_tool = "file_search";

// A ToolType ("GOOGLE_SEARCH_WEB") as the name of builtin parts ("web_search"), and back. Types that are not known are
// taken in small letters.
std::string name_of_tool_type(std::string_view tool_type);
std::string tool_type_of(std::string_view tool_name);

// Puts `tools` and `toolConfig` into the body, where there are any.
void add_tools(const model_query& query, json& body);

// A JSON Schema without what the API refuses or does not know (ai.google.dev/api/caching#FunctionDeclaration):
// constants become enumerations, formats of strings words.
json accepted_schema(const json& schema);

} // namespace varro::google
