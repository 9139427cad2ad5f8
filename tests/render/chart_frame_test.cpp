#include "render/chart_frame.hpp"

#include "render/assets.hpp"
#include "tests/render/histories.hpp"
#include "tests/render/html_tags.hpp"

using namespace varro;
using namespace varro::test;

namespace {

constexpr auto plotly = "application/vnd.plotly.v1+json";
constexpr auto vega_lite = "application/vnd.vegalite.v5+json";

std::string cell_block(const rich_output& display) {
  cell_result result;
  result.outputs = {display};
  chat_contents contents;
  contents.chat.id = 42;
  contents.messages = {response_row(1, {python_call("1", "c")}), request_row(2, {cell_return(result, "c")})};
  contents.runs = {run_of(1, 1, run_status::completed)};
  return render_chat(contents).at(0).html.str();
}

// What stands in the document's element with the data.
std::string data_in(const std::string& page) {
  auto from = page.find('>', page.find("id=\"data\"")) + 1;
  return page.substr(from, page.find("</script", from) - from);
}

} // namespace

TEST_CASE("a chart is drawn in a frame that is a stranger to the page; its summary and data stand beside it") {
  for (auto type : {plotly, vega_lite}) {
    auto html = cell_block({type, "{}", "A <b>plot</b>"});
    CHECK(contains(html, "<iframe src=\"/chat/42/charts/m2-0\" sandbox=\"allow-scripts\""));
    CHECK(contains(html, "<figcaption>A &lt;b&gt;plot&lt;/b&gt;</figcaption>"));
    CHECK(contains(html, "href=\"/chat/42/files/m2-0.json\" download"));
    CHECK(active_content(html).empty());
  }
  CHECK_FALSE(contains(cell_block({"application/json", "{}", ""}), "<iframe"));
}

TEST_CASE("a chart is drawn up to its limit; a larger one is a summary and its data") {
  rich_output chart{plotly, std::string(chart_drawn_bytes_max, ' '), "A plot"};
  CHECK(is_drawn_chart(plotly, chart.data.size()));
  CHECK(contains(cell_block(chart), "<iframe"));
  chart.data += ' ';
  CHECK_FALSE(is_drawn_chart(plotly, chart.data.size()));
  auto html = cell_block(chart);
  CHECK_FALSE(contains(html, "<iframe"));
  CHECK(contains(html, "A plot (too large to be drawn here)"));
  CHECK(contains(html, "href=\"/chat/42/files/m2-0.json\" download"));
  CHECK(chart_drawn_bytes_max < rich_bytes_max); // else no chart would ever be too large
  CHECK_FALSE(is_drawn_chart("text/html", 1));
}

TEST_CASE("data of a chart cannot leave its element, and is the same JSON for who reads it") {
  for (std::string text :
       {"</script><script>steal()</script>", "<!--<script>", "-->", "</SCRIPT/>", "\\", "\"", "]]>", "€\u2028"}) {
    json value = {{"data", {text}}, {text, 1}};
    auto page = chart_frame_html(plotly, value.dump()).str();
    CAPTURE(page);
    CHECK(json::parse(data_in(page)) == value);
    CHECK(count_of(page, "<script") == 3);
    CHECK(count_of(page, "</script") == 3);
    CHECK(count_of(page, "<!--") == 0);
  }
  // What is no JSON stays none, and becomes no markup either.
  auto page = chart_frame_html(vega_lite, "</script><img src=x onerror=steal()>").str();
  CHECK_FALSE(contains(page, "<img"));
  CHECK_FALSE(json::accept(data_in(page)));
}

TEST_CASE("a frame loads the scripts of its own library, and only those that its policy names") {
  for (auto type : {plotly, vega_lite}) {
    auto page = chart_frame_html(type, "{}").str();
    auto policy = chart_frame_policy(type, "varro.example:8000");
    size_t seen = 0;
    for (const auto& next : tags_of(page)) {
      if (next.name != "script" || next.get("id") == "data")
        continue;
      auto url = next.get("src");
      auto name = url.substr(8, url.find("?v=") - 8);
      CAPTURE(name);
      REQUIRE(find_asset(name) != nullptr);
      CHECK(is_chart_asset(name));
      CHECK(asset_url(name) == url);
      CHECK(contains(policy, " varro.example:8000/assets/" + name));
      ++seen;
    }
    CHECK(seen == count_of(policy, "/assets/"));
    CHECK(contains(page, "vendor/vega/") == (type == vega_lite));
    CHECK(contains(page, "vendor/plotly/") == (type == plotly));
  }
  for (auto name :
       {"page/main.js", "page/streams.js", "app.css", "vendor/htmx/htmx.min.js", "", "vendor/vega/LICENSE.txt"})
    CHECK_FALSE(is_chart_asset(name));
}

TEST_CASE("the policy of a chart's frame allows no network, no origin and no code out of strings") {
  for (auto type : {plotly, vega_lite}) {
    auto policy = chart_frame_policy(type, "localhost");
    CHECK(policy.starts_with("sandbox allow-scripts; default-src 'none'; script-src localhost/assets/"));
    auto scripts = policy.substr(policy.find("script-src"));
    scripts.resize(scripts.find(';'));
    CHECK_FALSE(contains(scripts, "'"));
    for (auto none : {"unsafe-eval", "allow-same-origin", "allow-popups", "allow-forms", "allow-top-navigation",
                      "connect-src", "https:", "blob:"})
      CHECK_FALSE(contains(policy, none));
  }
}

TEST_CASE("a host that a policy cannot spell is this origin, and never another directive") {
  for (auto host : {"[::1]:8000", "", "a b", "x;script-src *", "*", "a,b", "_a", "'unsafe-eval'"}) {
    CAPTURE(host);
    CHECK(contains(chart_frame_policy(plotly, host), "; script-src 'self'; style-src"));
  }
}

TEST_CASE("the page itself loads no library of charts") {
  config settings;
  page_context context{{"ada", true, "token"}, {}, &settings};
  auto page = new_chat_page(context).str();
  CHECK_FALSE(contains(page, "vendor/plotly"));
  CHECK_FALSE(contains(page, "vendor/vega"));
  CHECK_FALSE(contains(page, "chart.js"));
}

TEST_CASE("the libraries of charts come with their licences") {
  for (auto name : {"vendor/plotly/LICENSE.txt", "vendor/vega/licences/vega.txt", "vendor/vega/licences/vega-lite.txt",
                    "vendor/vega/licences/vega-embed.txt", "vendor/vega/licences/d3-array.txt"}) {
    CAPTURE(name);
    CHECK(find_asset(name) != nullptr);
  }
}
