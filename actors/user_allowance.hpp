// What a user may use at one moment and has used, and what is said where that is all.
//
// Values and pure functions, any thread.
#pragma once

#include "config/config.hpp"
#include "config/effective_limits.hpp"
#include "storage/limit_book.hpp"

#include <memory>
#include <optional>
#include <string>

namespace varro {

struct user_allowance {
  user_limits limits;                     // in force
  user_use used;                          // 0 where nothing is limited by the day or month
  int64_t chats = 0;                      // 0 where their number is not limited
  user_disk disk;                         // 0 where it is not limited; seen from the chat that was asked for
  unix_us at = 0;                         // the moment
  std::shared_ptr<const config> settings; // prices, and whom to ask
};
using allowance_ptr = std::shared_ptr<const user_allowance>;

// Why a model may not be asked now, in sentences for the user; empty: it may. A limit is reached when it is used up, so
// that requests that were sent before, and only they, pass it.
std::string model_refusal(const user_allowance& allowance, const model_config& model);
// The same, of the models alone and not of what was used.
std::string model_choice_refusal(const user_allowance& allowance, const model_config& model);
// Why no cell may be run now. Of the disk: what is there beside the files of the cell's chat uses the limit up. Where
// these files do, it may run, so that it can delete them; more of them end it (disk_left).
std::string cell_refusal(const user_allowance& allowance);
// Why files of so many bytes may not be uploaded now. Those that use the limit up exactly may.
std::string upload_refusal(const user_allowance& allowance, int64_t bytes);
// Why so much more may not lie on the disk; 0: nobody knows how much. What uses the limit up exactly may.
std::string disk_refusal(const user_allowance& allowance, int64_t more_bytes);
// What the limit of the disk leaves for the files of the chat that was asked for, in bytes; nothing: there is none.
std::optional<int64_t> disk_left(const user_allowance& allowance);
// That limit, as quota_left::user_quota.
std::string disk_quota_words(const user_allowance& allowance);
// Why no further chat may be made.
std::string chat_refusal(const user_allowance& allowance);

// For the page, before somebody types: which limit is reached, or else nearly (nine tenths) used; empty: none.
std::string allowance_note(const user_allowance& allowance);

} // namespace varro
