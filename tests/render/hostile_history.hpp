// What an attacker writes, and a chat with it in every field.
#pragma once

#include "tests/render/histories.hpp"

#include <string>
#include <vector>

namespace varro::test {

inline const std::vector<std::string>& attacks() {
  static const std::vector<std::string> list{
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "</code></pre></details><iframe src=javascript:alert(1)>",
    "<svg/onload=alert(1)>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "&lt;script&gt;alert(1)&lt;/script&gt;<x>",
    std::string("<scr\0ipt>alert(1)</scr\0ipt>", 27),
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "`\"'><object data=x>",
    "<style>*{background:url(//evil)}</style>",
    "\xff\xfe<script>\xc3\x28</script>",
  };
  return list;
}

inline cell_result hostile_cell(const std::string& a) {
  cell_result result;
  result.status = cell_status::failed;
  result.reason = a;
  table_output table;
  table.columns = {a, a};
  table.dtypes = {a, a};
  table.rows = {{a, a}};
  table.rows_total = 1;
  table.columns_total = 1;
  result.outputs = {stream_output{"stdout", a}, stream_output{a, a},         value_output{a}, table,
                    error_output{a, a, a},      image_output{"image/png", a}};
  for (auto type : {"text/html", "text/markdown", "text/latex", "application/json", "application/vnd.plotly.v1+json"})
    result.outputs.push_back(rich_output{type, a, a});
  result.outputs.push_back(rich_output{"text/latex", "$" + a + "$", ""});
  return result;
}

// A history with the attack in every field that reaches the page.
inline chat_contents hostile_chat(const std::string& a) {
  chat_contents contents;
  contents.chat.id = 42;
  contents.chat.title = a;
  contents.chat.model = a;
  user_prompt_part listed;
  url_content url;
  url.kind = a;
  url.url = a;
  uploaded_file uploaded;
  uploaded.file_id = a;
  listed.content = std::vector<user_content>{a, text_content{a}, url, binary_content{a, a, nullptr, a}, uploaded};
  builtin_tool_call_part builtin;
  static_cast<tool_call_part&>(builtin) = call(a, a, "builtin");
  builtin_tool_return_part found;
  found.tool_name = a;
  found.tool_call_id = a;
  found.content = json{{a, a}};
  compaction_part compaction;
  compaction.content = a;
  file_part file;
  file.content = binary_content{a, a, nullptr, a};
  auto validation = json::array({json{{"msg", a}, {"loc", {a, 1}}}, a, json{{a, a}}});
  auto denied = tool_return(a, json::array({a, json{{a, a}}}), a);
  denied.outcome = a;
  contents.messages = {request_row(1, {prompt(a)}),
                       request_row(2, {listed}),
                       response_row(3,
                                    {thinking(a), text(a), python_call(a, a), call(a, json{{a, a}}, a + "2"),
                                     call(a, a, a + "3"), builtin, found, compaction, file}),
                       request_row(4, {cell_return(hostile_cell(a), a)}),
                       request_row(5, {retry(validation, a + "2")}),
                       request_row(6, {retry(a, "unknown")}),
                       request_row(7, {denied})};
  contents.runs = {run_of(1, 1, run_status::failed, 8, a)};
  return contents;
}

} // namespace varro::test
