// FTS5 takes texts apart as grams_of says. Internal to storage/sqlite/.
//
// Source: SQLite, "FTS5 Extension", section "Custom Tokenizers" (sqlite.org/fts5.html).
#pragma once

#include "storage/sqlite/connection.hpp"

namespace varro {

// The connection knows `tokenize='grams'` from now on: a text that is put in or deleted becomes its grams; each text in
// quotes of a query is one gram as it is.
caf::error add_gram_tokenizer(connection& db);

} // namespace varro
