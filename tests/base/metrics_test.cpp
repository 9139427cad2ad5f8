#include "base/metrics.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace varro;
using namespace std::chrono_literals;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

size_t lines_with(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

} // namespace

TEST_CASE("a duration is counted in the bucket that holds it and in all wider ones") {
  metrics book;
  book.note_node(10ms);
  book.note_node(10ms + 1us);
  auto text = book.text({});
  CHECK(has_line(text, "# TYPE varro_node_added_seconds histogram"));
  CHECK(has_line(text, "varro_node_added_seconds_bucket{le=\"0.005\"} 0"));
  CHECK(has_line(text, "varro_node_added_seconds_bucket{le=\"0.01\"} 1"));
  CHECK(has_line(text, "varro_node_added_seconds_bucket{le=\"0.025\"} 2"));
  CHECK(has_line(text, "varro_node_added_seconds_bucket{le=\"+Inf\"} 2"));
  CHECK(has_line(text, "varro_node_added_seconds_count 2"));
}

TEST_CASE("a clock that was set back takes nothing away") {
  metrics book;
  book.note_model_request("anthropic", "answered", -5s);
  CHECK(has_line(book.text({}), "varro_model_request_seconds_sum{outcome=\"answered\",provider=\"anthropic\"} 0"));
}

TEST_CASE("so many models are told apart, and further ones are one together") {
  metrics book;
  for (size_t i = 0; i < metric_names_max; ++i)
    book.note_tokens("model-" + std::to_string(i), "input", 1);
  CHECK(lines_with(book.text({}), "model=\"other\"") == 0);
  book.note_tokens("one-more", "input", 2);
  book.note_tokens("yet-another", "input", 3);
  book.note_tokens("model-0", "input", 4);
  auto text = book.text({});
  CHECK(has_line(text, "varro_tokens_total{class=\"input\",model=\"other\"} 5"));
  CHECK(has_line(text, "varro_tokens_total{class=\"input\",model=\"model-0\"} 5"));
  CHECK(lines_with(text, "varro_tokens_total{") == metric_names_max + 1);
}

TEST_CASE("nothing is told of what did not happen, and nothing of tokens and costs of 0") {
  metrics book;
  book.note_tokens("m", "output", 0);
  book.note_cost("m", "USD", 0);
  CHECK(lines_with(book.text({}), "varro_tokens_total") == 0);
  CHECK(lines_with(book.text({}), "varro_cost_total") == 0);
  book.note_cost("m", "USD", 0.25);
  CHECK(has_line(book.text({}), "varro_cost_total{currency=\"USD\",model=\"m\"} 0.25"));
}

TEST_CASE("readings of one name are one family, whole numbers are written as such, and labels are escaped") {
  metrics book;
  auto text = book.text({{"varro_shell_states", "Shells by state.", {{"state", "idle"}}, 2, false},
                         {"varro_requests_total", "Answered requests.", {{"status", "200"}}, 1'234'567'890'123, true},
                         {"varro_shell_states", "Shells by state.", {{"state", "a\"b\n"}}, 0, false}});
  CHECK(lines_with(text, "# HELP varro_shell_states") == 1);
  CHECK(has_line(text, "# TYPE varro_shell_states gauge"));
  CHECK(has_line(text, "varro_shell_states{state=\"idle\"} 2"));
  CHECK(has_line(text, "varro_shell_states{state=\"a\\\"b\\n\"} 0"));
  CHECK(has_line(text, "# TYPE varro_requests_total counter"));
  CHECK(has_line(text, "varro_requests_total{status=\"200\"} 1234567890123"));
}
