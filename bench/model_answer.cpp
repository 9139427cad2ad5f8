// How varro-model answers a request to a model: refused as the vendor would, or by rule, prompt or built-in script.
#include "bench/anthropic_binding.hpp"
#include "bench/context_window.hpp"
#include "bench/model_server.hpp"

#include <algorithm>

namespace varro::bench {

namespace {

constexpr size_t anthropic_body_bytes_max = 32 * 1024 * 1024;

// The answer's own, which is the first id on every wire but Google's.
std::string first_id(const wire_answer& wire) {
  constexpr std::string_view key = "\"id\":\"";
  const auto& text = wire.pieces.empty() ? std::string{} : wire.pieces.front();
  const auto at = text.find(key);
  if (at == std::string::npos)
    return {};
  const auto begin = at + key.size();
  return text.substr(begin, text.find('"', begin) - begin);
}

} // namespace

// What the vendor's server would say against the request; else its facts.
std::optional<request_problem> model_server::check(const http_head& head, const model_route& route,
                                                   const std::string& text, request_facts& facts) {
  if (auto problem = check_headers(route.api, head, options_.checks))
    return problem;
  if (route.api == vendor::anthropic && text.size() > anthropic_body_bytes_max)
    return request_problem{413, "request_too_large", "Request exceeds the maximum size", "", ""};
  auto body = parse_json(text);
  if (!body)
    return request_problem{400, error_type(route.api, 400), "The request body is not valid JSON.", "", ""};
  std::optional<request_problem> problem;
  std::string betas;
  for (auto& [name, value] : head.headers)
    if (name == "anthropic-beta")
      betas += (betas.empty() ? "" : ",") + value;
  auto binding = std::make_shared<binding_outcome>();
  switch (route.api) {
  case vendor::anthropic:
    problem = check_anthropic(*body, options_.checks, betas, binding.get());
    break;
  case vendor::openai:
    problem = check_openai(*body, options_.checks);
    break;
  case vendor::openai_responses:
    problem = check_responses(*body, options_.checks);
    break;
  case vendor::google:
    problem = check_google(*body, route.model, options_.checks);
    break;
  }
  if (!problem)
    problem = check_context(route.api, *body, matcher_.context_tokens().value_or(options_.checks.context_tokens));
  if (problem)
    return problem;
  facts = facts_of(route.api, *body, text.size(), route.model, route.streams);
  facts.in_array = route.in_array;
  facts.binding_told = has_beta(betas, binding_beta);
  facts.binding = std::move(binding);
  return std::nullopt;
}

void model_server::answer_model(const connection_ptr& c, const model_route& route) {
  auto nth = ++requests_;
  request_facts facts;
  auto problem = check(c->reader.head(), route, c->reader.body(), facts);
  if (problem) {
    ++refused_;
    last_refusal_ = {{"request", nth}, {"status", problem->status}, {"message", problem->message}};
    send_whole(c, problem_on_wire(route.api, *problem));
    return;
  }
  if (auto* found = matcher_.find_rule(facts, nth)) {
    give(c, *found, facts, nth);
    return;
  }
  if (auto inside = answers_in(facts.user_text); !inside.empty()) {
    auto step = std::min(static_cast<size_t>(facts.responses), inside.size() - 1);
    give(c, inside[step], facts, nth);
  } else if (auto* otherwise = matcher_.otherwise()) {
    give(c, *otherwise, facts, nth);
  } else {
    give(c, default_answer(facts, options_.otherwise), facts, nth);
  }
}

void model_server::give(const connection_ptr& c, const answer& what, const request_facts& facts, uint64_t nth) {
  c->counted = true;
  most_open_ = std::max(most_open_, ++open_);
  auto ready = what;
  fill_in(ready, facts, nth);
  if (ready.stop == "pause_turn")
    options_.checks.allow_paused = true;
  if (!matcher_.fails(ready, facts)) {
    ready.error.reset();
    ready.stream_error.reset();
    ready.drop = ready.hold = answer::cut::none;
  }
  const auto tokens = counted(ready, facts);
  c->billed = bill{nth,
                   "",
                   "none",
                   ready.stream_error.has_value(),
                   tokens.input,
                   ready.usage.cache_read,
                   ready.usage.cache_write,
                   tokens.output};
  later(c, ready.first_byte, [this, c, ready, facts] { answer_now(c, ready, facts); });
}

void model_server::answer_now(const connection_ptr& c, const answer& what, const request_facts& facts) {
  using cut = answer::cut;
  if (what.error) {
    c->billed->told = "refused";
    c->billed->breaks = true;
    send_whole(c, error_on_wire(facts.api, *what.error));
    return;
  }
  auto where = what.drop != cut::none ? what.drop : what.hold;
  c->end = what.drop != cut::none ? ending::close : what.hold != cut::none ? ending::hold : ending::finished;
  if (c->end == ending::hold && where == cut::before_head) {
    c->resume = [this, c = c.get(), what, facts] {
      auto rest = what;
      rest.hold = cut::none;
      answer_now(c->shared_from_this(), rest, facts);
    };
  }
  if (where == cut::before_head) {
    finish(c);
    return;
  }
  auto wire = answer_on_wire(what, facts);
  c->billed->id = first_id(wire);
  if (!wire.stream && where == cut::none) {
    send_whole(c, wire);
    return;
  }
  // A body that breaks off has no length to tell; it goes out as a stream does.
  wire.stream = true;
  std::deque<std::string> pieces{wire.pieces.begin(), wire.pieces.end()}, rest;
  if (where == cut::middle && pieces.size() == 1) {
    rest.push_back(pieces.front().substr(pieces.front().size() / 2));
    pieces.front().resize(pieces.front().size() / 2);
  } else if (where != cut::none) {
    auto kept = where == cut::middle ? pieces.size() / 2 : 0;
    rest.assign(pieces.begin() + static_cast<std::ptrdiff_t>(kept), pieces.end());
    pieces.resize(kept);
  }
  c->resume = [this, c = c.get(), rest] {
    c->end = ending::finished;
    c->pieces = rest;
    send_pieces(c->shared_from_this());
  };
  c->pieces = std::move(pieces);
  c->between = what.between_chunks;
  send_head(*c, wire);
  send_pieces(c);
}

} // namespace varro::bench
