// Random lives of a chat, held to what the vendors document: whatever a user does, no request that follows is refused.
//
// Each life is turns with cells, plots, stops, refusals, edits, forks, restarts, other models of other vendors, other
// instructions, contexts that are full. Each request is encoded by our adapters, judged by the scripted server's
// validators (which enforce the binding of thinking and signatures, the pairing of calls, the limits of pictures), and
// answered on that vendor's wire, which our decoders read back into the history.
#include "bench/anthropic_binding.hpp"
#include "bench/validate.hpp"
#include "bench/wire.hpp"
#include "models/anthropic.hpp"
#include "models/context_window.hpp"
#include "models/effort.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/provider.hpp"
#include "models/timestamp.hpp"
#include "tests/support/picture_bytes.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace varro;

namespace {

struct known_model {
  provider_kind kind;
  const char* name;
  bool vision;
};

// Those whose rules differ: bound thinking, thinking that cannot be off, signatures, reasoning items.
constexpr known_model models[] = {
  {provider_kind::anthropic, "claude-opus-5-5", true},   {provider_kind::anthropic, "claude-sonnet-5-5", true},
  {provider_kind::anthropic, "claude-haiku-5-5", true},  {provider_kind::anthropic, "claude-fable-5-1", false},
  {provider_kind::anthropic, "claude-sonnet-4-5", true}, {provider_kind::openai_responses, "gpt-6-sol", true},
  {provider_kind::openai_responses, "gpt-5.4", false},   {provider_kind::openai, "gpt-4o", true},
  {provider_kind::google, "gemini-3-pro-preview", true}, {provider_kind::google, "gemini-2.5-flash", true},
};

bench::vendor wire_called(provider_kind kind) {
  switch (kind) {
  case provider_kind::anthropic:
    return bench::vendor::anthropic;
  case provider_kind::openai_responses:
    return bench::vendor::openai_responses;
  case provider_kind::google:
    return bench::vendor::google;
  case provider_kind::openai:
  case provider_kind::offline:
    break;
  }
  return bench::vendor::openai;
}

const char* provider_called(provider_kind kind) {
  return kind == provider_kind::anthropic ? "anthropic" : kind == provider_kind::google ? "google" : "openai";
}

class life {
public:
  explicit life(uint64_t seed) : random_(seed) {
    choose_model();
  }

  // Empty, or what was refused and why.
  std::string live();

private:
  int up_to(int most) {
    return std::uniform_int_distribution<int>{0, most}(random_);
  }
  bool once_in(int times) {
    return up_to(times - 1) == 0;
  }

  void choose_model();
  void say(std::string text);
  void change_something();
  bool turn();
  bool exchange(bool may_call);
  void run_calls(const model_response& response, bool stopped);
  model_query query() const;
  model_response read(const model_query& sent, const bench::wire_answer& bytes);

  std::mt19937_64 random_;
  message_history history_;
  std::vector<size_t> turns_; // where each begins in the history
  std::string instructions_ = "Be brief.";
  std::string tool_words_ = "Runs Python.";
  model_config model_;
  std::string refusal_;
};

void life::choose_model() {
  const auto& chosen = models[static_cast<size_t>(up_to(static_cast<int>(std::size(models)) - 1))];
  model_ = {};
  model_.kind = chosen.kind;
  model_.name = chosen.name;
  model_.provider = provider_called(chosen.kind);
  model_.id = model_.provider + ":" + model_.name;
  model_.base_url = "http://127.0.0.1/v1";
  model_.vision = chosen.vision;
  if (once_in(2))
    model_
      = with_effort(model_, effort_choices[static_cast<size_t>(up_to(static_cast<int>(effort_choices.size()) - 1))]);
  if (once_in(4))
    model_.context_tokens_max = 3'000 + up_to(6'000);
}

void life::say(std::string text) {
  turns_.push_back(history_.size());
  model_request request;
  request.parts.push_back(user_prompt_part{std::move(text), timestamp_now()});
  request.timestamp = timestamp_now();
  history_.emplace_back(std::move(request));
}

model_query life::query() const {
  model_query query;
  query.model = model_;
  query.history = without_refused(std::make_shared<const message_history>(history_));
  query.instructions = instructions_;
  query.conversation_id = "chat-1";
  query.tools.push_back({"python", tool_words_,
                         json{{"type", "object"},
                              {"properties", {{"code", {{"type", "string"}}}}},
                              {"required", {"code"}},
                              {"additionalProperties", false}}});
  const auto whole = query.history;
  if (const auto most = request_tokens_max(model_); most > 0)
    query.history = fit_context(query, most).history;
  query.without_thinking = query.history != whole && anthropic::binds_without_controls(model_);
  return query;
}

model_response life::read(const model_query& sent, const bench::wire_answer& bytes) {
  auto decoder = provider_for(sent.model.kind).decoder(sent, bytes.status, bytes.content_type);
  for (auto piece : bytes.pieces) {
    bench::stamp(piece, 0);
    decoder->feed(piece);
  }
  auto end = decoder->finish(false);
  if (end.response)
    return std::move(*end.response);
  refusal_ = "our decoder: " + end.error->message;
  return {};
}

void life::run_calls(const model_response& response, bool stopped) {
  for (const auto& part : response.parts) {
    const auto* call = std::get_if<tool_call_part>(&part);
    if (!call)
      continue;
    model_request request;
    request.timestamp = timestamp_now();
    if (once_in(12)) {
      retry_prompt_part retry;
      retry.content = "Unknown tool name.";
      retry.tool_name = call->tool_name;
      retry.tool_call_id = call->tool_call_id;
      request.parts.push_back(std::move(retry));
    } else {
      tool_return_part result;
      result.tool_name = call->tool_name;
      result.tool_call_id = call->tool_call_id;
      const auto text
        = stopped ? std::string("Stopped by the user.") : std::string(static_cast<size_t>(up_to(2'000)), 'x');
      std::vector<binary_content> plots;
      if (!stopped && once_in(3))
        plots.push_back({test::one_pixel_png(), "image/png", nullptr, ""});
      result.content = make_tool_content(text, plots);
      request.parts.push_back(std::move(result));
    }
    history_.emplace_back(std::move(request));
  }
}

// As varro-model judges what arrives.
std::optional<bench::request_problem> judge(const model_query& sent, const http_request& request,
                                            bench::request_facts& facts) {
  const auto wire = wire_called(sent.model.kind);
  const auto body = parse_json(request.body);
  if (!body)
    return bench::request_problem{400, "", "the body is not JSON", "", ""};
  std::string betas;
  for (const auto& [name, value] : request.headers)
    if (name == "anthropic-beta")
      betas = value;
  auto binding = std::make_shared<bench::binding_outcome>();
  std::optional<bench::request_problem> problem;
  switch (wire) {
  case bench::vendor::anthropic:
    problem = bench::check_anthropic(*body, {}, betas, binding.get());
    break;
  case bench::vendor::openai:
    problem = bench::check_openai(*body, {});
    break;
  case bench::vendor::openai_responses:
    problem = bench::check_responses(*body, {});
    break;
  case bench::vendor::google:
    problem = bench::check_google(*body, sent.model.name, {});
    break;
  }
  facts = bench::facts_of(wire, *body, request.body.size(), sent.model.name, true);
  facts.binding_told = betas.find("thinking-binding-controls") != std::string::npos;
  facts.binding = std::move(binding);
  return problem;
}

// One request and its answer. False when there is nothing more to do in this turn, or something was refused.
bool life::exchange(bool may_call) {
  const auto sent = query();
  const auto request = provider_for(sent.model.kind).encode(sent);
  if (!request) {
    refusal_ = "our encoder: " + text_of(request.error());
    return false;
  }
  bench::request_facts facts;
  if (const auto problem = judge(sent, *request, facts)) {
    refusal_ = sent.model.id + ": " + problem->message;
    return false;
  }
  bench::answer what;
  if (!once_in(3))
    what.blocks.emplace_back(bench::thinking_block{"I think " + std::to_string(up_to(1'000)), {}});
  const auto cells = may_call ? up_to(2) : 0;
  if (cells == 0 || once_in(3))
    what.blocks.emplace_back(bench::text_block{"Answer " + std::to_string(up_to(1'000))});
  for (int i = 0; i < cells; ++i)
    what.blocks.emplace_back(bench::tool_block{"python", R"({"code": "1"})", ""});
  const bool refused = once_in(20);
  if (refused)
    what.stop = "content_filter";
  auto response = read(sent, bench::answer_on_wire(what, facts));
  if (!refusal_.empty())
    return false;
  if (response.finish_reason == "content_filter")
    std::erase_if(response.parts,
                  [](const response_part& part) { return std::holds_alternative<tool_call_part>(part); });
  if (response.parts.empty())
    return false;
  // A restart reads what was stored.
  history_.push_back(*message_from_text(to_json_text(message{response})));
  const bool stopped = once_in(15);
  run_calls(response, stopped);
  return !open_calls({message{response}}).empty() && !stopped;
}

bool life::turn() {
  say("Question " + std::string(static_cast<size_t>(up_to(600)), 'q'));
  for (int step = 0; step < 6; ++step)
    if (!exchange(step < 5))
      break;
  return refusal_.empty();
}

void life::change_something() {
  switch (up_to(9)) {
  case 0: // an edit, or a fork: the history goes on from an earlier turn
    if (!turns_.empty()) {
      const auto kept = static_cast<size_t>(up_to(static_cast<int>(turns_.size()) - 1));
      history_.resize(turns_[kept]);
      turns_.resize(kept);
    }
    break;
  case 1:
    instructions_ = "Be brief. " + std::to_string(up_to(100));
    break;
  case 2:
    tool_words_ = "Runs Python " + std::to_string(up_to(100)) + ".";
    break;
  case 3:
  case 4:
    choose_model();
    break;
  case 5:
    model_.vision = !model_.vision;
    break;
  default:
    break;
  }
}

std::string life::live() {
  for (int turns = 2 + up_to(10); turns > 0; --turns) {
    change_something();
    if (!turn())
      return refusal_;
  }
  return {};
}

} // namespace

TEST_CASE("no request of any life of a chat is refused") {
  for (uint64_t seed = 1; seed <= 1'500; ++seed) {
    CAPTURE(seed);
    REQUIRE(life(seed).live() == "");
  }
}
