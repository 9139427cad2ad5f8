#include "accounts/usage_csv.hpp"

#include "accounts/csv.hpp"

#include <algorithm>
#include <limits>
#include <ostream>

namespace varro {

void write_usage_csv(const std::vector<usage_sum>& sums, const std::string& by, std::ostream& out) {
  out << by
      << ",requests,requests_estimated,requests_without_price,input_tokens,cache_read_tokens,cache_write_5m_tokens,"
         "cache_write_1h_tokens,output_tokens,cost,currency,cells,cells_without_processor_time,processor_seconds,"
         "wall_seconds\r\n";
  // Microseconds as seconds: a thousandth of the nano-units of money.
  const auto seconds
    = [](int64_t us) { return money_text(std::min(us, std::numeric_limits<int64_t>::max() / 1'000) * 1'000); };
  for (const auto& sum : sums)
    out << csv_field(sum.key) << ',' << sum.requests << ',' << sum.estimated << ',' << sum.unpriced << ','
        << sum.tokens.input << ',' << sum.tokens.cache_read << ',' << sum.tokens.cache_write_5m << ','
        << sum.tokens.cache_write_1h << ',' << sum.tokens.output << ','
        << (sum.currency.empty() ? "" : money_text(sum.cost_nano)) << ',' << sum.currency << ',' << sum.cells << ','
        << sum.cells_unmeasured << ',' << seconds(sum.processor_us) << ',' << seconds(sum.wall_us) << "\r\n";
}

} // namespace varro
