#include "render/pages.hpp"

#include "tests/render/histories.hpp"
#include "tests/render/html_tags.hpp"

using namespace varro;
using namespace varro::test;

namespace {

const std::vector<std::string>& attacks() {
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

void check_harmless(const std::string& html, const std::string& attack) {
  CAPTURE(attack);
  CHECK(active_content(html) == "");
}

cell_result hostile_cell(const std::string& a) {
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
chat_contents hostile_chat(const std::string& a) {
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

} // namespace

TEST_CASE("no field of a history can become markup") {
  for (const auto& attack : attacks()) {
    auto contents = hostile_chat(attack);
    auto blocks = render_chat(contents);
    CHECK(blocks.size() >= 10);
    for (const auto& item : blocks) {
      check_harmless(item.html.str(), attack);
      // One element each: nothing closes it early.
      CHECK(tags_of(item.html.str()).front().has("data-block"));
      CHECK(count_of(item.html.str(), "data-block=\"") == 1);
    }
  }
}

TEST_CASE("no field of a page can become markup") {
  for (const auto& attack : attacks()) {
    config settings;
    settings.models.push_back(model_of(attack, attack, provider_kind::offline));
    chat_record chat;
    chat.id = 42;
    chat.title = attack;
    chat.model = attack + "?";
    page_context context{{attack, true, attack}, {chat}, &settings};
    chat_page page{chat, render_chat(hostile_chat(attack)), 8, true, attack, attack};
    check_harmless(new_chat_page(context).str(), attack);
    check_harmless(chat_page_html(context, page).str(), attack);
    check_harmless(login_page(context.viewer, attack).str(), attack);
    check_harmless(error_page(context.viewer, 404, attack).str(), attack);
    check_harmless(send_reply(context, page, page.blocks).str(), attack);
    check_harmless(chat_list(context.chats, 42).str(), attack);
    check_harmless(chat_list(context.chats, 42, attack).str(), attack);
    check_harmless(found_list({{{chat, 0, {"", attack, ""}}, {chat, 3, {attack, attack, attack}}}, false}, 42).str(),
                   attack);
    check_harmless(file_list(42, {{attack, 1, 0}}).str(), attack);
    check_harmless(progress_indicator(attack).str(), attack);
  }
}

TEST_CASE("the checks above find what is not escaped") {
  for (const auto& attack : {"<script>alert(1)</script>", "<a href=\"javascript:x\">", "<p style=\"x\">",
                             "<b onclick=x>", "<img src=\"https://example.org/x\">", "<iframe>"}) {
    CAPTURE(attack);
    CHECK(active_content(attack) != "");
  }
}

TEST_CASE("escaped text reads as it was written") {
  CHECK(escape_html("a < b & \"c\" > 'd'") == "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
  CHECK(escape_html("grün ✓") == "grün ✓");
  CHECK(escape_html("") == "");
}

TEST_CASE("file names are encoded as one path segment") {
  auto html = file_list(42, {{"a b/../ü?.csv", 2048, 1'767'225'600}}).str();
  CHECK(contains(html, "href=\"/chat/42/files/a%20b%2F..%2F%C3%BC%3F.csv\""));
  CHECK(contains(html, "2.0 KiB"));
  CHECK(contains(html, "<time datetime=\"2026-01-01T00:00:00Z\">2026-01-01 00:00 UTC</time>"));
  CHECK(contains(file_list(42, {}).str(), "No files yet"));
}

TEST_CASE("arguments and results that are nested without bound are shown, not followed") {
  std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  chat_contents contents;
  contents.chat.id = 42;
  contents.messages = {response_row(1, {call("t", deep, "c")}), request_row(2, {tool_return("t", deep, "c")})};
  contents.runs = {run_of(1, 1, run_status::completed)};
  CHECK(contains(render_chat(contents).at(0).html.str(), "[[[["));
}
