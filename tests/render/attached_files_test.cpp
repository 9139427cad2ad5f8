#include "models/user_prompt.hpp"
#include "tests/render/histories.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string render(const user_prompt_part& part) {
  chat_contents contents;
  contents.chat.id = 42;
  contents.messages.push_back(request_row(7, {part}));
  contents.runs.push_back(run_of(1, 1, run_status::running));
  return render_chat(contents).at(0).html.str();
}

} // namespace

TEST_CASE("a message with attached files shows text and files by their names, and can be edited and asked again") {
  auto part = make_user_prompt("what is it?",
                               {uploads_note({"a.csv", "b<i>.png", "c.pdf"}), upload_label("b<i>.png"),
                                binary_content{"x", "image/png", nullptr, "c"}, upload_label("c.pdf"),
                                binary_content{"%PDF-", "application/pdf", nullptr, "d"}},
                               "");
  auto html = render(part);
  CHECK(contains(html, "<div class=\"user-text\">what is it?</div>"));
  CHECK(contains(html, "<div class=\"user-text\">Uploaded files: a.csv, b&lt;i&gt;.png, c.pdf</div>"));
  CHECK(contains(html, "<img src=\"/chat/42/files/m7-0.png\" alt=\"b&lt;i&gt;.png\""));
  CHECK(contains(html, "href=\"/chat/42/files/m7-1.pdf\" download>c.pdf</a>"));
  CHECK(!contains(html, "/workspace/"));
  CHECK(contains(html, "data-text=\"what is it?\""));
  CHECK(contains(html, "/chat/42/regenerate"));
  CHECK(contains(html, "/chat/42/fork"));
}
