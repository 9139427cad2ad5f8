#include "bench/scenario.hpp"

#include "bench/schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace varro::bench;

namespace {

scenario read_good(const std::string& toml) {
  auto read = read_scenario(toml, "s.toml");
  if (auto* problem = std::get_if<std::string>(&read))
    FAIL(*problem);
  return std::get<scenario>(read);
}

std::string complaint(const std::string& toml) {
  auto read = read_scenario(toml, "s.toml");
  return std::holds_alternative<std::string>(read) ? std::get<std::string>(read) : "nothing is wrong";
}

std::vector<int64_t> starts(const scenario& what) {
  std::vector<int64_t> all;
  arrival_times times{std::get<open_load>(what.load), what.seed};
  while (auto next = times.next_us())
    all.push_back(*next);
  return all;
}

const std::string mixed = R"(
seed = 42
turns_per_chat = 3
thresholds = ["added.p99 < 10ms", "lost == 0"]
[load]
kind = "open"
stages = [{seconds = 10, rate = 100}, {seconds = 10, from = 100, to = 300}]
[turns]
text = 5
cell = 3
plot = 2
[behaviours]
reload = 0.1
stop = 0.05
)";

} // namespace

TEST_CASE("the same scenario and seed give the identical run, and another seed another one") {
  auto what = read_good(mixed);
  auto again = read_good(mixed);
  CHECK(starts(what) == starts(again));
  bool all_equal = true, any_other = false;
  auto other = what;
  other.seed = 43;
  for (uint64_t i = 0; i < 1000; ++i) {
    all_equal = all_equal && plan_turn(what, 0, i) == plan_turn(again, 0, i);
    any_other = any_other || !(plan_turn(what, 0, i) == plan_turn(other, 0, i));
  }
  CHECK(all_equal);
  CHECK(any_other);
  CHECK(starts(what) != starts(other));
  // These very numbers, so that a change of the generator is seen: results of before would not be comparable.
  auto first = starts(what);
  CHECK(first.size() == 2991);
  CHECK(first[0] == 14'071);
}

TEST_CASE("a Poisson load has the rate of its stages and exponential gaps") {
  auto all = starts(read_good(mixed));
  auto early = static_cast<double>(std::count_if(all.begin(), all.end(), [](auto t) { return t < 10'000'000; }));
  CHECK(early == doctest::Approx(1000).epsilon(0.1)); // 1,000 ± 3.2 standard deviations
  CHECK(static_cast<double>(all.size()) - early == doctest::Approx(2000).epsilon(0.07)); // the ramp's mean is 200
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(all.back() <= 20'000'000);
  double sum = 0, squares = 0;
  for (size_t i = 1; i < static_cast<size_t>(early); ++i) {
    auto gap = static_cast<double>(all[i] - all[i - 1]);
    sum += gap;
    squares += gap * gap;
  }
  auto mean = sum / (early - 1);
  CHECK(std::sqrt(squares / (early - 1) - mean * mean) == doctest::Approx(mean).epsilon(0.15));
}

TEST_CASE("a constant load has equal gaps, and a ramp the density of its line") {
  auto all = starts(read_good("[load]\narrivals = \"constant\"\nrate = 4\nseconds = 2\n"));
  CHECK(all == std::vector<int64_t>{250'000, 500'000, 750'000, 1'000'000, 1'250'000, 1'500'000, 1'750'000, 2'000'000});
  auto ramp = starts(read_good("[load]\narrivals = \"constant\"\nstages = [{seconds = 10, from = 0, to = 2}]\n"));
  REQUIRE(ramp.size() == 10); // t²/10 = 1, 2, …, 10
  CHECK(ramp[0] == 3'162'278);
  CHECK(ramp[9] == 10'000'000);
  auto silence = starts(read_good("[load]\narrivals = \"constant\"\nstages = [{seconds = 1, rate = 0}, "
                                  "{seconds = 1, rate = 1}]\n"));
  CHECK(silence == std::vector<int64_t>{2'000'000});
}

TEST_CASE("turns and behaviours come as often as their weights say") {
  auto what = read_good(mixed);
  std::array<int, 6> kinds{};
  std::array<int, 7> does{};
  for (uint64_t i = 0; i < 10'000; ++i) {
    auto turn = plan_turn(what, 0, i);
    ++kinds[static_cast<size_t>(turn.kind)];
    ++does[static_cast<size_t>(turn.does)];
  }
  CHECK(kinds[0] == doctest::Approx(5000).epsilon(0.05));
  CHECK(kinds[1] == doctest::Approx(3000).epsilon(0.05));
  CHECK(kinds[2] == doctest::Approx(2000).epsilon(0.05));
  CHECK(kinds[3] + kinds[4] + kinds[5] == 0);
  CHECK(does[0] == doctest::Approx(8500).epsilon(0.05));
  CHECK(does[1] == doctest::Approx(1000).epsilon(0.1));
  CHECK(does[5] == doctest::Approx(500).epsilon(0.2));
}

TEST_CASE("think times have their mean, whatever their distribution") {
  for (auto how : {"constant", "uniform", "exponential", "lognormal"}) {
    auto what = read_good("[load]\nkind = \"closed\"\nusers = 3\nthink_ms = 200\nthink_sigma = 0.5\nthink = \""
                          + std::string{how} + "\"\n");
    auto& load = std::get<closed_load>(what.load);
    double sum = 0;
    for (uint64_t i = 0; i < 20'000; ++i)
      sum += static_cast<double>(think_us(load, what.seed, i % 3, i));
    INFO(how);
    CHECK(sum / 20'000 == doctest::Approx(200'000).epsilon(0.05));
    CHECK(think_us(load, 1, 2, 3) == think_us(load, 1, 2, 3));
  }
}

TEST_CASE("what is wrong in a scenario is told with its line") {
  CHECK(complaint("seed = 1\n") == "s.toml:1: there is no table [load]");
  CHECK(complaint("[load]\nrate = 1\n\n[turns]\ntext = 1\ncells = 2\n") == "s.toml:6: there is no key turns.cells");
  CHECK(complaint("[load]\nrate = \"much\"\n") == "s.toml:2: load.rate is a number from 0 to 100000");
  CHECK(complaint("[load]\nkind = \"half\"\n") == "s.toml:2: load.kind is one of open, closed");
  CHECK(complaint("[load]\nseconds = 3\n").find("has a rate above 0") != std::string::npos);
  CHECK(complaint("[load\n").find("s.toml:1: not valid TOML") == 0);
  CHECK(complaint("[load]\nrate = 1\nstages = [{seconds = 1, rate = 1}]\n") == "s.toml:2: there is no key load.rate");
  CHECK(complaint("thresholds = [\n\"lost == 0\",\n\"turn.p99 < 10\"]\n[load]\nrate = 1\n")
        == "s.toml:3: thresholds \"turn.p99 < 10\": the bound of a duration ends in us, ms or s");
  CHECK(complaint("[load]\nrate = 1\n[turns]\ntext = 0\n").find("no kind of turn") != std::string::npos);
  CHECK(complaint("[load]\nrate = 1\n[behaviours]\nstop = 0.6\nedit = 0.5\n").find("more than 1") != std::string::npos);
  CHECK(complaint("warm_up_seconds = 60\n[load]\nrate = 1\n").find("leaves nothing") != std::string::npos);
  CHECK(std::holds_alternative<std::string>(load_scenario("no/such/file.toml")));
}

TEST_CASE("bounds of a scenario hold at their edges") {
  auto at = [](const std::string& key, double value) {
    return complaint("[load]\n" + key + " = " + std::to_string(value) + "\nseconds = 1\n");
  };
  CHECK(at("rate", rate_max) == "nothing is wrong");
  CHECK(at("rate", rate_max + 1) != "nothing is wrong");
  auto seconds = [](double value) { return complaint("[load]\nrate = 1\nseconds = " + std::to_string(value) + "\n"); };
  CHECK(seconds(run_seconds_max) == "nothing is wrong");
  CHECK(seconds(run_seconds_max + 1) != "nothing is wrong");
  auto users
    = [](int64_t value) { return complaint("[load]\nkind = \"closed\"\nusers = " + std::to_string(value) + "\n"); };
  CHECK(users(users_max) == "nothing is wrong");
  CHECK(users(users_max + 1) != "nothing is wrong");
  auto stages = [](int64_t count) {
    std::string all;
    for (int64_t i = 0; i < count; ++i)
      all += "{seconds = 1, rate = 1},";
    return complaint("[load]\nstages = [" + all + "]\n");
  };
  CHECK(stages(stages_max) == "nothing is wrong");
  CHECK(stages(stages_max + 1) != "nothing is wrong");
  auto upload
    = [](int64_t bytes) { return complaint("upload_bytes = " + std::to_string(bytes) + "\n[load]\nrate = 1\n"); };
  CHECK(upload(upload_bytes_max) == "nothing is wrong");
  CHECK(upload(upload_bytes_max + 1) != "nothing is wrong");
  std::string load = "[load]\nrate = 1\n#";
  CHECK(complaint(load) == "nothing is wrong");
}

TEST_CASE("thresholds are read, and hold or do not") {
  histograms durations;
  counters counts{{"lost", 0}, {"turns_per_second", 12.5}};
  for (int i = 1; i <= 100; ++i)
    durations[static_cast<size_t>(metric::added)].add(i * 10);
  auto holds = [&](const std::string& text) {
    auto read = read_threshold(text);
    if (auto* problem = std::get_if<std::string>(&read))
      FAIL(*problem);
    return std::get<threshold>(read).holds(durations, counts);
  };
  CHECK(holds("added.p99 < 1ms"));
  CHECK(holds("added.p99<=990us"));
  CHECK(!holds("added.p99 < 990us"));
  CHECK(holds("added.max == 0.001s"));
  CHECK(holds("added.mean > 0.5ms"));
  CHECK(holds("added.p99.9 >= 1ms"));
  CHECK(holds("lost == 0"));
  CHECK(!holds("turns_per_second > 12.5"));
  CHECK(!holds("turn.p99 < 1s")); // nothing was measured
  for (auto bad : {"added.p99", "added.p99 < 10", "added.p0 < 1ms", "added.p101 < 1ms", "added.q < 1ms", "lost < 1ms",
                   "gone == 0", "wait.p99 < 1ms", "added.p99 < -1ms"})
    CHECK(std::holds_alternative<std::string>(read_threshold(bad)));
}

TEST_CASE("a scaled scenario has so many times the rate or the users") {
  auto open = read_good(mixed).scaled(2);
  CHECK(std::get<open_load>(open.load).stages[1].to == 600);
  auto closed = read_good("[load]\nkind = \"closed\"\nusers = 3\n").scaled(0.1);
  CHECK(std::get<closed_load>(closed.load).users == 1);
}
