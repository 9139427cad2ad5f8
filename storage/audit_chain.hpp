// The chain of the audit: each row holds the hash of the one before it and of itself. Pure functions, any thread.
//
// The hash of a row is SHA-256, in hex, of the text "varro-audit-1" and the row's fields, each as its length in bytes
// in decimal, a colon, and its bytes (numbers in decimal): id, at, actor_id, actor_mark, way, address_mark, action,
// subject_id, subject_mark, subject, details, previous. The first row's `previous` is audit_beginning.
//
// Names and addresses are in the hash as marks: SHA-256, in hex, of a random salt and the text. The texts are in a
// table of their own, from which those of somebody who is erased can go.
#pragma once

#include "storage/audit.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace varro {

inline constexpr std::string_view audit_beginning = "0000000000000000000000000000000000000000000000000000000000000000";

// A name or address beside the chain. A mark without a text is of one that was forgotten.
struct audit_text {
  std::string mark; // empty: there never was a text
  std::string salt;
  std::optional<std::string> text;
};

struct audit_row {
  int64_t id = 0; // 1, 2, 3 …
  unix_us at = 0;
  int64_t actor_id = 0;
  audit_text actor;
  std::string way;
  audit_text address;
  std::string action;
  int64_t subject_id = 0; // of the user whom it is about; 0: of none
  audit_text subject_name;
  std::string subject;
  std::string details;
  std::string previous;
  std::string hash;
};

std::string audit_mark(std::string_view salt, std::string_view text);
std::string audit_hash(const audit_row& row);

// As they are shown: the name, "user 7" where it was forgotten, empty where there was none.
std::string actor_of(const audit_row& row);
std::string subject_of(const audit_row& row);

// The end of a chain. Whoever keeps it elsewhere can tell later that nothing up to it was cut off or written anew.
struct audit_head {
  int64_t id = 0; // 0: there is no row yet
  std::string hash{audit_beginning};
};
std::string to_text(const audit_head& head); // "17:HASH"
std::optional<audit_head> audit_head_from(std::string_view text);

// Walks the rows from the first one on, in the order of their ids.
class audit_walk {
public:
  // What is wrong with the row that comes next, in one sentence; empty: nothing.
  std::string fault_of(const audit_row& row);
  // The last row that was found right.
  const audit_head& head() const {
    return head_;
  }
  // Names and addresses that were forgotten, so far.
  int64_t forgotten() const {
    return forgotten_;
  }

private:
  audit_head head_;
  int64_t forgotten_ = 0;
};

// What a walk over the whole chain found.
struct audit_verdict {
  audit_head head;       // the last row that was found right
  int64_t forgotten = 0; // names and addresses
  std::string fault;     // about the first row that is broken; empty: the chain is whole
};

// Which rows are wanted.
struct audit_question {
  std::optional<int64_t> user = {}; // who did it, or whom it is about
  std::string action = {};          // "login" is "login.refused" as well; empty: any
  unix_us since = 0;
  int64_t before = 0; // only rows with smaller ids; 0: from the newest on
  int64_t after = 0;  // only rows with greater ids
  int limit = 0;      // at most audit_rows_max
  bool oldest_first = false;
};

} // namespace varro
