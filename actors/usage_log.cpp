#include "actors/usage_log.hpp"

#include "actors/answer_end.hpp"
#include "base/clock.hpp"
#include "base/utf8.hpp"
#include "models/context_window.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

namespace varro {

namespace {

constexpr size_t vendor_id_bytes_max = 200;

// A context that is not known holds everything.
constexpr int64_t any_tokens = std::numeric_limits<int64_t>::max() / 8;

usage_row cell_row(const char* outcome) {
  usage_row row;
  row.at = now_us();
  row.kind = usage_kind::cell;
  row.outcome = outcome;
  return row;
}

bool has_run(const cell_use& use) {
  return use.duration.count() > 0 || (use.status != cell_status::interrupted && use.status != cell_status::lost);
}

int64_t request_tokens(const transcript& history, const model_config& model) {
  model_query query;
  query.model = model;
  query.history = std::make_shared<const message_history>(history.messages());
  if (const auto& prefix = history.contents().prefix)
    query.instructions = prefix->instructions + prefix->tools;
  const auto most = request_tokens_max(model);
  return fit_context(query, most > 0 ? most : any_tokens).tokens;
}

} // namespace

std::vector<usage_row> charged(std::vector<usage_row> rows, const usage_account& account) {
  for (auto& row : rows) {
    // Vendors' words: not without a bound, and the cost is that of the row.
    row.vendor_id.resize(clip_utf8(row.vendor_id, vendor_id_bytes_max).size());
    for (auto* count : {&row.tokens.input, &row.tokens.output, &row.tokens.cache_read, &row.tokens.cache_write_5m,
                        &row.tokens.cache_write_1h})
      *count = std::clamp<int64_t>(*count, 0, usage_tokens_max);
    row.user_id = account.chat.user_id;
    row.chat_id = account.chat.id;
    row.run_id = account.run;
    const auto* price = row.kind == usage_kind::model ? account.prices.at(row.model, row.at) : nullptr;
    if (price == nullptr)
      continue;
    row.cost_nano = cost_nano(row.tokens, *price);
    row.currency = account.prices.currency;
  }
  return rows;
}

std::vector<usage_row> usage_of_node(std::vector<usage_row> used, const message_row& row,
                                     const usage_account& account) {
  if (row.content.as<model_response>() != nullptr && !used.empty())
    used.back().seq = row.seq;
  if (const auto* request = row.content.as<model_request>())
    for (const auto& part : request->parts) {
      const auto* result = std::get_if<tool_return_part>(&part);
      const auto use = result ? cell_use_of(*result) : std::nullopt;
      if (!use || !has_run(*use))
        continue;
      auto cell = cell_row(to_string(use->status));
      cell.seq = row.seq;
      cell.wall_us = use->duration.count();
      if (use->processor)
        cell.processor_us = use->processor->count();
      used.push_back(std::move(cell));
    }
  return charged(std::move(used), account);
}

std::vector<usage_row> usage_under_way(const transcript& history, const std::vector<open_call>& calls,
                                       const model_config& model, const char* outcome, const price_table& prices) {
  std::vector<usage_row> rows;
  if (!history.has_open_run())
    return rows;
  // Cells run in order, each after the commit of the one before: only the first one can have run.
  if (std::any_of(calls.begin(), calls.end(), [](const open_call& call) { return call.tool_name == cell_tool_name; })) {
    auto cell = cell_row(to_string(cell_status::lost));
    // Who deletes its chat does not get what it has used for nothing. After a crash nobody knows how long it was on.
    if (outcome == std::string_view{usage_outcome::stopped} && !history.rows().empty())
      cell.wall_us = std::max<int64_t>(0, cell.at - history.rows().back().created_at);
    rows.push_back(std::move(cell));
  }
  const bool asked = history.open_calls().empty() && !history.rows().empty()
    && is_asked_next(*history.rows().back().content) && model.kind != provider_kind::offline;
  if (asked) {
    usage_row row;
    row.at = now_us();
    row.outcome = outcome;
    row.model = model.id;
    row.provider = model.provider;
    row.tokens.input = request_tokens(history, model);
    row.estimated = true;
    rows.push_back(std::move(row));
  }
  return charged(std::move(rows), {history.chat(), history.runs().back().id, prices});
}

} // namespace varro
