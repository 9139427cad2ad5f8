#include "http/exports.hpp"

#include "models/cell.hpp"
#include "tests/http/routes_world.hpp"

#include <algorithm>

using namespace varro;
using namespace varro::test;

namespace {

// A chat of one question and one answer.
chat_contents chat_of(std::string question, std::string answer = "Yes.") {
  user_prompt_part prompt;
  prompt.content = std::move(question);
  text_part text;
  text.content = std::move(answer);
  model_request request;
  request.parts.push_back(prompt);
  model_response response;
  response.parts.push_back(text);
  chat_contents contents;
  contents.chat.title = "Sums";
  contents.messages.resize(2);
  contents.messages[0].content = request;
  contents.messages[1].content = response;
  return contents;
}

json outputs_of(std::vector<cell_output> outputs) {
  chat_contents contents;
  contents.messages = rows_of_cell(std::move(outputs));
  const auto book = json::parse(export_notebook(contents));
  for (const auto& cell : book["cells"])
    if (cell["cell_type"] == "code")
      return cell["outputs"];
  return {};
}

bool contains(std::string_view text, std::string_view what) {
  return text.find(what) != text.npos;
}

} // namespace

TEST_CASE("what a user writes begins its own block in a notebook, whatever it begins with") {
  for (std::string text : {"```python\nprint(1)\n```", "~~~\nx\n~~~", "````\n```\n````", "- a\n- b", "# a",
                           "|a|\n|-|\n|1|", "> a", "    x = 1", "words"}) {
    CAPTURE(text);
    auto cells = json::parse(export_notebook(chat_of(text)))["cells"];
    REQUIRE(cells.size() == 3);
    CHECK(cells[1]["source"] == "**User:**\n\n" + text);
    CHECK(contains(export_markdown(chat_of(text)), "\n## User\n\n" + text + "\n\nYes.\n"));
  }
}

TEST_CASE("code that a text does not end is ended before what follows it in Markdown") {
  for (auto [text, end] : std::vector<std::pair<std::string, std::string>>{{"Look:\n```python\nprint(1)", "\n```"},
                                                                           {"````\n```\n", "````"},
                                                                           {"~~~ a`b\n```\n", "~~~"},
                                                                           {"``````", "\n``````"},
                                                                           {"```\n```python", "\n```"},
                                                                           {"> ```\n> x", ""},
                                                                           {"- ```\n  x", ""},
                                                                           {"```x``` y", ""},
                                                                           {"    ```", ""},
                                                                           {"```\nx\n`````", ""}}) {
    CAPTURE(text);
    CHECK(contains(export_markdown(chat_of(text, "After.")), "## User\n\n" + text + end + "\n\nAfter.\n"));
    CHECK(export_markdown(chat_of("Before.", text)).ends_with("Before.\n\n" + text + end + "\n"));
  }
}

TEST_CASE("code of a cell is fenced by more backticks than it holds") {
  for (size_t length : {0u, 1u, 3u, 4u, 9u, 100'000u}) {
    chat_contents contents;
    contents.messages = rows_of_cell({stream_output{"stdout", "a" + std::string(length, '`') + "b"}});
    auto result = std::get<model_request>(*contents.messages[1].content);
    std::get<tool_return_part>(result.parts[0]).content = "a" + std::string(length, '`') + "b";
    contents.messages[1].content = std::move(result);
    const std::string fence(std::max<size_t>(length + 1, 3), '`');
    CHECK(contains(export_markdown(contents), "\n" + fence + "\na" + std::string(length, '`') + "b\n" + fence + "\n"));
  }
}

TEST_CASE("a table is one in a notebook too, beside its text") {
  table_output table;
  table.columns = {"first / second", "('a', 'x')", "<script>"};
  table.dtypes = {"object", "int64", "object"};
  table.rows = {{"(1, 'u')", "1", "a & b"}, {"(2, 'v')", "2", "</td><b>"}};
  table.rows_total = 60;
  table.columns_total = 2;
  auto data = outputs_of({table})[0]["data"];
  CHECK(
    data["text/plain"].get<std::string>().starts_with("first / second\t('a', 'x')\t<script>\n(1, 'u')\t1\ta & b\n"));
  auto html = data["text/html"].get<std::string>();
  CHECK(contains(html, "<th>first / second</th><th>(&#39;a&#39;, &#39;x&#39;)</th><th>&lt;script&gt;</th></tr>"));
  CHECK(contains(html, "<tr><th>(1, &#39;u&#39;)</th><td>1</td><td>a &amp; b</td></tr>"));
  CHECK(contains(html, "<td>&lt;/td&gt;&lt;b&gt;</td>"));
  CHECK(contains(html, "60 rows × 2 columns"));
  CHECK(contains(outputs_of({table_output{}})[0]["data"]["text/html"].get<std::string>(), "<tbody>\n  </tbody>"));
}
