// What a model's context holds, and what a request leaves out of a long history so that it fits.
//
// Vendors count tokens with tokenizers of their own, so a count here is an estimate, corrected by what the vendor
// counted for the answers that are there. Pure functions, any thread.
#pragma once

#include "models/left_out.hpp"
#include "models/provider.hpp"

#include <optional>
#include <string_view>

namespace varro {

// Tokens that a picture takes, about (vendors: 85 to 4,800 by its size).
inline constexpr int64_t picture_tokens = 1'600;

struct fitted_history {
  message_list history; // the given one when nothing had to go
  left_out without;
  int64_t tokens = 0; // estimated, with instructions and tools
  bool fits = true;   // false: even the newest turn alone is too long
};

// An estimate that errs on the large side: about three characters of ASCII, or one other character, are a token.
int64_t estimated_tokens(std::string_view text);
int64_t estimated_tokens(const message& content);

// Tokens for what a request may hold besides its answer; 0 when the model's context is not known.
int64_t request_tokens_max(const model_config& model);

// The query's history as it fits into `tokens_max`: first results and pictures of older turns are reduced, then the
// oldest turns go as a whole, then results of the newest turn except for the last one are reduced. A call keeps its
// return. What goes changes in large steps while a chat grows, because each change costs the vendor's cache, and
// thinking that is bound to what stood before it. REQUIRES: tokens_max > 0. `estimate_max`, where it is not 0, is a
// further limit of our own estimate, whatever the vendor counted: it refused a request that we took for smaller.
fitted_history fit_context(const model_query& query, int64_t tokens_max, int64_t estimate_max = 0);

// The number of tokens that a vendor's refusal names as the most that it takes, if it names one.
std::optional<int64_t> context_limit_told(std::string_view refusal);

// What a request may be by our own estimate, after the vendor refused one of `sent` tokens by that estimate as too
// long. Goes by the numbers that the refusal names, if it names any.
int64_t shorter_than(int64_t sent, std::string_view refusal);

} // namespace varro
