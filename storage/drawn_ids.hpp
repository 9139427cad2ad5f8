// Ids of chats and runs that one writer has drawn: nobody else ever gets them, whatever becomes of the writer.
#pragma once

#include <cstdint>

namespace varro {

// Ids in a row.
struct id_range {
  int64_t first = 0;
  int64_t count = 0;

  int64_t end() const { // one past the last
    return first + count;
  }
};

// How many of each kind; 0: none.
struct ids_wanted {
  int64_t chats = 0;
  int64_t runs = 0;
};

struct drawn_ids {
  id_range chats;
  id_range runs;
};

} // namespace varro
