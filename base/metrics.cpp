#include "base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <mutex>
#include <set>

namespace varro {

namespace {

using buckets = prometheus::Histogram::BucketBoundaries;
using histograms = prometheus::Family<prometheus::Histogram>;
using counters = prometheus::Family<prometheus::Counter>;

// In seconds. What people wait for; what the server adds; what a start of Python takes.
const buckets long_waits{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640};
const buckets own_work{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
const buckets starts{0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.25, 2.5, 5, 10, 20, 40, 60};

histograms& histogram_family(prometheus::Registry& in, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(in);
}

counters& counter_family(prometheus::Registry& in, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(in);
}

double not_negative(metrics::seconds took) {
  return std::max(took.count(), 0.0);
}

// Names that others choose, of which so many are told apart.
class bounded_names {
public:
  std::string of(std::string_view name) {
    std::lock_guard guard{mutex_};
    if (known_.find(name) == known_.end()) {
      if (known_.size() >= metric_names_max)
        return "other";
      known_.emplace(name);
    }
    return std::string{name};
  }

private:
  std::mutex mutex_;
  std::set<std::string, std::less<>> known_;
};

prometheus::ClientMetric metric_of(const metric_reading& reading) {
  prometheus::ClientMetric result;
  for (const auto& [name, value] : reading.labels)
    result.label.push_back({name, value});
  (reading.grows ? result.counter.value : result.gauge.value) = reading.value;
  return result;
}

} // namespace

struct metrics::impl {
  prometheus::Registry registry;
  bounded_names models, providers;

  prometheus::Histogram& first_node
    = histogram_family(registry, "varro_first_node_seconds",
                       "From a user's message to the first step of its answer, with waiting for a place.")
        .Add({}, long_waits);
  prometheus::Histogram& node
    = histogram_family(registry, "varro_node_added_seconds",
                       "From a finished step of a run to its being committed and told to viewers.")
        .Add({}, own_work);
  prometheus::Histogram& rendering
    = histogram_family(registry, "varro_render_seconds", "Making what viewers read of a finished step.")
        .Add({}, own_work);
  prometheus::Histogram& commit
    = histogram_family(registry, "varro_commit_seconds", "One transaction of the database.").Add({}, own_work);
  prometheus::Counter& writes
    = counter_family(registry, "varro_writes_total", "Writes in these transactions; some stand in one.").Add({});
  histograms& shell_starts
    = histogram_family(registry, "varro_shell_start_seconds", "From asking for a Python shell to its first word.");
  histograms& model_requests
    = histogram_family(registry, "varro_model_request_seconds", "One attempt of a request to a model, to its end.");
  counters& tokens
    = counter_family(registry, "varro_tokens_total", "Tokens in the ledger of usage, each in one class.");
  counters& cost
    = counter_family(registry, "varro_cost_total", "Costs in the ledger of usage, in units of the currency.");
  counters& cells = counter_family(registry, "varro_cells_total", "Python cells in the ledger of usage.");
};

metrics::metrics() : impl_(std::make_unique<impl>()) {}

metrics::~metrics() = default;

void metrics::note_first_node(seconds took) {
  impl_->first_node.Observe(not_negative(took));
}

void metrics::note_node(seconds took) {
  impl_->node.Observe(not_negative(took));
}

void metrics::note_rendering(seconds took) {
  impl_->rendering.Observe(not_negative(took));
}

void metrics::note_commit(seconds took, size_t writes) {
  impl_->commit.Observe(not_negative(took));
  impl_->writes.Increment(static_cast<double>(writes));
}

void metrics::note_shell_start(seconds took, bool started) {
  std::string result;
  result = started ? "started" : "failed";
  impl_->shell_starts.Add({{"result", result}}, starts).Observe(not_negative(took));
}

void metrics::note_model_request(std::string_view provider, std::string_view outcome, seconds took) {
  impl_->model_requests
    .Add({{"provider", impl_->providers.of(provider)}, {"outcome", std::string{outcome}}}, long_waits)
    .Observe(not_negative(took));
}

void metrics::note_tokens(std::string_view model, std::string_view kind, int64_t count) {
  if (count > 0)
    impl_->tokens.Add({{"model", impl_->models.of(model)}, {"class", std::string{kind}}})
      .Increment(static_cast<double>(count));
}

void metrics::note_cost(std::string_view model, std::string_view currency, double units) {
  if (units > 0)
    impl_->cost.Add({{"model", impl_->models.of(model)}, {"currency", std::string{currency}}}).Increment(units);
}

void metrics::note_cell(std::string_view status) {
  impl_->cells.Add({{"status", std::string{status}}}).Increment();
}

std::string metrics::text(const std::vector<metric_reading>& readings) const {
  auto families = impl_->registry.Collect();
  for (const auto& reading : readings) {
    auto found
      = std::find_if(families.begin(), families.end(), [&](const auto& family) { return family.name == reading.name; });
    if (found == families.end()) {
      const auto type = reading.grows ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
      families.push_back({reading.name, reading.help, type, {}});
      found = std::prev(families.end());
    }
    found->metric.push_back(metric_of(reading));
  }
  return prometheus::TextSerializer{}.Serialize(families);
}

metrics& process_metrics() {
  static metrics those;
  return those;
}

} // namespace varro
