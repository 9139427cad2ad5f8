#include "render/blocks.hpp"

#include "tests/render/histories.hpp"
#include "tests/render/html_tags.hpp"

#include <algorithm>

using namespace varro;
using namespace varro::test;

namespace {

std::vector<block> render(std::vector<message_row> rows) {
  chat_contents contents;
  contents.chat.id = 42;
  contents.messages = std::move(rows);
  contents.runs.push_back(run_of(1, 1, run_status::running));
  return render_chat(contents);
}

// The element itself: what the contract promises of every block.
tag root_of(const block& item) {
  auto tags = tags_of(item.html.str());
  REQUIRE(!tags.empty());
  return tags.front();
}

block returned(const cell_result& result) {
  auto blocks = render({response_row(1, {python_call("1", "c")}), request_row(2, {cell_return(result, "c")})});
  REQUIRE(blocks.size() == 1);
  return std::move(blocks.front());
}

cell_result cell_of(std::vector<cell_output> outputs, cell_status status = cell_status::ok) {
  cell_result result;
  result.status = status;
  result.outputs = std::move(outputs);
  return result;
}

} // namespace

TEST_CASE("every block is one element with the id, kind and seq that it is found by") {
  auto blocks = render(
    {request_row(1, {prompt("hi")}), response_row(2, {thinking("hm"), text("I compute."), python_call("1+1", "c1")})});
  REQUIRE(blocks.size() == 4);
  const char* kinds[] = {"user", "thinking", "text", "tool-call"};
  const char* ids[] = {"m1-p0", "m2-p0", "m2-p1", "m2-p2"};
  for (size_t i = 0; i < 4; ++i) {
    auto root = root_of(blocks[i]);
    CHECK(root.get("id") == ids[i]);
    CHECK(blocks[i].id == ids[i]);
    CHECK(root.get("data-block") == kinds[i]);
    CHECK(root.get("data-seq") == std::to_string(blocks[i].seq));
    CHECK(count_of(blocks[i].html.str(), "data-block=") == 1);
  }
  CHECK(blocks[0].seq == 1);
  CHECK(blocks[3].seq == 2);
}

TEST_CASE("a running tool call names its tool, its call and its state, and shows its code") {
  auto blocks = render({response_row(2, {python_call("print(\"a < b\")", "c1")})});
  auto root = root_of(blocks.at(0));
  CHECK(root.get("data-tool") == "python");
  CHECK(root.get("data-call-id") == "c1");
  CHECK(root.get("data-state") == "running");
  CHECK(contains(blocks[0].html.str(), "<code class=\"language-python\">print(&quot;a &lt; b&quot;)</code>"));
}

TEST_CASE("code is found in arguments that arrived as text, and broken arguments are shown as they are") {
  auto good = render({response_row(1, {call("python", "{\"code\":\"x = 1\"}", "c")})});
  CHECK(contains(good.at(0).html.str(), "language-python\">x = 1<"));
  auto broken = render({response_row(1, {call("python", "{\"code\":", "c")})});
  CHECK(contains(broken.at(0).html.str(), "{&quot;code&quot;:"));
}

TEST_CASE("a tool's return replaces the block of its call: same id, newer seq") {
  auto rows = std::vector{response_row(2, {text("two calls"), python_call("1", "a"), python_call("2", "b")}),
                          request_row(3, {cell_return(cell_of({value_output{"22"}}), "b")}),
                          request_row(4, {cell_return(cell_of({value_output{"11"}}), "a")})};
  auto blocks = render(rows);
  REQUIRE(blocks.size() == 3);
  CHECK(blocks[1].id == "m2-p1");
  CHECK(blocks[1].seq == 4);
  CHECK(contains(blocks[1].html.str(), ">11<"));
  CHECK(root_of(blocks[1]).get("data-state") == "done");
  CHECK(blocks[2].id == "m2-p2");
  CHECK(blocks[2].seq == 3);
  CHECK(contains(blocks[2].html.str(), ">22<"));

  block_renderer live{42};
  live.render(rows[0]);
  auto replaced = live.render(rows[1]);
  REQUIRE(replaced.size() == 1);
  CHECK(replaced[0].html.str() == blocks[2].html.str());
}

TEST_CASE("a return without a call still shows what it brought") {
  auto blocks = render({request_row(3, {tool_return("weather", "sunny", "gone")})});
  REQUIRE(blocks.size() == 1);
  CHECK(blocks[0].id == "m3-p0");
  CHECK(contains(blocks[0].html.str(), "sunny"));
}

TEST_CASE("the outputs of a cell stand in the order in which they came") {
  auto item = returned(
    cell_of({stream_output{"stdout", "first\n"}, image_output{"image/png", png_bytes()},
             stream_output{"stderr", "second"}, image_output{"image/png", png_bytes() + "x"}, value_output{"third"}}));
  std::vector<size_t> places;
  for (auto what : {"first", "/chat/42/files/m2-0.png", "second", "/chat/42/files/m2-1.png", "third"}) {
    CAPTURE(what);
    REQUIRE(contains(item.html.str(), what));
    places.push_back(item.html.str().find(what));
  }
  CHECK(std::is_sorted(places.begin(), places.end()));
  CHECK(contains(item.html.str(), "width=\"640\" height=\"480\""));
  CHECK(contains(item.html.str(), "loading=\"lazy\""));
  CHECK(contains(item.html.str(), "class=\"stream stderr\""));
}

TEST_CASE("rich displays: Markdown, a formula and JSON stand on the page") {
  auto item = returned(cell_of(
    {rich_output{"text/markdown", "**strong** [x](javascript:alert(1))", ""},
     rich_output{"text/latex", "$\\displaystyle x^2$", ""}, rich_output{"text/latex", "area $a$ and $b$", ""},
     rich_output{"application/json", R"({"a":[1,"<b>"]})", ""}, rich_output{"application/json", "not json <b>", ""}}));
  CHECK(contains(item.html.str(), "<strong>strong</strong>"));
  CHECK_FALSE(contains(item.html.str(), "javascript:"));
  CHECK(contains(item.html.str(), "<div class=\"math block\">\\displaystyle x^2</div>"));
  CHECK(contains(item.html.str(), "<span class=\"math inline\">b</span>"));
  CHECK(contains(item.html.str(), "language-json"));
  CHECK(contains(item.html.str(), "&lt;b&gt;"));
  CHECK(contains(item.html.str(), "not json &lt;b&gt;"));
  CHECK(active_content(item.html.str()).empty());
}

TEST_CASE("LaTeX of a cell is typeset, whether it is a formula in dollars or an environment") {
  for (std::string tex : {"\\begin{align} a &= b \\\\ c &= d \\end{align}",
                          "\n    \\begin{pmatrix}\n    1\n    \\end{pmatrix}\n", "\\[ a \\]", "  $$a$$\n", "\n$a$\n"}) {
    CAPTURE(tex);
    auto item = returned(cell_of({rich_output{"text/latex", tex, ""}}));
    CHECK(contains(item.html.str(), "class=\"math block\""));
    CHECK_FALSE(contains(item.html.str(), "$"));
    CHECK_FALSE(contains(item.html.str().substr(item.html.str().find("rich-output")), "<code"));
  }
  auto item = returned(cell_of({rich_output{"text/latex", "\\begin{align} a &= b \\\\ c &= d \\end{align}", ""}}));
  CHECK(contains(item.html.str(), "\\begin{align} a &amp;= b \\\\ c &amp;= d \\end{align}</span>"));
}

TEST_CASE("HTML of a cell never stands on the page, only in a frame that is a stranger to it") {
  auto html = rich_output{"text/html", "<b id=mine>x</b><script>steal()</script>", "x"};
  auto result = cell_of({image_output{"image/png", png_bytes()}, html, value_output{"1"},
                         rich_output{"application/vnd.plotly.v1+json", "{}", "A plot of 2 traces"}});
  auto item = returned(result);
  CHECK_FALSE(contains(item.html.str(), "steal"));
  CHECK_FALSE(contains(item.html.str(), "id=mine"));
  CHECK(contains(item.html.str(), "<iframe src=\"/chat/42/files/m2-1.html\" sandbox=\"allow-scripts\""));
  CHECK(contains(item.html.str(), "title=\"x\""));
  CHECK(contains(item.html.str(), "A plot of 2 traces"));
  CHECK(contains(item.html.str(), "href=\"/chat/42/files/m2-2.json\" download"));
  CHECK(active_content(item.html.str()).empty());

  auto files = attachments_of(request_row(2, {cell_return(result, "a"), cell_return(cell_of({html}), "b")}).content);
  REQUIRE(files.size() == 4);
  CHECK(files[1].data == html.data);
  CHECK(files[1].media_type == "text/html");
  CHECK(files[2].data == "{}");
  CHECK(files[3].data == html.data);
  auto blocks = render({request_row(2, {cell_return(result, "a"), cell_return(cell_of({html}), "b")})});
  CHECK(contains(blocks.at(1).html.str(), "/chat/42/files/m2-3.html"));
}

TEST_CASE("a table says how much of it is shown") {
  table_output table;
  table.columns = {"", "a", "b"};
  table.dtypes = {"int64", "float64", "object"};
  table.rows = {{"0", "1.5", "x"}, {"1", "2.5", "y"}};
  table.rows_total = 1000;
  table.columns_total = 30;
  auto item = returned(cell_of({table}));
  CHECK(contains(item.html.str(), "first 2 of 1000 rows × first 2 of 30 columns"));
  CHECK(contains(item.html.str(), "<span class=\"dtype\">float64</span>"));
  CHECK(contains(item.html.str(), "<td class=\"number\">1.5</td>"));
  CHECK(contains(item.html.str(), "<td>x</td>"));
  table.rows_total = 2;
  table.columns_total = 2;
  CHECK(contains(returned(cell_of({table})).html.str(), ">2 rows × 2 columns<"));
}

TEST_CASE("a user message can be edited and asked again, and leads to its alternatives") {
  message_row row;
  row.seq = 3;
  row.turn = 2;
  row.run_id = 8;
  model_request request;
  request.parts.push_back(user_prompt_part{std::string{"say \"hi\""}, ""});
  row.content = request;
  auto alone = block_renderer{42}.render(row).at(0).html.str();
  CHECK(contains(alone, "data-text=\"say &quot;hi&quot;\""));
  CHECK(contains(alone, "hx-post=\"/chat/42/regenerate\""));
  CHECK_FALSE(contains(alone, "/branch"));
  auto first = block_renderer{42, {{8, {8, 9}}}}.render(row).at(0).html.str();
  CHECK(contains(first, "data-label=\"1/2\""));
  CHECK(contains(first, "&quot;run&quot;:&quot;9&quot;"));
  CHECK_FALSE(contains(first, "&quot;run&quot;:&quot;8&quot;"));
  auto last = block_renderer{42, {{8, {5, 8}}}}.render(row).at(0).html.str();
  CHECK(contains(last, "data-label=\"2/2\""));
  CHECK(contains(last, "&quot;run&quot;:&quot;5&quot;"));
}

TEST_CASE("an interrupted run offers to go on, others do not") {
  for (auto status : {run_status::interrupted, run_status::cancelled, run_status::failed}) {
    run_record run;
    run.status = status;
    run.error = "It ended.";
    run.end_seq = 5;
    auto blocks = block_renderer{42}.render_end(run);
    REQUIRE(blocks.size() == 1);
    CHECK(contains(blocks[0].html.str(), ">Continue</button>") == (status == run_status::interrupted));
    CHECK(contains(blocks[0].html.str(), "&quot;chat_id&quot;:&quot;42&quot;") == (status == run_status::interrupted));
  }
}

TEST_CASE("where variables are gone, and nowhere else, the earlier cells can be run again with a click") {
  auto cell = cell_of({stream_output{"stderr", "[The variables of this session are gone: says a cell itself.]"}});
  CHECK_FALSE(contains(returned(cell).html.str(), "rerun"));
  cell.variables_gone = true;
  CHECK(contains(returned(cell).html.str(), "data-chat=\"42\">Run the earlier cells again</button>"));
}

TEST_CASE("a cell's status is the state of its block") {
  auto state = [](cell_status status) { return root_of(returned(cell_of({}, status))).get("data-state"); };
  CHECK(state(cell_status::ok) == "done");
  CHECK(state(cell_status::failed) == "failed");
  CHECK(state(cell_status::interrupted) == "stopped");
  CHECK(state(cell_status::killed) == "failed");
  CHECK(state(cell_status::lost) == "failed");
}

TEST_CASE("an error shows its name, its message and its traceback; a reason is shown too") {
  auto result = cell_of({error_output{"ZeroDivisionError", "division by zero", "Cell 1, line 1"}}, cell_status::killed);
  result.reason = "The cell used more memory than allowed.";
  auto item = returned(result);
  CHECK(contains(item.html.str(), "<strong>ZeroDivisionError</strong>: division by zero"));
  CHECK(contains(item.html.str(), "Cell 1, line 1"));
  CHECK(contains(item.html.str(), "The cell used more memory than allowed."));
}

TEST_CASE("a retry prompt makes its call's block failed and says what was wrong") {
  auto errors = json::array({json{{"type", "missing"}, {"msg", "Field required"}, {"loc", {"code"}}, {"input", 1}}});
  auto blocks = render({response_row(1, {call("python", "{}", "c")}), request_row(2, {retry(errors, "c")})});
  REQUIRE(blocks.size() == 1);
  CHECK(root_of(blocks[0]).get("data-state") == "failed");
  CHECK(blocks[0].id == "m1-p0");
  CHECK(blocks[0].seq == 2);
  CHECK(contains(blocks[0].html.str(), "code: Field required"));
}

TEST_CASE("a retry prompt without a call is an error block of its own") {
  auto blocks = render({request_row(2, {retry("Answer in one word.", "nobody")})});
  CHECK(root_of(blocks.at(0)).get("data-block") == "error");
  CHECK(contains(blocks[0].html.str(), "Answer in one word."));
}

TEST_CASE("results of other tools are shown as JSON, text, images and links") {
  binary_content image{png_bytes(), "image/png", nullptr, "aaaaaa"};
  binary_content pdf{"%PDF", "application/pdf", nullptr, "bbbbbb"};
  auto blocks = render({response_row(1, {call("t", json{{"q", 1}}, "c")}),
                        request_row(2, {tool_return("t", make_tool_content("{\"a\":[1]}", {image, pdf}), "c")})});
  const auto& html = blocks.at(0).html.str();
  CHECK(contains(html, "&quot;q&quot;: 1"));
  CHECK(contains(html, "<img src=\"/chat/42/files/m2-0.png\""));
  CHECK(contains(html, "href=\"/chat/42/files/m2-1.pdf\" download"));
}

TEST_CASE("a failed outcome of another tool is a failed block") {
  auto part = tool_return("t", "no", "c");
  part.outcome = "denied";
  auto blocks = render({response_row(1, {call("t", nullptr, "c")}), request_row(2, {part})});
  CHECK(root_of(blocks.at(0)).get("data-state") == "failed");
}

TEST_CASE("a vendor's own tool is answered within the same response") {
  builtin_tool_call_part ask;
  static_cast<tool_call_part&>(ask) = call("web_search", json{{"query", "x"}}, "b");
  builtin_tool_return_part answer;
  answer.tool_name = "web_search";
  answer.tool_call_id = "b";
  answer.content = "found";
  auto blocks = render({response_row(1, {ask, answer, text("so")})});
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].id == "m1-p0");
  CHECK(root_of(blocks[0]).get("data-state") == "done");
  CHECK(contains(blocks[0].html.str(), "found"));
}

TEST_CASE("thinking is folded; what the provider hides is said; empty parts make no block") {
  thinking_part redacted;
  redacted.id = "redacted_thinking";
  auto blocks = render({response_row(1, {thinking("deep"), redacted, thinking(""), text(" \n")})});
  REQUIRE(blocks.size() == 2);
  CHECK(contains(blocks[0].html.str(), "<details><summary>Thinking</summary>"));
  CHECK(contains(blocks[0].html.str(), "deep"));
  CHECK(contains(blocks[1].html.str(), "keeps this part of the thinking to itself"));
}

TEST_CASE("a system prompt is not shown") {
  system_prompt_part system;
  system.content = "secret instructions";
  CHECK(render({request_row(1, {system})}).empty());
}

TEST_CASE("fenced code of a user is code, everything else is kept as it was typed") {
  auto html_of = [](std::string text) { return render({request_row(1, {prompt(std::move(text))})}).at(0).html.str(); };
  auto html = html_of("before *x*\n```python\na < 1\n\nb\n```\nafter\n  indented");
  CHECK(
    contains(html,
             "<div class=\"user-text\">before *x*</div><pre><code class=\"language-python\">a &lt; 1\n\nb</code></pre>"
             "<div class=\"user-text\">after\n  indented</div>"));
  CHECK(contains(html_of("```\n```"), "<pre><code class=\"language-plaintext\"></code></pre>"));
  CHECK(contains(html_of("```\nx\n```"), "<code class=\"language-plaintext\">x</code>"));
  CHECK(contains(html_of("```a\"><b>\nx\n```"), "language-a&quot;&gt;&lt;b&gt;"));
  CHECK(count_of(html_of("```\nx\n```\n```\ny\n```"), "<code") == 2);
  CHECK(contains(html_of("```\nx\n```not the end\n```\n"), "```not the end</code>"));
  for (auto text : {"```python\nnever closed", "a ``` b", "```", "``` `x`\ny\n```"}) {
    CAPTURE(text);
    CHECK(contains(html_of(text), "<div class=\"user-text\">" + escape_html(text) + "</div>"));
  }
}

TEST_CASE("a user's files are images and links, links to elsewhere are not loaded") {
  user_prompt_part part;
  url_content url;
  url.kind = "image-url";
  url.url = "https://example.org/a.png";
  part.content = std::vector<user_content>{std::string("look"), url, binary_content{"x", "image/webp", nullptr, "c"},
                                           binary_content{"a,b", "text/csv", nullptr, "d"}, cache_point{}};
  auto html = render({request_row(7, {part})}).at(0).html.str();
  CHECK(contains(html, "<img src=\"/chat/42/files/m7-0.webp\""));
  CHECK(contains(html, "/chat/42/files/m7-1.csv"));
  CHECK(contains(html, "href=\"https://example.org/a.png\" rel=\"noopener noreferrer nofollow\""));
  CHECK(!contains(html, "src=\"https://example.org"));
}

TEST_CASE("files are numbered through the parts of a message, as attachments_of numbers them") {
  model_request request;
  request.parts.push_back(
    tool_return("t", make_tool_content("", {binary_content{"one", "image/png", nullptr, "a"}}), "x"));
  request.parts.push_back(
    tool_return("t", make_tool_content("", {binary_content{"two", "image/png", nullptr, "b"}}), "y"));
  auto files = attachments_of(request);
  REQUIRE(files.size() == 2);
  CHECK(files[0].data == "one");
  CHECK(files[1].data == "two");
  auto blocks = render({row_of(9, request)});
  CHECK(contains(blocks.at(0).html.str(), "m9-0.png"));
  CHECK(contains(blocks.at(1).html.str(), "m9-1.png"));
}

TEST_CASE("a run's error is a block at its end, and calls that got no answer are stopped") {
  chat_contents contents;
  contents.chat.id = 42;
  contents.messages = {request_row(1, {prompt("one")}, 1), response_row(2, {python_call("1", "c")}, 1),
                       request_row(4, {prompt("two")}, 2), response_row(5, {text("fine")}, 2)};
  contents.runs
    = {run_of(1, 1, run_status::failed, 3, "The model could not be reached."), run_of(2, 4, run_status::completed)};
  auto blocks = render_chat(contents);
  REQUIRE(blocks.size() == 5);
  CHECK(root_of(blocks[1]).get("data-state") == "stopped");
  CHECK(blocks[2].id == "m3-p0");
  CHECK(root_of(blocks[2]).get("data-block") == "error");
  CHECK(contains(blocks[2].html.str(), "The model could not be reached."));
  CHECK(blocks[3].id == "m4-p0");
}

TEST_CASE("a run that goes on keeps its open call running; one that ended well has no error block") {
  chat_contents contents;
  contents.chat.id = 42;
  contents.messages = {request_row(1, {prompt("one")}), response_row(2, {python_call("1", "c")})};
  contents.runs = {run_of(1, 1, run_status::running)};
  CHECK(root_of(render_chat(contents).at(1)).get("data-state") == "running");
  CHECK(block_renderer(42).render_end(run_of(1, 1, run_status::completed)).empty());
}

TEST_CASE("attachment names are read back, and nothing else is") {
  CHECK(attachment_url(42, 17, 3, "image/png") == "/chat/42/files/m17-3.png");
  CHECK(attachment_url(42, 17, 3, "application/x-anything") == "/chat/42/files/m17-3.bin");
  auto name = parse_attachment_name("m17-3.png");
  REQUIRE(name);
  CHECK(name->seq == 17);
  CHECK(name->index == 3);
  for (auto bad : {"", "m", "m17", "m17-3", "m17-3.", "m17-3.exe", "m-1-3.png", "m017-3.png", "m17-03.png", "17-3.png",
                   "m17-3.png.html", "m17.-3png", "m99999999999999999999-1.png", "m1-+1.png", "M17-3.png"}) {
    CAPTURE(bad);
    CHECK(!parse_attachment_name(bad));
  }
}
