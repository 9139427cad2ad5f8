// What the pages of admins show of the database: a question for each, and its answer. Values.
#pragma once

#include "storage/audit_chain.hpp"
#include "storage/erasures.hpp"
#include "storage/identity.hpp"
#include "storage/limit_book.hpp"
#include "storage/records.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace varro {

// Links that can be used at `now`, newest first; at most links_max.
struct links_question {
  unix_us now = 0;
};

// Users in the order of their names.
struct people_question {
  std::string search = {}; // a part of the name, in any case; empty: everybody
  std::string after = {};  // only names after this one
  int limit = 0;           // at most admin_people_max
  unix_us month_start = 0; // for what was used since
  bool in_detail = false;  // with groups and limits
  int64_t user_id = 0;     // only this one; 0: all
};

// What was used and cost.
struct spending {
  int64_t requests = 0;
  int64_t tokens = 0; // read and written
  int64_t cost_nano = 0;
  std::string currency; // empty: nothing has a cost; "?": there are several
};

// A user as admins see them.
struct person {
  user_record user;      // password_hash: "*" where there is one
  unix_us last_seen = 0; // 0: never
  int64_t chats = 0;
  spending month;
  std::vector<group_membership> groups = {}; // in order; one that two sources tell of is there twice
  std::vector<limit_row> limits = {};        // written ones, of the user, their groups and everybody
};
struct people_page {
  std::vector<person> people;
  bool more = false; // others follow
};

// Sums of the ledger for one day of the calendar after the other, or for each user or model.
struct spending_question {
  usage_by by = usage_by::user;
  unix_us since = 0;
  unix_us until = 0;
  int64_t rows_max = 0; // further ones are left out
};

// The names of these users, by id; of those who are there.
struct names_question {
  std::vector<int64_t> ids;
};

// What went wrong since then, as the ledger of usage has it: requests to models that did not end with an answer, and
// cells that did not end by themselves. The most frequent first, at most failures_max.
struct failures_question {
  unix_us since = 0;
};
struct failure_count {
  std::string kind;     // usage_kind::…
  std::string outcome;  // as usage_row::outcome
  std::string provider; // of a request; empty for cells
  std::string model;
  int64_t count = 0;
  unix_us newest = 0;
};

// Erasures that are under way, and those that have ended since then, oldest first.
struct erasures_question {
  unix_us ended_since = 0;
};
struct erasure_shown {
  erasure what;
  std::string name; // of the user; empty once the account is gone
};

// Those of these users who may not use the server: disabled ones, and those who are not there any more.
struct locked_out_question {
  std::vector<int64_t> ids;
};

// A chat, whosever it is: id, owner and title; none where there is none.
struct chat_question {
  int64_t chat_id = 0;
};

// The limits that were set while the server runs (limit_book.hpp): everybody's, then groups and users by name.
struct limits_question {};

// Each is answered by what stands at its place in admin_answer.
struct admin_question {
  std::variant<audit_question, links_question, people_question, spending_question, names_question, failures_question,
               erasures_question, locked_out_question, chat_question, limits_question>
    what;
};

struct admin_answer {
  std::variant<std::vector<audit_row>, std::vector<link_found>, people_page, std::vector<usage_sum>,
               std::map<int64_t, std::string>, std::vector<failure_count>, std::vector<erasure_shown>,
               std::vector<int64_t>, std::optional<chat_record>, std::vector<limit_row>>
    what;
};

} // namespace varro
