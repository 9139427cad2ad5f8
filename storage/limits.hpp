// Limits of storage/ that are no setting: each with its unit.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace varro {

// How long a statement waits for another process that writes (`varro user`, a backup).
inline constexpr int storage_busy_ms_max = 5'000;

// Browser sessions of one user. With a further one, that goes which was not used for the longest time.
inline constexpr int user_logins_max = 100;

// Of what a browser calls itself.
inline constexpr size_t login_agent_bytes_max = 200;

// Groups of one user that one source tells of.
inline constexpr int user_groups_max = 200;

// How long an event stream goes on after the last request that said whose it is, where each one says so again
// (identity_login_prefix): its browser then asks again.
inline constexpr std::chrono::seconds identity_stream_max{120};

// How often the last use of a browser session is written.
inline constexpr std::chrono::seconds login_use_step{60};

// Links of `varro user` that are neither used nor expired.
inline constexpr int links_max = 1'000;

// Of the audit: rows that one question gets; bytes of what a row is about, of its details, and of a name or address.
inline constexpr int audit_rows_max = 10'000;
inline constexpr size_t audit_subject_bytes_max = 200;
inline constexpr size_t audit_details_bytes_max = 4u << 10;
inline constexpr size_t audit_text_bytes_max = 200;

// Users on one page of admins, and sums of the ledger that one question gets.
inline constexpr int admin_people_max = 100;
inline constexpr int64_t spending_rows_max = 100'000;

// Kinds of failures that one question gets.
inline constexpr int failures_max = 200;

// Chats that one list_chats returns.
inline constexpr int storage_list_chats_max = 1'000;

// Chats that one search returns.
inline constexpr int search_chats_max = 100;

// Of one message, what a search looks at: altogether, and of one piece of code or one result.
inline constexpr size_t search_row_bytes_max = 64u << 10;
inline constexpr size_t search_tool_bytes_max = 16u << 10;

// A query. A longer one is refused.
inline constexpr size_t search_query_bytes_max = 1'024;

// What the index knows of a text (search_grams.hpp): so many characters in a row, and so many on both sides of a space.
inline constexpr size_t search_gram_characters = 3;
inline constexpr size_t search_space_characters = 2;

// Fewer characters than search_gram_characters are looked for in titles only, of so many of the user's newest chats.
inline constexpr int search_short_chats_max = 5'000;

// Grams of a query that the index is asked for, the rarest ones. The texts decide.
inline constexpr size_t search_grams_max = 4;

// How long one search may take. It then answers with what it found.
inline constexpr std::chrono::milliseconds search_time_max{1'000};

// How long the index is brought up to date at a time, before searches that wait have their turn; and how many changes
// are one transaction of it.
inline constexpr std::chrono::milliseconds search_step_max{100};
inline constexpr int search_step_changes_max = 200;

// Every so many texts are counted for how rare grams are.
inline constexpr int64_t search_sample_every = 32;

// Text on each side of what was found.
inline constexpr size_t excerpt_characters_around = 60;

// What the write-ahead log is cut back to after a checkpoint.
inline constexpr long storage_log_bytes_max = 64l << 20;

} // namespace varro
