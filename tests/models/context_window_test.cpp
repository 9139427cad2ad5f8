#include "base/base64.hpp"
#include "models/context_window.hpp"

#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/wire_content.hpp"
#include "tests/support/history_builder.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace varro;
using namespace varro::test;

namespace {

std::string words(size_t bytes) {
  std::string text;
  while (text.size() < bytes)
    text += "word ";
  return text;
}

json plot(const std::string& text) {
  return json::array({text,
                      {{"data", base64url_encode("\x89PNG")},
                       {"media_type", "image/png"},
                       {"vendor_metadata", nullptr},
                       {"kind", "binary"},
                       {"identifier", "abc123"}}});
}

// Turns of a question, a cell with a long result, and an answer.
history_builder turns(size_t count, size_t result_bytes, bool plots = false) {
  history_builder history;
  for (size_t i = 0; i < count; ++i) {
    auto id = "t" + std::to_string(i);
    auto text = words(result_bytes);
    history.user("question " + std::to_string(i)).model(call("python", "{\"code\": \"1\"}", id));
    history.result("python", plots ? plot(text) : json(text), id).model(text_of_model("answer " + std::to_string(i)));
  }
  return history;
}

model_query query_of(message_list history) {
  model_query query;
  query.history = std::move(history);
  query.instructions = "Be brief.";
  return query;
}

std::string result_of(const message& content) {
  const auto& part = std::get<tool_return_part>(std::get<model_request>(content).parts.at(0));
  return part.content.is_string() ? part.content.get<std::string>() : dump_json(part.content);
}

std::string question_of(const message& content) {
  const auto& part = std::get<user_prompt_part>(std::get<model_request>(content).parts.at(0));
  return std::get<std::string>(part.content);
}

} // namespace

TEST_CASE("an estimate counts characters, not bytes") {
  CHECK(estimated_tokens("") == 0);
  CHECK(estimated_tokens("abc") == 1);
  CHECK(estimated_tokens(words(3'000)) == 1'000);
  CHECK(estimated_tokens("数据分析") == 4);
}

TEST_CASE("a history that fits is handed on as it is") {
  auto query = query_of(turns(3, 300).list());
  auto fitted = fit_context(query, 100'000);
  CHECK(fitted.history == query.history);
  CHECK_FALSE(fitted.without.any());
  CHECK(fitted.fits);
  CHECK(fitted.tokens > 300);
}

TEST_CASE("older results and pictures go first, and the newest turns stay whole") {
  auto query = query_of(turns(8, 3'000, true).user("and now?").list());
  auto fitted = fit_context(query, 12'000);
  CHECK(fitted.fits);
  CHECK(fitted.tokens <= 12'000);
  CHECK(fitted.without.turns == 0);
  CHECK(fitted.without.results > 0);
  CHECK(fitted.without.pictures == fitted.without.results);
  REQUIRE(fitted.history->size() == query.history->size());
  CHECK(check_history(*fitted.history) == caf::none);
  CHECK(result_of((*fitted.history)[2]).find("was left out") != std::string::npos);
  CHECK(result_of((*fitted.history)[2]).find("word") == 0);
  CHECK(result_of((*fitted.history)[30]).find("was left out") == std::string::npos);
  // What stays whole is shared, not copied.
  CHECK((*fitted.history)[1].is_same_as((*query.history)[1]));
  CHECK((*fitted.history)[30].is_same_as((*query.history)[30]));
  CHECK_FALSE((*fitted.history)[2].is_same_as((*query.history)[2]));
  // What the user said is there in full.
  for (size_t i = 0; i < 8; ++i)
    CHECK(question_of((*fitted.history)[4 * i]) == "question " + std::to_string(i));
}

TEST_CASE("then the oldest turns go as a whole, with a word in their place") {
  history_builder history;
  for (int i = 0; i < 20; ++i)
    history.user(words(3'000)).model(text_of_model(words(3'000)));
  auto fitted = fit_context(query_of(history.user("and now?").list()), 12'000);
  CHECK(fitted.fits);
  CHECK(fitted.without.turns > 10);
  CHECK(check_history(*fitted.history) == caf::none);
  const auto& note = std::get<user_prompt_part>(std::get<model_request>(*fitted.history->front()).parts.at(0));
  CHECK(std::get<std::string>(note.content).find("earlier turns of this chat were left out") != std::string::npos);
  CHECK(std::holds_alternative<model_request>(*(*fitted.history)[1]));
}

TEST_CASE("a newest turn that is too long loses its older results, not its last one") {
  history_builder history;
  history.user("go");
  for (int i = 0; i < 6; ++i) {
    auto id = "t" + std::to_string(i);
    history.model(call("python", "{}", id)).result("python", words(6'000), id);
  }
  auto fitted = fit_context(query_of(history.list()), 5'000);
  CHECK(fitted.fits);
  CHECK(check_history(*fitted.history) == caf::none);
  CHECK(result_of(fitted.history->back()).size() >= 6'000);
  CHECK(result_of((*fitted.history)[2]).size() < 1'000);
  // One that cannot be made to fit says so.
  CHECK_FALSE(fit_context(query_of(history_builder{}.user(words(60'000)).list()), 5'000).fits);
}

TEST_CASE("what the vendor counted corrects the estimate") {
  model_response counted;
  counted.parts.push_back(text_of_model("yes"));
  counted.usage.input_tokens = 2'000; // about twice what we take 3,000 characters for
  auto query = query_of(history_builder{}.user(words(3'000)).model(counted).user(words(1'500)).list());
  CHECK(fit_context(query, 2'500).without.any());
  counted.usage.input_tokens = 500;
  query = query_of(history_builder{}.user(words(3'000)).model(counted).user(words(1'500)).list());
  CHECK_FALSE(fit_context(query, 1'200).without.any());
}

TEST_CASE("what was left out stays left out while the chat grows, and changes in few steps") {
  int changes = 0;
  left_out before;
  for (size_t count = 1; count <= 60; ++count) {
    auto fitted = fit_context(query_of(turns(count, 1'500).user("next").list()), 12'000);
    REQUIRE(fitted.fits);
    changes += fitted.without == before ? 0 : 1;
    before = fitted.without;
  }
  CHECK(before.results + before.turns > 0);
  CHECK(changes <= 22);
}

TEST_CASE("whatever a history looks like, what fits has every call's return and begins with the user") {
  std::mt19937 random{7};
  auto up_to = [&](int most) { return std::uniform_int_distribution<int>{0, most}(random); };
  for (int life = 0; life < 300; ++life) {
    history_builder history;
    int id = 0;
    for (int turn = 0, last = up_to(12); turn <= last; ++turn) {
      history.user(words(static_cast<size_t>(up_to(2'000))) + "?");
      for (int cell = up_to(4); cell > 0; --cell) {
        auto name = "c" + std::to_string(id++);
        auto text = words(static_cast<size_t>(up_to(8'000)));
        history.model(call("python", "{\"code\": \"x\"}", name))
          .result("python", up_to(1) ? plot(text) : json(text), name);
      }
      if (turn != last)
        history.model(text_of_model("answer"));
    }
    auto query = query_of(history.list());
    auto most = 500 + up_to(20'000);
    auto fitted = fit_context(query, most);
    REQUIRE(check_history(*fitted.history) == caf::none);
    REQUIRE(std::holds_alternative<model_request>(*fitted.history->front()));
    if (fitted.fits)
      CHECK(fitted.tokens <= most);
    CHECK(estimated_tokens(fitted.history->back()) == estimated_tokens(query.history->back()));
  }
}

TEST_CASE("the limit that a vendor names is found in its words") {
  struct row {
    const char* words;
    int64_t limit;
  };
  for (const auto& one :
       {row{"prompt is too long: 208310 tokens > 200000 maximum", 200'000},
        row{"input length and `max_tokens` exceed context limit: 190000 + 16000 > 200000, decrease input", 200'000},
        row{"This model's maximum context length is 8192 tokens. However, your messages resulted in 10000 tokens.",
            8'192},
        row{"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 1'048'576},
        row{"the request exceeds the available context size (4096 tokens), try increasing it", 4'096},
        row{"the context size (32,768) is exceeded", 32'768}}) {
    CAPTURE(one.words);
    CHECK(context_limit_told(one.words).value_or(0) == one.limit);
  }
  CHECK_FALSE(context_limit_told("Your input exceeds the context window of this model."));
  CHECK_FALSE(context_limit_told(""));
}

TEST_CASE("after a refusal the next request is smaller by our own estimate, whatever that was") {
  // Both numbers: in their proportion. 10,000 tokens were 30,000 for the vendor, who takes 20,000.
  CHECK(shorter_than(10'000, "prompt is too long: 30000 tokens > 20000 maximum") == 6'000);
  // The limit alone: at most three quarters.
  CHECK(shorter_than(10'000, "the context size (32768) is exceeded, context size (32768)") == 7'500);
  CHECK(shorter_than(100'000, "maximum context length is 32768 tokens") == 29'491);
  CHECK(shorter_than(10'000, "Your input exceeds the context window of this model.") == 5'000);
  CHECK(shorter_than(1, "") == 1);
  auto query = query_of(turns(8, 3'000).user("and now?").list());
  const auto whole = fit_context(query, 1'000'000);
  const auto again = fit_context(query, 1'000'000, shorter_than(whole.tokens, ""));
  CHECK(again.fits);
  CHECK(again.tokens <= whole.tokens / 2);
}

TEST_CASE("a model of unknown context is not guessed at, and room for the answer is kept") {
  model_config model;
  CHECK(request_tokens_max(model) == 0);
  model.context_tokens_max = 200'000;
  CHECK(request_tokens_max(model) == 200'000 - 16'000 - 4'000);
  model.context_tokens_max = 8'000;
  CHECK(request_tokens_max(model) == 8'000 - 2'000 - 160);
}

TEST_CASE("an answer is marked once where more is missing than before") {
  fitted_history sent;
  sent.without = {3, 1, 0};
  json metadata = nullptr;
  note_left_out(sent.without, sent.tokens, {}, metadata);
  CHECK(marks_left_out(metadata));
  CHECK(left_out_of(metadata) == sent.without);
  note_left_out(sent.without, sent.tokens, sent.without, metadata);
  CHECK_FALSE(marks_left_out(metadata));
  json nothing = nullptr;
  note_left_out({}, 0, {}, nothing);
  CHECK(nothing.is_null());
  // One result more is no news, twice as many are.
  sent.without = {4, 1, 0};
  note_left_out(sent.without, sent.tokens, {3, 1, 0}, metadata);
  CHECK_FALSE(marks_left_out(metadata));
  sent.without = {6, 1, 0};
  note_left_out(sent.without, sent.tokens, {3, 1, 0}, metadata);
  CHECK(marks_left_out(metadata));
  model_response marked;
  marked.metadata = metadata;
  model_response unmarked;
  sent.without = {7, 1, 0};
  note_left_out(sent.without, sent.tokens, {6, 1, 0}, unmarked.metadata);
  CHECK(told_left_out({message{marked}, message{unmarked}, message{model_request{}}}) == left_out{6, 1, 0});
  CHECK(told_left_out({message{marked}, message{model_response{}}}) == left_out{});
}
