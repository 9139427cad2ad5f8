// The real varro-markdown, which stands beside the test.
#include "render/bounded_markdown.hpp"

#include <atomic>
#include <doctest/doctest.h>
#include <thread>
#include <vector>

using namespace varro;
using std::chrono::microseconds;

namespace {

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i)
    text += part;
  return text;
}

const std::vector<std::string>& costly_texts() {
  static const std::vector<std::string> texts{
    "|x\n" + repeated("|-", 49'500),                                               // quadratic in the columns
    "[x]: http://a/" + std::string(4'000, 'u') + "\n\n" + repeated("[x]", 80'000), // an address eighty thousand times
    "x http://a.b/" + std::string(250'000, ')'),
    repeated("[", 120'000) + repeated("](", 60'000),
  };
  return texts;
}

} // namespace

TEST_CASE("Markdown is the same HTML as where it is formatted at once, and remembered") {
  bounded_markdown markdown{2};
  auto spare = markdown_spare_max;
  for (const std::string text :
       {"# Head\n\n| a | b |\n|---|---|\n| 1 | $x^2$ |\n", "plain", "", "`code` and <script>", "[a](plot.csv)"})
    for (int time = 0; time < 2; ++time)
      CHECK(markdown.html(text, 7, spare).str() == markdown_to_html(text, 7).str());
}

TEST_CASE("Links lead into the chat whose text it is") {
  bounded_markdown markdown{1};
  auto spare = markdown_spare_max;
  CHECK(markdown.html("[a](a.csv)", 7, spare).str().find("/chat/7/files/a.csv") != std::string::npos);
  CHECK(markdown.html("[a](a.csv)", 8, spare).str().find("/chat/8/files/a.csv") != std::string::npos);
}

TEST_CASE("A text that costs more than its size is shown as it was written, and the next one is formatted") {
  bounded_markdown markdown{1};
  for (const auto& text : costly_texts()) {
    auto spare = markdown_spare_max;
    const auto html = markdown.html(text, 7, spare).str();
    CHECK(html.size() <= markdown_html_bytes_min + text.size() * markdown_growth_max);
    CHECK(markdown.html("*next*", 7, spare).str() == "<p><em>next</em></p>\n");
  }
  auto spare = markdown_spare_max;
  CHECK(markdown.html(costly_texts()[0], 7, spare).str() == unformatted_html(costly_texts()[0]).str());
  CHECK(spare == markdown_spare_max); // known by now
}

TEST_CASE("Texts of a page share what they may take beyond their fair parts") {
  bounded_markdown markdown{1};
  auto spare = markdown_spare_max;
  for (int i = 0; i < 3; ++i)
    CHECK(markdown.html("|" + std::to_string(i) + "\n" + repeated("|-", 40'000), 7, spare)
            .str()
            .starts_with("<pre class=\"plain\">"));
  CHECK(spare == microseconds{0});
  CHECK(markdown.html("*ordinary*", 7, spare).str() == "<p><em>ordinary</em></p>\n");
}

TEST_CASE("Many threads ask at once, and each gets its own text back") {
  bounded_markdown markdown{2};
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int thread = 0; thread < 8; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        const auto name = std::to_string(thread) + "x" + std::to_string(i);
        auto spare = markdown_spare_max;
        wrong += markdown.html("**" + name + "**", 7, spare).str() != "<p><strong>" + name + "</strong></p>\n";
      }
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("Without the program text is shown as it was written") {
  bounded_markdown markdown{1, "/nowhere/varro-markdown"};
  auto spare = markdown_spare_max;
  CHECK(markdown.html("*a*", 7, spare).str() == unformatted_html("*a*").str());
  CHECK(markdown.check());
  CHECK_FALSE(bounded_markdown{1}.check());
}
