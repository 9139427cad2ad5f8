// What a request asks of the workers, before anybody knows whose it is: so that no visitor can hold all of them.
//
// Pure functions, any thread.
#pragma once

#include "http/exchange.hpp"

#include <string>

namespace varro {

struct work_class {
  // Answered from memory, or what tells others how the server is: never made to wait for the requests of anybody.
  bool free = false;
  // Its cost grows with what a chat holds: exports, searches, attachments, files.
  bool costly = false;
  // The browser session or token that it comes with, or whom a proxy names; empty: none.
  std::string visitor;
};

work_class work_class_of(const received_request& request);

// Of so many workers, those that one visitor may have at once, those that costly requests may have altogether, and
// those that costly requests of one visitor may have. At least one each.
struct work_shares {
  int of_visitor = 1;
  int costly = 1;
  int costly_of_visitor = 1;
};
work_shares shares_of(int workers);

} // namespace varro
