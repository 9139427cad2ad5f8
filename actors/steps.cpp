#include "actors/steps.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace varro {

namespace {

struct procedure {
  std::vector<waiting_step> steps;
  continuation then;
  error_handler otherwise;
};

void take_from(const std::shared_ptr<const procedure>& all, size_t step) {
  if (step == all->steps.size())
    all->then();
  else
    all->steps[step]([=] { take_from(all, step + 1); }, all->otherwise);
}

} // namespace

void take_steps(std::vector<waiting_step> steps, continuation then, error_handler otherwise) {
  take_from(std::make_shared<const procedure>(procedure{std::move(steps), std::move(then), std::move(otherwise)}), 0);
}

} // namespace varro
