// The list of models on the page, and what is said when a chat's model ends.
#include "render/model_choice.hpp"

#include "base/day.hpp"
#include "tests/render/histories.hpp"
#include "tests/render/html_tags.hpp"

using namespace varro;
using namespace varro::test;

namespace {

// "2026-11-30" so many days from now.
std::string day_from_now(int64_t days) {
  std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::days{today() + days}}};
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
  return text;
}

model_choices with_old(std::string ends) {
  model_choices choices;
  auto fresh = model_of("a:new", "New <1>", provider_kind::anthropic);
  auto old = model_of("a:old", "Old", provider_kind::anthropic);
  fresh.provider = old.provider = "a";
  fresh.name = "new";
  old.name = "old";
  old.retires_on = std::move(ends);
  old.deprecated = !old.retires_on.empty();
  old.successor = "a:new";
  choices.models = {fresh, old, model_of("offline", "Offline", provider_kind::offline)};
  choices.default_model = "a:new";
  return choices;
}

chat_record chat_on(std::string model) {
  chat_record chat;
  chat.id = 42;
  chat.model = std::move(model);
  return chat;
}

} // namespace

TEST_CASE("a new chat chooses the default, and what the vendor ends is not offered to it") {
  auto html = model_choice(with_old(day_from_now(10)), nullptr, true).str();
  CHECK(contains(html, "<option value=\"a:new\" selected>New &lt;1&gt;</option>"));
  CHECK_FALSE(contains(html, "a:old"));
  CHECK(contains(html, "value=\"offline\""));
  CHECK(contains(model_note(with_old(day_from_now(10)), nullptr, {}).str(), " hidden>"));
  CHECK(contains(model_choice(with_old({}), nullptr, true).str(), "<option value=\"a:old\">Old</option>"));
}

TEST_CASE("a chat on a model that ends soon keeps it, marked, with a button for the one that follows") {
  auto day = day_from_now(10);
  auto choices = with_old(day);
  auto chat = chat_on("a:old");
  CHECK(contains(model_choice(choices, &chat, true).str(),
                 "<option value=\"a:old\" selected>Old (ends " + day + ")</option>"));
  auto note = model_note(choices, &chat, {}).str();
  CHECK(contains(note, "Old ends on " + day + ". New &lt;1&gt; takes its place."));
  CHECK(contains(note, "data-action=\"choose-model\" data-model=\"a:new\">Use New &lt;1&gt;</button>"));
}

TEST_CASE("a chat on a model that is over or gone has the proposed one chosen, and is told why") {
  auto day = day_from_now(-1);
  auto choices = with_old(day);
  auto chat = chat_on("a:old");
  auto html = model_choice(choices, &chat, true).str();
  CHECK(contains(html, "<option value=\"a:new\" selected>"));
  CHECK(contains(html, "<option value=\"a:old\">Old (ended " + day + ")</option>"));
  CHECK(contains(model_note(choices, &chat, {}).str(), "Old ended on " + day));
  CHECK_FALSE(contains(model_note(choices, &chat, {}).str(), "<button"));
  chat = chat_on("a:<gone>");
  html = model_choice(choices, &chat, true).str();
  CHECK(contains(html, "<option value=\"a:&lt;gone&gt;\" disabled>a:&lt;gone&gt; (not offered any more)</option>"));
  CHECK(contains(html, "<option value=\"a:new\" selected>"));
  CHECK(
    contains(model_note(choices, &chat, {}).str(), "a:&lt;gone&gt; is not offered any more. New &lt;1&gt; is chosen"));
}

TEST_CASE("where nothing can be proposed a model that is gone stays chosen, so that it is told what is wrong") {
  model_choices choices;
  choices.models = {model_of("offline", "Offline", provider_kind::offline)};
  auto chat = chat_on("a:gone");
  CHECK(contains(model_choice(choices, &chat, true).str(), "<option value=\"a:gone\" selected>"));
  CHECK(contains(model_note(choices, &chat, {}).str(), " hidden>"));
}

TEST_CASE("the reply to a message brings the note anew") {
  auto choices = with_old(day_from_now(10));
  auto chat = chat_on("a:new");
  const html::attributes swap{{"hx-swap-oob", "true"}};
  CHECK(contains(model_note(choices, &chat, swap).str(), "id=\"model-note\""));
  CHECK(contains(model_note(choices, &chat, swap).str(), "hx-swap-oob=\"true\" hidden>"));
}
