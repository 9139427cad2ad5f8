#include "render/workspace_links.hpp"

#include "render/pages.hpp"
#include "tests/render/histories.hpp"
#include "tests/render/html_tags.hpp"

using namespace varro;
using namespace varro::test;

namespace {

// Where the links and pictures of an answer in chat 42 lead.
std::vector<std::string> targets(std::string_view markdown) {
  const auto html = markdown_to_html(markdown, 42).str();
  CAPTURE(html);
  CHECK(active_content(html).empty());
  std::vector<std::string> found;
  for (const auto& tag : tags_of(html))
    for (const auto& [name, value] : tag.attributes)
      if (name == "href" || name == "src")
        found.push_back((tag.name == "img" ? "img " : "") + value);
  return found;
}

using list = std::vector<std::string>;

} // namespace

TEST_CASE("a link to a file of the workspace leads to where the chat's files are served") {
  for (auto [target, url] :
       std::vector<std::pair<std::string, std::string>>{{"/workspace/report.csv", "report.csv"},
                                                        {"report.csv", "report.csv"},
                                                        {"./out/report.csv", "out/report.csv"},
                                                        {"out/../report.csv", "report.csv"},
                                                        {"../workspace/report.csv", "report.csv"},
                                                        {"/workspace/./a//b/../report.csv", "a/report.csv"},
                                                        {"sandbox:/workspace/report.csv", "report.csv"},
                                                        {"file:///workspace/report.csv", "report.csv"},
                                                        {"<my report.csv>", "my%20report.csv"},
                                                        {"my report.csv", "my%20report.csv"},
                                                        {"/workspace/my last report.csv", "my%20last%20report.csv"},
                                                        {"my%20report.csv", "my%20report.csv"},
                                                        {"übersicht.csv", "%C3%BCbersicht.csv"},
                                                        {"%C3%BCbersicht.csv", "%C3%BCbersicht.csv"},
                                                        {"100%.csv", "100%25.csv"},
                                                        {"a+b&c.csv", "a%2Bb%26c.csv"},
                                                        {"report.html#row-5", "report.html#row-5"},
                                                        {"report.csv?raw=1#x", "report.csv?raw=1#x"},
                                                        {"report.csv \"The report\"", "report.csv"},
                                                        {"m1-2.csv", "m1-2.csv?workspace"},
                                                        {"sub/m1-2.csv", "sub/m1-2.csv"},
                                                        {"sub/a:b.csv", "sub/a%3Ab.csv"},
                                                        {"workspace/a.csv", "workspace/a.csv"}}) {
    CAPTURE(target);
    CHECK(targets("Saved: [a](" + target + ") here") == list{"/chat/42/files/" + url});
  }
  CHECK(targets("- [a][r]\n\n[r]: out/report.csv 'title'") == list{"/chat/42/files/out/report.csv"});
  CHECK(targets("|a|\n|-|\n|[a](report.csv)|") == list{"/chat/42/files/report.csv"});
}

TEST_CASE("a link that leads out of the workspace is none, and one to elsewhere stays as it is") {
  for (auto target : {"../secret",
                      "/workspace/../secret",
                      "..%2fsecret",
                      "%2e%2e/secret",
                      "a/../../secret",
                      "/workspace/..",
                      "/workspace",
                      "/workspace/",
                      "out/",
                      ".",
                      "..",
                      "../workspacex/a",
                      "a%00.csv",
                      "a%0ab.csv",
                      "file:///etc/passwd",
                      "sandbox:/etc/passwd",
                      "javascript:alert(1)",
                      "data:text/html,x",
                      "java&#10;script:alert(1)",
                      "<java script:x>",
                      "a:b.csv",
                      "c:\\a.csv",
                      "//evil.example/x",
                      "/\\evil.example",
                      "www.example.org/x",
                      "\x01javascript:alert(1)",
                      "../43/files/a.csv"}) {
    CAPTURE(target);
    CHECK(targets(std::string{"[a]("} + target + ")").empty());
    CHECK(targets(std::string{"![a]("} + target + ")").empty());
  }
  CHECK(targets("[a](https://example.org/workspace/a.csv)") == list{"https://example.org/workspace/a.csv"});
  CHECK(targets("[a](#part) [b](/settings) [c](mailto:a@example.org)")
        == list{"#part", "/settings", "mailto:a@example.org"});
  CHECK(targets("[a](/workspaces/a.csv)") == list{"/workspaces/a.csv"});
  CHECK(targets("[a](https://example.org/a b.csv)") == list{"https://example.org/a"});
  CHECK(targets("`[a](a b.csv)` a](b c.csv)").empty());
  CHECK(contains(markdown_to_html("see](my report.csv)", 42).str(), "see](my report.csv)"));
  // Without a chat there is no workspace.
  CHECK_FALSE(contains(markdown_to_html("[a](report.csv)").str(), "href"));
}

TEST_CASE("a picture of the workspace is shown, one of another chat or of another kind is a link") {
  CHECK(targets("![plot](plot.png)") == list{"img /chat/42/files/plot.png"});
  CHECK(targets("![plot](/workspace/out/My%20plot.JPG \"A plot\")") == list{"img /chat/42/files/out/My%20plot.JPG"});
  CHECK(targets("![plot](my plot.png)") == list{"img /chat/42/files/my%20plot.png"});
  CHECK(targets("![a](m1-0.png)") == list{"img /chat/42/files/m1-0.png?workspace"});
  CHECK(targets("![a](plot.svg#x)") == list{"img /chat/42/files/plot.svg#x"});
  CHECK(targets("[![plot](plot.png)](plot.png)") == list{"/chat/42/files/plot.png", "img /chat/42/files/plot.png"});
  CHECK(targets("![data](report.csv)") == list{"/chat/42/files/report.csv"});
  CHECK(targets("![a](/chat/42/files/m1-0.png)") == list{"img /chat/42/files/m1-0.png"});
  CHECK(targets("![a](/chat/43/files/m1-0.png)") == list{"/chat/43/files/m1-0.png"});
  CHECK(targets("![a](/chat/420/files/m1-0.png)") == list{"/chat/420/files/m1-0.png"});
  CHECK(contains(markdown_to_html("![a \"b\" <c>](plot.png \"t \\\" onerror=x\")", 42).str(),
                 "<img loading=\"lazy\" src=\"/chat/42/files/plot.png\" alt=\"a &quot;b&quot; &lt;c&gt;\""));
}

TEST_CASE("answers, thinking, and Markdown and LaTeX of a cell know the workspace of their chat") {
  const std::string markdown = "![pic](pic.png)";
  cell_result cell;
  cell.outputs = {rich_output{"text/markdown", markdown, ""}, rich_output{"text/latex", markdown, ""}};
  chat_contents contents;
  contents.chat.id = 42;
  contents.messages = {response_row(1, {thinking(markdown), text(markdown)}), request_row(2, {cell_return(cell, "c")})};
  const auto html = all_html(render_chat(contents));
  CHECK(count_of(html, "src=\"/chat/42/files/pic.png\"") == 4);
}

TEST_CASE("the list of files names each one so that no attachment is meant") {
  const auto html = file_list(42, {{"m1-2.csv", 1, 0}, {"m1-2.txt.csv", 1, 0}}).str();
  CHECK(contains(html, "href=\"/chat/42/files/m1-2.csv?workspace\""));
  CHECK(contains(html, "href=\"/chat/42/files/m1-2.txt.csv\""));
}
