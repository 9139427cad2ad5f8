#include "models/cell.hpp"
#include "render/assets.hpp"
#include "render/chart_frame.hpp"
#include "tests/http/routes_world.hpp"

using namespace varro;
using namespace varro::test;

namespace {

constexpr auto plotly = "application/vnd.plotly.v1+json";
constexpr auto vega_lite = "application/vnd.vegalite.v5+json";

void show(routes_world& world, std::vector<cell_output> outputs) {
  world.script->contents.messages = rows_of_cell(std::move(outputs));
}

bool contains(std::string_view text, std::string_view what) {
  return text.find(what) != text.npos;
}

} // namespace

TEST_CASE("a chart's frame is a document without origin and network, for our own pages only") {
  routes_world world;
  show(world,
       {rich_output{"text/html", "<b>x</b>", ""}, rich_output{plotly, R"({"data":["</script>"]})", "A plot"},
        rich_output{vega_lite, "{}", "A plot"}});
  auto frame = world.get("/chat/42/charts/m6-1", {"Host: localhost:8000"});
  REQUIRE(frame.status == 200);
  CHECK(frame.field("Content-Type") == "text/html; charset=utf-8");
  auto policy = frame.field("Content-Security-Policy");
  CHECK(policy.starts_with("sandbox allow-scripts; default-src 'none'; script-src "));
  CHECK(contains(policy, " localhost:8000/assets/vendor/plotly/plotly.min.js "));
  CHECK_FALSE(contains(policy, "unsafe-eval"));
  CHECK(frame.field("X-Frame-Options") == "SAMEORIGIN");
  CHECK(frame.field("X-Content-Type-Options") == "nosniff");
  CHECK(frame.field("Cross-Origin-Resource-Policy") == "same-origin");
  CHECK(contains(frame.body, R"({"data":["\u003c/script\u003e"]})"));
  CHECK(contains(world.get("/chat/42/charts/m6-2").body, "vendor/vega/vega.min.js"));
}

TEST_CASE("only a chart of one's own chat has a frame") {
  routes_world world;
  show(world,
       {rich_output{"text/html", "<b>x</b>", ""}, rich_output{plotly, "{}", "A plot"},
        rich_output{plotly, std::string(chart_drawn_bytes_max, ' '), "A plot"},
        rich_output{plotly, std::string(chart_drawn_bytes_max + 1, ' '), "A plot"}});
  CHECK(world.get("/chat/42/charts/m6-1").status == 200);
  CHECK(world.get("/chat/42/charts/m6-2").status == 200);
  for (std::string name : {"m6-0", "m6-3", "m6-4", "m5-0", "m7-0", "m6-01", "m6-1.json", "m6-1.html", "6-1", "x"}) {
    CAPTURE(name);
    CHECK(world.get("/chat/42/charts/" + name).status == 404);
  }
  CHECK(world.get("/chat/43/charts/m6-1").status == 404);
  CHECK(world.get("/chat/42/files/m6-3.json").status == 200); // its data can still be had
}

TEST_CASE("a frame without an origin may load the scripts of charts, kept for ever, and nothing else") {
  routes_world world;
  const std::vector<std::string> stranger{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Origin: null"};
  for (std::string name : {"vendor/plotly/plotly.min.js", "vendor/vega/vega.min.js", "vendor/vega/vega-lite.min.js",
                           "vendor/vega/vega-embed.min.js", "chart.js"}) {
    CAPTURE(name);
    auto script = world.get(asset_url(name), stranger);
    CHECK(script.status == 200);
    CHECK(script.field("Content-Type") == "text/javascript; charset=utf-8");
    CHECK(script.field("Cross-Origin-Resource-Policy") == "cross-origin");
    CHECK(script.field("Cache-Control") == "public, max-age=31536000, immutable");
    CHECK(script.body.size() == find_asset(name)->bytes.size());
    CHECK(ask(world.port, "POST", asset_url(name), stranger).status == 403);
  }
  CHECK(world.get(asset_url("page/main.js")).field("Cross-Origin-Resource-Policy") == "same-origin");
  for (std::string target : {"/assets/page/main.js", "/assets/vendor/plotly/LICENSE.txt", "/", "/chat/42", "/healthz",
                             "/chat/42/files/m6-1.json", "/assets/../chat/42"}) {
    CAPTURE(target);
    CHECK(world.get(target, stranger).status == 403);
  }
  CHECK(world.get("/assets/chart.js", {"Host: evil.example"}).status == 421);
}

TEST_CASE("what weighs much is sent compressed to those who can read that") {
  routes_world world;
  auto url = asset_url("vendor/plotly/plotly.min.js");
  auto whole = world.get(url);
  auto small = world.get(url, {"Accept-Encoding: br, gzip;q=0.5"});
  CHECK(small.status == 200);
  CHECK(small.field("Content-Encoding") == "gzip");
  CHECK(small.field("Vary") == "Accept-Encoding");
  CHECK(small.body.starts_with("\x1f\x8b"));
  CHECK(small.body.size() < whole.body.size() / 3);
  CHECK(small.field("ETag") != whole.field("ETag"));
  CHECK(world.get(url, {"Accept-Encoding: gzip", "If-None-Match: " + small.field("ETag")}).status == 304);
  CHECK(world.get(url, {"If-None-Match: " + small.field("ETag")}).status == 200);
  for (std::string none : {"identity", "gzip;q=0", "gzip; q=0.000, br", ""})
    CHECK(world.get(url, {"Accept-Encoding: " + none}).field("Content-Encoding").empty());
  CHECK(world.get("/assets/icon.svg", {"Accept-Encoding: gzip"}).field("Content-Encoding").empty());
}

TEST_CASE("a notebook holds a chart's data, so that it is drawn there as well") {
  routes_world world;
  show(world,
       {rich_output{plotly, R"({"data":[{"y":[1,2]}],"layout":{}})", "Plotly chart"},
        rich_output{vega_lite, R"({"mark":"bar"})", "Vega-Lite chart"}});
  auto book = json::parse(world.get("/chat/42/export.ipynb").body);
  json outputs;
  for (const auto& one : book["cells"])
    if (one["cell_type"] == "code")
      outputs = one["outputs"];
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[0]["output_type"] == "display_data");
  CHECK(outputs[0]["data"][plotly]["data"][0]["y"] == json::array({1, 2}));
  CHECK(outputs[0]["data"]["text/plain"] == "Plotly chart");
  CHECK(outputs[1]["data"][vega_lite] == json{{"mark", "bar"}});
}
