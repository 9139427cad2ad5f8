// When each turn is meant to begin, and what it is: a pure function of a scenario and its seed.
//
// Times are microseconds from the run's beginning. Random numbers are those of std::mt19937_64 and SplitMix64, whose
// outputs are defined, turned into distributions here: the standard library's own differ between implementations.
// Values, no I/O; one thread at a time.
#pragma once

#include "bench/scenario.hpp"

#include <cstdint>
#include <optional>
#include <random>

namespace varro::bench {

struct planned_turn {
  uint64_t number = 0; // from 0, in the order of their starts (open load), or within their user (closed load)
  turn_kind kind = turn_kind::text;
  behaviour does = behaviour::plain;
};
bool operator==(const planned_turn& left, const planned_turn& right);

// What the turn `number` of `user` is (open load: of user 0).
planned_turn plan_turn(const scenario& what, uint64_t user, uint64_t number);

// How long `user` thinks before its turn `number`.
int64_t think_us(const closed_load& load, uint64_t seed, uint64_t user, uint64_t number);

// The starts of an open load, one after the other. A rate that changes is met by inversion: the n-th start is where the
// integral of the rate reaches the n-th point of a process of rate one (Çinlar, Introduction to Stochastic Processes,
// 1975, section 4.7), which has equal gaps for constant arrivals and exponential ones for a Poisson process.
class arrival_times {
public:
  arrival_times(open_load load, uint64_t seed);
  std::optional<int64_t> next_us(); // nullopt: the load is over

private:
  open_load load_;
  std::mt19937_64 random_;
  size_t stage_ = 0;
  double before_s_ = 0;     // when this stage begins
  double before_turns_ = 0; // the integral of the rate until then
  double turns_ = 0;        // where the process of rate one stands
};

} // namespace varro::bench
