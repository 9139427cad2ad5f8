#include "render/account_pages.hpp"
#include "render/pages.hpp"

#include "tests/render/hostile_history.hpp"
#include "tests/render/html_tags.hpp"

using namespace varro;
using namespace varro::test;

namespace {

void check_harmless(const std::string& html, const std::string& attack) {
  CAPTURE(attack);
  CHECK(active_content(html) == "");
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
    check_harmless(login_page(context.viewer, attack, true, attack).str(), attack);
    check_harmless(join_page(context.viewer, {"/join", attack, true, attack}).str(), attack);
    check_harmless(reset_page(context.viewer, "/reset/x", attack, attack).str(), attack);
    const login_record session{attack, 1, attack, 0, 0, 0, 0, attack, attack};
    check_harmless(account_page(context.viewer, {attack, attack, {session, session}, "other"}).str(), attack);
    const token_record token{attack, attack, 1, attack, {}, 0, 0, 0};
    check_harmless(token_section(context.viewer, {{token, token}, attack, attack, attack, true}).str(), attack);
    check_harmless(error_page(context.viewer, 404, attack).str(), attack);
    check_harmless(send_reply(context, page, page.blocks, true).str(), attack);
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
