#include "models/context_window.hpp"

#include "base/utf8.hpp"
#include "models/content_json.hpp"
#include "models/history.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <regex>

namespace varro {

namespace {

constexpr int64_t message_tokens = 8;        // of roles, ids and brackets
constexpr size_t reduced_result_bytes = 400; // that stay of a result
constexpr double correction_min = 0.4;
constexpr double correction_max = 3.0;
// A block is so much of the limit; older turns are reduced block by block.
constexpr int64_t blocks_per_limit = 4;

constexpr std::string_view result_note
  = "\n[The rest of this result was left out: it does not fit into the model's context any more.]";

int64_t document_tokens(const binary_content& file) {
  return picture_tokens + static_cast<int64_t>(file.data.size() / 100);
}

int64_t tokens_of(const user_content& content) {
  if (const auto* text = std::get_if<std::string>(&content))
    return estimated_tokens(*text);
  if (const auto* marked = std::get_if<text_content>(&content))
    return estimated_tokens(marked->content);
  if (const auto* file = std::get_if<binary_content>(&content))
    return is_image(file->media_type) ? picture_tokens : document_tokens(*file);
  return std::holds_alternative<cache_point>(content) ? 0 : picture_tokens;
}

bool is_file(const json& value) {
  const auto kind = text_member(value, "kind");
  return kind == "binary" || kind == "image-url" || kind == "document-url" || kind == "uploaded-file";
}

int64_t tokens_of(const json& value) {
  if (value.is_string())
    return estimated_tokens(value.get_ref<const std::string&>());
  if (!value.is_structured())
    return 2;
  if (is_file(value))
    return picture_tokens;
  int64_t tokens = 1;
  for (auto it = value.begin(); it != value.end(); ++it)
    tokens += tokens_of(it.value()) + (value.is_object() ? 3 : 1);
  return tokens;
}

int64_t tokens_of(const request_part& any_part) {
  if (const auto* part = std::get_if<user_prompt_part>(&any_part)) {
    if (const auto* text = std::get_if<std::string>(&part->content))
      return estimated_tokens(*text);
    int64_t tokens = 0;
    for (const auto& item : std::get<std::vector<user_content>>(part->content))
      tokens += tokens_of(item);
    return tokens;
  }
  if (const auto* part = std::get_if<tool_return_part>(&any_part))
    return tokens_of(part->content);
  if (const auto* part = std::get_if<retry_prompt_part>(&any_part))
    return tokens_of(part->content);
  if (const auto* part = std::get_if<system_prompt_part>(&any_part))
    return estimated_tokens(part->content);
  const auto said = spoken_request(std::get<other_part>(any_part));
  return said ? tokens_of(*said) : 0;
}

int64_t tokens_of(const response_part& any_part) {
  if (const auto* part = std::get_if<text_part>(&any_part))
    return estimated_tokens(part->content);
  if (const auto* part = std::get_if<thinking_part>(&any_part))
    return std::max(estimated_tokens(part->content), estimated_tokens(part->signature.value_or("")) / 2);
  if (const auto* part = std::get_if<tool_call_part>(&any_part))
    return tokens_of(part->args) + 12;
  if (const auto* part = std::get_if<builtin_tool_call_part>(&any_part))
    return tokens_of(part->args) + 12;
  if (const auto* part = std::get_if<builtin_tool_return_part>(&any_part))
    return tokens_of(part->content);
  if (const auto* part = std::get_if<compaction_part>(&any_part))
    return estimated_tokens(part->content.value_or(""));
  if (const auto* part = std::get_if<other_part>(&any_part)) {
    const auto said = spoken_response(*part);
    return said ? tokens_of(*said) : 0;
  }
  return picture_tokens;
}

int64_t overhead_of(const model_query& query) {
  int64_t tokens = estimated_tokens(query.instructions);
  for (const auto& tool : query.tools)
    tokens += estimated_tokens(tool.description) + tokens_of(tool.parameters) + 20;
  return tokens;
}

// What the vendor counted for the newest answer, as a multiple of our estimate of the same messages.
double correction(const model_query& query, const std::vector<int64_t>& estimates) {
  const auto& history = *query.history;
  for (size_t i = history.size(); i-- > 0;) {
    const auto* response = history[i].as<model_response>();
    if (!response || response->usage.input_tokens <= 0)
      continue;
    int64_t estimate = integer_member(member(response->metadata, "left_out"), "estimate").value_or(0);
    if (estimate <= 0) {
      estimate = overhead_of(query);
      for (size_t before = 0; before < i; ++before)
        estimate += estimates[before];
    }
    const auto factor
      = static_cast<double>(response->usage.input_tokens) / static_cast<double>(std::max<int64_t>(estimate, 1));
    return std::clamp(factor, correction_min, correction_max);
  }
  return 1.0;
}

int64_t greatest_number(std::string_view words) {
  int64_t greatest = 0;
  int64_t number = 0;
  for (const char c : words) {
    if (c >= '0' && c <= '9')
      number = std::min<int64_t>(number * 10 + (c - '0'), 1'000'000'000);
    else if (c != ',')
      number = 0;
    greatest = std::max(greatest, number);
  }
  return greatest;
}

bool begins_turn(const message& content) {
  const auto* request = std::get_if<model_request>(&content);
  return request && std::any_of(request->parts.begin(), request->parts.end(), [](const request_part& part) {
           return std::holds_alternative<user_prompt_part>(part);
         });
}

// --- reducing --------------------------------------------------------------------------------------------------------

void reduce_content(json& content, left_out& without) {
  auto items = tool_content_items(content);
  std::string text;
  int64_t pictures = 0;
  for (const auto& item : items) {
    if (!text.empty())
      text += '\n';
    if (const auto* words = std::get_if<std::string>(&item)) {
      text += *words;
    } else {
      text += file_note(std::get<user_content>(item));
      ++pictures;
    }
  }
  without.pictures += pictures;
  if (text.size() > 2 * reduced_result_bytes) {
    text = std::string(clip_utf8(text, reduced_result_bytes)) + std::string(result_note);
    ++without.results;
  } else if (pictures == 0) {
    return;
  }
  content = std::move(text);
}

shared_message reduced(const shared_message& content, left_out& without) {
  const auto* given = content.as<model_request>();
  if (!given)
    return content;
  auto request = *given;
  for (auto& any_part : request.parts) {
    if (auto* part = std::get_if<tool_return_part>(&any_part)) {
      reduce_content(part->content, without);
    } else if (auto* part = std::get_if<user_prompt_part>(&any_part)) {
      if (auto* items = std::get_if<std::vector<user_content>>(&part->content))
        for (auto& item : *items)
          if (!std::holds_alternative<std::string>(item) && !std::holds_alternative<text_content>(item)
              && !std::holds_alternative<cache_point>(item)) {
            item = file_note(item);
            ++without.pictures;
          }
    }
  }
  return request;
}

// A history while it is made to fit.
class fitting {
public:
  fitting(const model_query& query, int64_t tokens_max, int64_t estimate_max)
    : query_(query), history_(*query.history) {
    for (const auto& content : history_)
      estimates_.push_back(estimated_tokens(content));
    const auto factor = correction(query, estimates_);
    overhead_ = overhead_of(query);
    // In our own estimate's unit.
    limit_ = static_cast<int64_t>(static_cast<double>(tokens_max) / factor);
    if (estimate_max > 0)
      limit_ = std::min(limit_, estimate_max);
    for (size_t i = 0; i < history_.size(); ++i)
      if (i == 0 || begins_turn(history_[i]))
        turns_.push_back(i);
  }

  fitted_history run();

private:
  int64_t total() const {
    int64_t tokens = overhead_;
    for (size_t i = first_; i < history_.size(); ++i)
      tokens += estimates_[i];
    return tokens;
  }
  bool fits() const {
    return total() <= limit_;
  }
  std::vector<size_t> block_ends() const;
  void reduce_until(size_t& next, size_t end);
  void reduce_newest_turn();
  fitted_history result() const;

  const model_query& query_;
  message_history history_;
  std::vector<int64_t> estimates_;
  std::vector<size_t> turns_; // where each begins
  int64_t overhead_ = 0;
  int64_t limit_ = 0;
  size_t first_ = 0; // of the messages that stay
  left_out without_;
};

// Ends of blocks of whole turns, from the front, without the newest turn. They depend only on what stands before them,
// so that they stay where they are while the chat grows.
std::vector<size_t> fitting::block_ends() const {
  std::vector<size_t> ends;
  int64_t tokens = 0;
  for (size_t turn = 0; turn + 1 < turns_.size(); ++turn) {
    for (size_t i = turns_[turn]; i < turns_[turn + 1]; ++i)
      tokens += estimates_[i];
    if (tokens < limit_ / blocks_per_limit && turn + 2 < turns_.size())
      continue;
    ends.push_back(turns_[turn + 1]);
    tokens = 0;
  }
  return ends;
}

void fitting::reduce_until(size_t& next, size_t end) {
  for (; next < end; ++next) {
    history_[next] = reduced(history_[next], without_);
    estimates_[next] = estimated_tokens(history_[next]);
  }
}

void fitting::reduce_newest_turn() {
  const auto begin = turns_.empty() ? 0 : turns_.back();
  size_t last_request = history_.size();
  while (last_request > begin && !std::holds_alternative<model_request>(*history_[last_request - 1]))
    --last_request;
  for (size_t i = begin; i + 1 < last_request && !fits(); ++i) {
    history_[i] = reduced(history_[i], without_);
    estimates_[i] = estimated_tokens(history_[i]);
  }
}

fitted_history fitting::run() {
  if (fits())
    return {query_.history, {}, total(), true};
  const auto ends = block_ends();
  size_t next = 0;
  for (const auto end : ends) {
    reduce_until(next, end);
    if (fits())
      return result();
  }
  for (const auto end : ends) {
    without_.turns += std::count_if(turns_.begin(), turns_.end(), [&](size_t at) { return at >= first_ && at < end; });
    first_ = end;
    if (fits())
      return result();
  }
  reduce_newest_turn();
  return result();
}

fitted_history fitting::result() const {
  message_history kept;
  if (first_ != 0) {
    model_request note;
    note.parts.push_back(
      user_prompt_part{"[" + std::to_string(without_.turns)
                         + (without_.turns == 1 ? " earlier turn of this chat was" : " earlier turns of this chat were")
                         + " left out here, because the model's context cannot hold more.]",
                       ""});
    kept.emplace_back(std::move(note));
  }
  kept.insert(kept.end(), history_.begin() + static_cast<std::ptrdiff_t>(first_), history_.end());
  return {std::make_shared<const message_history>(std::move(kept)), without_, total(), fits()};
}

} // namespace

int64_t estimated_tokens(std::string_view text) {
  int64_t ascii = 0;
  int64_t others = 0;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80)
      ++ascii;
    else if (!is_continuation(c))
      ++others;
  }
  return (ascii + 2) / 3 + others;
}

int64_t estimated_tokens(const message& content) {
  int64_t tokens = message_tokens;
  std::visit(
    [&tokens](const auto& any) {
      for (const auto& part : any.parts)
        tokens += tokens_of(part);
    },
    content);
  return tokens;
}

int64_t request_tokens_max(const model_config& model) {
  if (model.context_tokens_max <= 0)
    return 0;
  const auto answer = std::min(model.output_tokens_max, model.context_tokens_max / 4);
  return std::max<int64_t>(1, model.context_tokens_max - answer - model.context_tokens_max / 50);
}

fitted_history fit_context(const model_query& query, int64_t tokens_max, int64_t estimate_max) {
  return fitting(query, tokens_max, estimate_max).run();
}

int64_t shorter_than(int64_t sent, std::string_view refusal) {
  constexpr double margin = 0.9;
  constexpr double blind = 0.5;      // without any number
  constexpr double half_seen = 0.75; // at most, where only the limit is named
  const auto limit = context_limit_told(refusal);
  auto ratio = blind;
  if (limit) {
    const auto counted = greatest_number(refusal);
    ratio = counted > *limit ? margin * static_cast<double>(*limit) / static_cast<double>(counted)
                             : std::min(half_seen, margin * static_cast<double>(*limit) / static_cast<double>(sent));
  }
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(sent) * ratio));
}

std::optional<int64_t> context_limit_told(std::string_view refusal) {
  static const std::regex told(
    R"((?:maximum context length (?:is|of)|> *|allowed \(|context size \(|limit (?:is|of)|maximum of|)"
    R"(maximum is|only|up to)\s*(\d[\d,]*))",
    std::regex::icase | std::regex::optimize);
  const auto words = std::string(clip_utf8(refusal, 2'000));
  std::smatch found;
  if (!std::regex_search(words, found, told))
    return std::nullopt;
  int64_t number = 0;
  for (const char c : found[1].str())
    if (c != ',' && number < 1'000'000'000)
      number = number * 10 + (c - '0');
  return number >= 256 ? std::optional(number) : std::nullopt;
}

} // namespace varro
