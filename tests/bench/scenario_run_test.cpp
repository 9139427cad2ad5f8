#include "bench/capacity_search.hpp"
#include "bench/compare_results.hpp"
#include "bench/load_report.hpp"
#include "bench/scenario_run.hpp"

#include "tests/support/scripted_server.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using namespace varro;
using namespace varro::bench;

namespace {

const std::string one_block = "id: 2\nevent: content\ndata: <div id=\"m2-p0\" data-block=\"text\">t=1us</div>\n\n";
const std::string its_end = "event: done\ndata: {\"status\":\"completed\"}\n\n";

// A Varro each of whose chats is the seventh, with this stream and page.
class chat_of_one_answer {
public:
  explicit chat_of_one_answer(std::string stream = one_block + its_end, std::string page = "<div id=\"m2-p0\">",
                              bool answers_stops = true, bool ends_late = false)
    : server(
        [stream = std::move(stream), page = std::move(page), answers_stops, ends_late](const std::string& request) {
          using namespace varro::test;
          auto html
            = [](const std::string& body) { return std::vector{send_bytes(http_response(200, "text/html", body))}; };
          if (request.starts_with("POST /chat/send") || request.starts_with("POST /chat/7/edit"))
            return html("<div data-stream-url=\"/chat/stream/7?after=1\"></div>");
          if (request.starts_with("GET /chat/stream/7"))
            return std::vector{send_bytes("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + stream),
                               ends_late ? hold() : send_bytes(""), close_connection()};
          if (request.starts_with("POST /chat/7/cancel"))
            return std::vector{answers_stops ? send_bytes("HTTP/1.1 204 No Content\r\n\r\n") : hold()};
          return html(request.starts_with("GET /chat/7 ") ? page : "<input name=\"csrf\" value=\"token-1\">");
        }) {}

  load_outcome run(const std::string& toml) {
    run_options options;
    options.server = {"127.0.0.1", server.port()};
    auto read = read_scenario(toml, "s.toml");
    REQUIRE(std::holds_alternative<scenario>(read));
    options.what = std::get<scenario>(read);
    event_loop loop;
    scenario_run one{loop, std::move(options)};
    one.start();
    loop.after(std::chrono::milliseconds{100}, [this] { server.release(); });
    loop.run();
    CHECK(one.refused() == "");
    return one.outcome();
  }

  size_t requests(const std::string& beginning) {
    size_t found = 0;
    for (auto& request : server.requests())
      found += request.starts_with(beginning);
    return found;
  }

  test::scripted_server server;
};

// A result of 30 seconds whose turns take `factor` times what they did, with noise of its own.
json result_of(double factor, uint64_t seed) {
  load_outcome outcome;
  std::mt19937_64 random{seed};
  for (int second = 0; second < 30; ++second) {
    hdr_histogram turn;
    for (int i = 0; i < 50; ++i)
      turn.add(static_cast<int64_t>(factor * static_cast<double>(1000 + random() % 4000)));
    load_interval each;
    each.begin_s = second;
    each.seconds = 1;
    each.turn = turn.encoded();
    each.added = hdr_histogram{}.encoded();
    outcome.add_interval(std::move(each));
  }
  return outcome.to_json();
}

} // namespace

TEST_CASE("an open load begins every turn of its schedule, and looks at each chat's page") {
  chat_of_one_answer varro;
  auto outcome = varro.run("turns_per_chat = 2\n[load]\narrivals = \"constant\"\nrate = 100\nseconds = 0.1\n");
  INFO(outcome.table());
  CHECK(outcome.counts["completed"] == 10);
  CHECK(outcome.passed());
  CHECK(varro.requests("POST /chat/send") == 10);
  CHECK(varro.requests("GET /chat/7 ") >= 5);
  CHECK(outcome.durations[static_cast<size_t>(metric::turn)].count() == 10);
  CHECK(outcome.durations[static_cast<size_t>(metric::lateness)].count() == 10);
}

TEST_CASE("a closed load has each user think and send until its time is over") {
  chat_of_one_answer varro;
  auto outcome = varro.run("[load]\nkind = \"closed\"\nusers = 3\nseconds = 0.2\nthink_ms = 10\n");
  INFO(outcome.table());
  CHECK(outcome.counts["completed"] >= 3);
  CHECK(outcome.counts["failed"] == 0);
}

TEST_CASE("users reload, reconnect, edit, stop, read slowly and watch twice") {
  for (auto does : {"reload", "second_viewer", "reconnect", "slow_reader", "stop", "edit"}) {
    chat_of_one_answer varro;
    auto outcome = varro.run(
      "turns_per_chat = 3\nslow_reader_ms = 1\nupload_bytes = 10\n[load]\narrivals = \"constant\"\nrate = 50\n"
      "seconds = 0.12\n[turns]\nupload = 1\n[behaviours]\n"
      + std::string{does} + " = 1\n");
    INFO(does << "\n" << outcome.table());
    CHECK(outcome.counts["failed"] == 0);
    CHECK(outcome.counts["lost"] == 0);
    CHECK(outcome.counts["completed"] == 6);
  }
}

TEST_CASE("whoever reads a turn's end together with its beginning does not ask for the stream again") {
  for (auto does : {"reload", "second_viewer", "reconnect", "slow_reader", "stop"}) {
    chat_of_one_answer varro{one_block + its_end, "<div id=\"m2-p0\">", true, true};
    auto outcome = varro.run("slow_reader_ms = 1\n[load]\narrivals = \"constant\"\nrate = 50\nseconds = 0.06\n"
                             "[behaviours]\n"
                             + std::string{does} + " = 1\n");
    INFO(does << "\n" << outcome.table());
    CHECK(outcome.counts["failed"] == 0);
    CHECK(outcome.counts["out_of_order"] == 0);
    CHECK(outcome.counts["repeated"] == 0);
    CHECK(outcome.counts["completed"] == 3);
    CHECK(varro.requests("GET /chat/stream/7") == (std::string_view{does} == "second_viewer" ? 6 : 3));
  }
}

TEST_CASE("a block that the page lacks, and a stream without its end, break the run") {
  const std::string three = "[load]\narrivals = \"constant\"\nrate = 50\nseconds = 0.06\n";
  auto lost = chat_of_one_answer{one_block + its_end, "<p>"}.run(three);
  CHECK(lost.counts["lost"] == 3);
  CHECK(!lost.passed());
  auto cut = chat_of_one_answer{one_block}.run(three);
  CHECK(cut.counts["failed"] == 3);
  CHECK(cut.counts["lost"] == 3);
  CHECK(cut.problems[0].find("the stream ended without done") != std::string::npos);
}

TEST_CASE("a turn that ends by its time-out has its page looked at all the same") {
  chat_of_one_answer varro{one_block + its_end, "<div id=\"m2-p0\">", false};
  auto outcome = varro.run("turn_max_seconds = 1\n[load]\narrivals = \"constant\"\nrate = 10\nseconds = 0.1\n"
                           "[behaviours]\nstop = 1\n");
  INFO(outcome.table());
  CHECK(varro.requests("POST /chat/7/cancel") == 1);
  CHECK(varro.requests("GET /chat/7 ") == 1);
  CHECK(outcome.counts["failed"] == 1); // the button, not the page
  CHECK(outcome.counts["lost"] == 0);
}

TEST_CASE("turns a second are those that are measured") {
  chat_of_one_answer varro;
  auto outcome = varro.run("warm_up_seconds = 0.2\n[load]\narrivals = \"constant\"\nrate = 50\nseconds = 0.4\n");
  INFO(outcome.table());
  auto measured = static_cast<double>(outcome.durations[static_cast<size_t>(metric::turn)].count());
  CHECK(outcome.counts["completed"] == 20);
  CHECK(measured < 20);
  CHECK(outcome.counts["turns_per_second"] * (outcome.seconds - 0.2) == doctest::Approx(measured));
}

TEST_CASE("a load at which turns failed or were lost is no capacity, unless a threshold says how many may") {
  auto sustained = [](const char* condition, const char* counter) {
    load_outcome outcome;
    outcome.durations[static_cast<size_t>(metric::turn)].add(1000);
    outcome.what.thresholds.push_back(std::get<threshold>(read_threshold(condition)));
    if (counter != nullptr)
      outcome.counts[counter] = 1;
    return outcome.sustained();
  };
  CHECK(sustained("turn.p99 < 1s", nullptr));
  CHECK(!sustained("turn.p99 < 1us", nullptr));
  CHECK(!sustained("turn.p99 < 1s", "failed"));
  CHECK(!sustained("turn.p99 < 1s", "lost"));
  CHECK(sustained("failed < 2", "failed"));
  CHECK(sustained("error_rate < 0.1", "failed"));
  CHECK(sustained("lost < 2", "lost"));
  CHECK(!sustained("failed < 2", "lost"));
  CHECK(!sustained("lost < 1", "lost"));
}

TEST_CASE("a generator that is late makes its run invalid, and what it says is not compared") {
  load_outcome outcome;
  auto& late = outcome.durations[static_cast<size_t>(metric::lateness)];
  late.add(lateness_p99_us_max);
  CHECK(outcome.valid());
  CHECK(outcome.exit_code() == 0);
  late.clear();
  late.add(lateness_p99_us_max + 10);
  CHECK(!outcome.valid());
  CHECK(outcome.exit_code() == 3);
  CHECK(outcome.table().find("INVALID") != std::string::npos);
  auto compared = compare_results(outcome.to_json(), result_of(1, 1));
  REQUIRE(std::holds_alternative<std::string>(compared));
  CHECK(std::get<std::string>(compared).find("invalid") != std::string::npos);
}

TEST_CASE("a long run has no more intervals than a result may have, and loses no turn") {
  load_outcome outcome;
  for (int second = 0; second < 1500; ++second) {
    hdr_histogram turn;
    turn.add(1000 + second);
    load_interval each;
    each.begin_s = second;
    each.seconds = 1;
    each.completed = 1;
    each.turn = turn.encoded();
    each.added = hdr_histogram{}.encoded();
    outcome.add_interval(std::move(each));
    REQUIRE(outcome.intervals.size() <= intervals_max);
  }
  int64_t completed = 0;
  hdr_histogram all;
  for (auto& each : outcome.intervals) {
    completed += each.completed;
    all.merge(*hdr_histogram::decoded(each.turn));
  }
  CHECK(completed == 1500);
  CHECK(all.count() == 1500);
}

TEST_CASE("intervals stay as long as each other where ticks are late") {
  load_outcome outcome;
  auto tick_s = [](int second) { return second + (second > 600 && second % 4 == 2 ? 0.3 : 0.0); };
  for (int second = 0; second < 1100; ++second) {
    load_interval each;
    each.begin_s = tick_s(second);
    each.seconds = tick_s(second + 1) - each.begin_s;
    outcome.add_interval(std::move(each));
  }
  REQUIRE(outcome.intervals.size() == 550);
  for (auto& each : outcome.intervals)
    CHECK(std::abs(each.seconds - 2) <= interval_slack_s);
}

TEST_CASE("results of different loads are not compared") {
  auto verdict = [](auto change) {
    auto before = result_of(1, 1), after = before;
    change(after);
    auto compared = compare_results(before, after);
    return std::holds_alternative<std::string>(compared) ? std::get<std::string>(compared) : std::string{};
  };
  CHECK(verdict([](json&) {}) == "");
  CHECK(verdict([](json& after) { after["scenario"] = "another"; }).find("\"scenario\" differs") != std::string::npos);
  CHECK(verdict([](json& after) { after["seed"] = 2; }).find("\"seed\" differs") != std::string::npos);
  CHECK(verdict([](json& after) { after["plan"]["load"]["kind"] = "closed"; }).find("\"load\" differs")
        != std::string::npos);
  CHECK(verdict([](json& after) { after["plan"]["turns"]["cell"] = 3; }).find("\"turns\" differs")
        != std::string::npos);
  CHECK(verdict([](json& after) { after.erase("plan"); }).find("\"plan\" differs") != std::string::npos);
}

TEST_CASE("two results of the same server show no difference, and a slower one is told as that") {
  auto verdict = [](double factor) {
    auto rows = compare_results(result_of(1, 1), result_of(factor, 2));
    REQUIRE(std::holds_alternative<std::vector<comparison>>(rows));
    auto& found = std::get<std::vector<comparison>>(rows);
    REQUIRE(found.size() == 2); // nothing was added
    CHECK(found[0].what == "turn.p50");
    return found[0];
  };
  CHECK(verdict(1).is == comparison::verdict::no_difference);
  CHECK(verdict(1.3).is == comparison::verdict::slower);
  CHECK(verdict(1.3).ratio_low > 1.1);
  CHECK(verdict(1.3).ratio_high < 1.5);
  CHECK(verdict(0.7).is == comparison::verdict::faster);
  CHECK(std::holds_alternative<std::string>(compare_results(json{}, json::array())));
}

TEST_CASE("the search for a capacity ends within a step of it") {
  for (double limit : {0.013, 0.9, 1.0, 7.3, 400.0}) {
    capacity_search search;
    int runs = 0;
    while (auto factor = search.next()) {
      search.tell(*factor, *factor <= limit);
      REQUIRE(++runs < 40);
    }
    REQUIRE(search.found());
    CHECK(*search.found() <= limit);
    CHECK(*search.found() * capacity_step * 1.0001 >= limit);
  }
  capacity_search never;
  while (auto factor = never.next())
    never.tell(*factor, false);
  CHECK(!never.found());
}

TEST_CASE("a report is one file, in which names are text") {
  load_outcome outcome;
  outcome.what.name = "<script>alert(1)</script>";
  auto empty = html_report(outcome);
  CHECK(empty.find("<script") == std::string::npos);
  outcome.durations[static_cast<size_t>(metric::turn)].add(1500);
  load_interval each;
  each.seconds = 1;
  each.failed = 2;
  each.turn_p50 = each.turn_p99 = each.turn_max = 1500;
  outcome.add_interval(each);
  auto report = html_report(outcome);
  CHECK(report.find("class=\"bad\"") != std::string::npos);
  for (auto absent : {"http://", "https://", "nan", "inf\"", "src="})
    CHECK(report.find(absent) == std::string::npos);
}
