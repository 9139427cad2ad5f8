#include "bench/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace varro::bench {

namespace {

// What a random number is for: the same turn draws for each purpose from a stream of its own.
enum class purpose : uint64_t { kind = 1, behaviour, think, think_angle };

// Sebastiano Vigna's SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// In [0, 1), with 53 bits.
double unit(uint64_t random) {
  return static_cast<double>(random >> 11) * 0x1p-53;
}

double draw(uint64_t seed, uint64_t user, uint64_t number, purpose what) {
  return unit(mixed(mixed(mixed(mixed(seed) ^ user) ^ number) ^ static_cast<uint64_t>(what)));
}

template <class Weights>
size_t chosen(const Weights& weights, double where) {
  double sum = 0;
  for (auto weight : weights)
    sum += weight;
  size_t last = 0; // rounding may leave nothing for the end of the range
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0)
      continue;
    last = i;
    if ((where -= weights[i] / sum) < 0)
      break;
  }
  return last;
}

} // namespace

bool operator==(const planned_turn& left, const planned_turn& right) {
  return left.number == right.number && left.kind == right.kind && left.does == right.does;
}

planned_turn plan_turn(const scenario& what, uint64_t user, uint64_t number) {
  return {number, static_cast<turn_kind>(chosen(what.weights, draw(what.seed, user, number, purpose::kind))),
          static_cast<behaviour>(chosen(what.shares, draw(what.seed, user, number, purpose::behaviour)))};
}

int64_t think_us(const closed_load& load, uint64_t seed, uint64_t user, uint64_t number) {
  auto u = draw(seed, user, number, purpose::think);
  double factor = 1; // of the mean
  switch (load.how) {
  case closed_load::think::constant:
    break;
  case closed_load::think::uniform:
    factor = 2 * u;
    break;
  case closed_load::think::exponential:
    factor = -std::log1p(-u);
    break;
  case closed_load::think::lognormal: {
    // Box and Muller; exp(sigma z - sigma²/2) has the mean 1.
    auto angle = 2 * std::numbers::pi * draw(seed, user, number, purpose::think_angle);
    auto normal = std::sqrt(-2 * std::log1p(-u)) * std::cos(angle);
    factor = std::exp(load.think_sigma * normal - load.think_sigma * load.think_sigma / 2);
    break;
  }
  }
  return std::llround(load.think_ms * 1000 * factor);
}

arrival_times::arrival_times(open_load load, uint64_t seed) : load_(std::move(load)), random_(seed) {}

std::optional<int64_t> arrival_times::next_us() {
  turns_ += load_.how == open_load::arrivals::constant ? 1.0 : -std::log1p(-unit(random_()));
  for (; stage_ < load_.stages.size(); ++stage_) {
    auto& stage = load_.stages[stage_];
    auto area = stage.seconds * (stage.from + stage.to) / 2;
    auto wanted = turns_ - before_turns_;
    // The last one of a constant rate may lie beyond the end by a rounding.
    if (wanted <= area * (1 + 1e-12)) {
      // slope t² / 2 + from t = wanted, solved so that a slope of zero needs no case of its own.
      auto slope = (stage.to - stage.from) / stage.seconds;
      auto root = std::sqrt(std::max(0.0, stage.from * stage.from + 2 * slope * wanted));
      auto seconds = before_s_ + 2 * wanted / (stage.from + root);
      return std::llround(seconds * 1e6);
    }
    before_s_ += stage.seconds;
    before_turns_ += area;
  }
  return std::nullopt;
}

} // namespace varro::bench
