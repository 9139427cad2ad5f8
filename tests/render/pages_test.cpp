#include "render/account_pages.hpp"
#include "render/pages.hpp"

#include "models/offline/offline.hpp"
#include "render/assets.hpp"
#include "tests/render/histories.hpp"
#include "tests/render/html_tags.hpp"

using namespace varro;
using namespace varro::test;

namespace {

config with_models() {
  config settings;
  settings.models.push_back(model_of("anthropic:claude", "Claude", provider_kind::anthropic));
  settings.models.push_back(model_of("offline", "Offline", provider_kind::offline));
  return settings;
}

config offline_only() {
  config settings;
  settings.models.push_back(model_of("offline", "Offline", provider_kind::offline));
  return settings;
}

chat_record chat_named(int64_t id, std::string title) {
  chat_record chat;
  chat.id = id;
  chat.title = std::move(title);
  chat.model = "offline";
  return chat;
}

std::vector<block> one_block() {
  std::vector<block> blocks;
  blocks.push_back({7, "m7-p0", html::element("article", {{"id", "m7-p0"}}, "x")});
  return blocks;
}

struct pages {
  config settings = with_models();
  page_context context{{"ada", true, "token-1"}, {chat_named(42, "First"), chat_named(43, "Second")}, &settings};
  chat_page running{context.chats[0], one_block(), 7, true, "Thinking…", ""};
  chat_page finished{context.chats[0], one_block(), 7, false, "", "Not all files <are> back."};

  std::vector<std::string> all() const {
    return {
      new_chat_page(context).str(),
      chat_page_html(context, running).str(),
      chat_page_html(context, finished).str(),
      login_page(context.viewer, "wrong").str(),
      login_page(context.viewer, "", true).str(),
      join_page(context.viewer, {"/join/abc", "ada", true, "taken"}).str(),
      reset_page(context.viewer, "/reset/abc", "ada", "").str(),
      password_was_reset_page(context.viewer).str(),
      account_page(context.viewer, {"done", "", {login_record{"a", 1, "c"}, login_record{"b", 1, "c"}}, "a"}).str(),
      token_section(context.viewer,
                    {{token_record{"h", "0123456789ab", 1, "a script", {true, true, false}}}, "varro_x", "", "", true})
        .str(),
      error_page(context.viewer, 500, "broken").str(),
      send_reply(context, running, running.blocks, true).str(),
      chat_form(context, &context.chats[0], true).str()};
  }
};

std::string form_of(const std::string& html, std::string_view id) {
  auto from = html.find("<form id=\"" + std::string(id) + "\"");
  REQUIRE(from != html.npos);
  return html.substr(from, html.find("</form>", from) - from);
}

} // namespace

TEST_CASE("a notice stands beside the message box, escaped, and is hidden when there is none") {
  pages site;
  CHECK(contains(chat_page_html(site.context, site.finished).str(),
                 "role=\"alert\">Not all files &lt;are&gt; back.</div>"));
  CHECK(contains(chat_page_html(site.context, site.running).str(), "role=\"alert\" hidden></div>"));
  CHECK_FALSE(contains(send_reply(site.context, site.running, {}, false).str(), "id=\"notice\""));
  CHECK(contains(send_reply(site.context, site.finished, {}, false).str(),
                 "id=\"notice\" class=\"notice\" role=\"alert\" hx-swap-oob"));
}

TEST_CASE("every form of every page carries the token, and every page tells it to the scripts") {
  pages site;
  for (const auto& html : site.all()) {
    size_t from = 0;
    while ((from = html.find("<form", from)) != html.npos) {
      auto form = html.substr(from, html.find("</form>", from) - from);
      CHECK(contains(form, "<input type=\"hidden\" name=\"csrf\" value=\"token-1\">"));
      from += 5;
    }
    if (html.starts_with("<!doctype html>"))
      CHECK(contains(html, "<meta name=\"csrf\" content=\"token-1\">"));
  }
}

TEST_CASE("without a token there is no empty field for one") {
  pages site;
  site.context.viewer = {"local", false, ""};
  for (const auto& html : site.all())
    CHECK(!contains(html, "name=\"csrf\""));
}

TEST_CASE("pages hold no inline script, no inline style and nothing of another origin") {
  pages site;
  for (const auto& html : site.all())
    CHECK(active_content(html) == "");
}

TEST_CASE("all scripts, styles and icons of a page are carried by the binary, under the hash of their content") {
  pages site;
  size_t seen = 0;
  for (const auto& next : tags_of(new_chat_page(site.context).str())) {
    auto url = next.name == "script" ? next.get("src") : next.name == "link" ? next.get("href") : std::string{};
    if (url.empty())
      continue;
    CAPTURE(url);
    REQUIRE(url.starts_with("/assets/"));
    auto question = url.find("?v=");
    REQUIRE(question != url.npos);
    auto* found = find_asset(url.substr(8, question - 8));
    REQUIRE(found != nullptr);
    CHECK(!found->bytes.empty());
    CHECK(found->etag == url.substr(question + 3));
    ++seen;
  }
  CHECK(seen >= 9);
}

TEST_CASE("assets have the media types that browsers insist on; what is not there is not found") {
  REQUIRE(find_asset("app.css"));
  CHECK(find_asset("app.css")->media_type == "text/css; charset=utf-8");
  CHECK(find_asset("vendor/htmx/htmx.min.js")->media_type == "text/javascript; charset=utf-8");
  CHECK(find_asset("vendor/katex/fonts/KaTeX_Main-Regular.woff2")->bytes.starts_with("wOF2"));
  CHECK(find_asset("../CMakeLists.txt") == nullptr);
  CHECK(find_asset("") == nullptr);
}

TEST_CASE("our own scripts and styles name no other origin") {
  for (const auto& entry : all_assets()) {
    if (entry.name.starts_with("vendor/") || entry.name == "icon.svg")
      continue;
    CAPTURE(entry.name);
    CHECK(!contains(entry.file.bytes, "://"));
    CHECK(!contains(entry.file.bytes, "eval("));
  }
}

TEST_CASE("a running chat's page follows its stream and offers to stop; a finished one offers to send") {
  pages site;
  auto running = chat_page_html(site.context, site.running).str();
  CHECK(
    contains(running, "<div id=\"stream-42\" class=\"stream-container\" data-stream-url=\"/chat/stream/42?after=7\">"));
  CHECK(contains(running, "Thinking…"));
  auto form = form_of(running, "chat-form");
  CHECK(contains(form, "data-state=\"disabled\""));
  CHECK(contains(form, "hx-post=\"/chat/42/cancel\""));
  CHECK(contains(form, "name=\"chat_id\" value=\"42\""));

  auto finished = chat_page_html(site.context, site.finished).str();
  CHECK(!contains(finished, "data-stream-url"));
  CHECK(contains(form_of(finished, "chat-form"), "data-state=\"enabled\""));
}

TEST_CASE("the blocks of a chat stand in the conversation, before its stream") {
  pages site;
  auto html = chat_page_html(site.context, site.running).str();
  auto conversation = html.find("id=\"conversation\"");
  auto block = html.find("id=\"m7-p0\"");
  CHECK(conversation < block);
  CHECK(block < html.find("id=\"stream-42\""));
}

TEST_CASE("the answer to a message is the user's block, the stream and the disabled form in the old one's place") {
  pages site;
  auto html = send_reply(site.context, site.running, site.running.blocks, true).str();
  CHECK(html.starts_with("<article id=\"m7-p0\">"));
  CHECK(contains(html, "data-stream-url=\"/chat/stream/42?after=7\""));
  CHECK(contains(form_of(html, "chat-form"), "hx-swap-oob=\"true\""));
  CHECK(contains(form_of(html, "chat-form"), "data-state=\"disabled\""));
  CHECK(contains(html, "<ul hx-swap-oob=\"afterbegin:#chat-list\"><li class=\"chat-entry\"><a class=\"chat-link\""));
  auto entry = html.substr(html.find("afterbegin"));
  CHECK(entry.find("data-chat=\"42\"") < entry.find("</ul>"));
  CHECK(entry.find("chat-entry", entry.find("chat-entry") + 1) > entry.find("</ul>")); // of no other chat
  CHECK(!contains(send_reply(site.context, site.running, site.running.blocks, false).str(), "chat-list"));
}

TEST_CASE("a new chat's form names no chat and chooses the first real model") {
  pages site;
  auto form = form_of(new_chat_page(site.context).str(), "chat-form");
  CHECK(!contains(form, "chat_id"));
  CHECK(contains(form, "<option value=\"anthropic:claude\" selected>Claude</option>"));
  site.settings.default_model = "offline";
  CHECK(contains(form_of(new_chat_page(site.context).str(), "chat-form"), "<option value=\"offline\" selected>"));
}

TEST_CASE("a model that is not offered any more is still named") {
  pages site;
  site.finished.chat.model = "openai:gone";
  CHECK(contains(chat_page_html(site.context, site.finished).str(), "openai:gone (not offered any more)"));
}

TEST_CASE("the list of chats marks the one that is open") {
  pages site;
  auto html = chat_list(site.context.chats, 43).str();
  CHECK(contains(html, "href=\"/chat/43\" data-chat=\"43\" aria-current=\"page\""));
  CHECK(count_of(html, "aria-current") == 1);
  CHECK(count_of(chat_list(site.context.chats, 0).str(), "aria-current") == 0);
}

TEST_CASE("a list that goes on has a link that works with and without scripts") {
  pages site;
  auto html = chat_list(site.context.chats, 0, "17-4").str();
  CHECK(contains(html, "<a href=\"/?before=17-4\" hx-get=\"/chats?before=17-4\""));
  CHECK(!contains(chat_list(site.context.chats, 0).str(), "before="));
  CHECK(older_chats(site.context.chats, 0, "17-4").str().starts_with("<li"));
  CHECK(older_chats({}, 0, "").str().empty());
}

TEST_CASE("what was found is marked: in a title that is whole, or in a piece of text below the title") {
  chat_record chat;
  chat.id = 7;
  chat.title = "Prime numbers";
  found_chats found{{{chat, 0, {"Prime ", "num", "bers"}}}, true};
  CHECK(contains(found_list(found, 7).str(), ">Prime <mark>num</mark>bers</a>"));
  CHECK(contains(found_list(found, 7).str(), "aria-current"));
  found.chats[0] = {chat, 3, {"…a ", "<b>", " c"}};
  CHECK(contains(found_list(found, 0).str(), "<p class=\"excerpt\">…a <mark>&lt;b&gt;</mark> c</p>"));
  CHECK(contains(found_list(found, 0).str(), ">Prime numbers</a>"));
  CHECK(!contains(found_list(found, 0).str(), "too long"));
  found.complete = false;
  CHECK(contains(found_list(found, 0).str(), "too long"));
  CHECK(contains(found_list({}, 0).str(), "No chats"));
}

TEST_CASE("a sandbox that is off is said on every page of the app, one that is on is not") {
  pages site;
  CHECK(!contains(new_chat_page(site.context).str(), "The sandbox is off"));
  site.settings.shell.sandbox = false;
  CHECK(contains(new_chat_page(site.context).str(), "The sandbox is off"));
  CHECK(contains(chat_page_html(site.context, site.finished).str(), "The sandbox is off"));
}

TEST_CASE("without a real model the page offers examples that the built-in one can run") {
  pages site;
  site.settings = offline_only();
  auto html = new_chat_page(site.context).str();
  CHECK(contains(html, "No language model is connected yet"));
  for (const auto& example : offline_examples())
    CHECK(contains(html, escape_html(example.text)));
  site.settings = with_models();
  CHECK(!contains(new_chat_page(site.context).str(), "No language model is connected yet"));
}

TEST_CASE("only accounts can log out") {
  pages site;
  CHECK(contains(new_chat_page(site.context).str(), "action=\"/logout\""));
  site.context.viewer.accounts = false;
  CHECK(!contains(new_chat_page(site.context).str(), "/logout"));
}

TEST_CASE("where several Pythons are configured a new chat chooses one, and shows it from then on") {
  pages site;
  CHECK_FALSE(contains(new_chat_page(site.context).str(), "name=\"python\""));
  CHECK_FALSE(contains(chat_page_html(site.context, site.finished).str(), "Python: "));
  site.settings.shell.interpreters.push_back({"science <3", "/opt/science/bin/python3", {}});
  auto form = form_of(new_chat_page(site.context).str(), "chat-form");
  CHECK(contains(form, "<option value=\"default\" selected>Python: default</option>"));
  CHECK(contains(form, "<option value=\"science &lt;3\">Python: science &lt;3</option>"));
  form = form_of(chat_page_html(site.context, site.finished).str(), "chat-form");
  CHECK_FALSE(contains(form, "name=\"python\""));
  CHECK(contains(form, ">Python: default</span>"));
  site.finished.chat.python = "science <3";
  CHECK(contains(chat_page_html(site.context, site.finished).str(), ">Python: science &lt;3</span>"));
  site.settings.shell.interpreters.clear();
  CHECK(contains(chat_page_html(site.context, site.finished).str(), ">Python: science &lt;3 (not configured)</span>"));
}
