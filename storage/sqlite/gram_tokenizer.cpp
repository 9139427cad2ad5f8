#include "storage/sqlite/gram_tokenizer.hpp"

#include "base/errors.hpp"
#include "storage/search_grams.hpp"

#include <new>

#include <sqlite3.h>

namespace varro {

namespace {

using take_token = int (*)(void* context, int flags, const char* token, int bytes, int begin, int end);

int take_apart(void* context, std::string_view text, take_token take) {
  for (auto gram : grams_of(text)) {
    auto begin = static_cast<int>(gram.data() - text.data());
    auto bytes = static_cast<int>(gram.size());
    if (auto code = take(context, 0, gram.data(), bytes, begin, begin + bytes); code != SQLITE_OK)
      return code;
  }
  return SQLITE_OK;
}

// Called by C code: nothing may be thrown.
int tokenize(Fts5Tokenizer*, void* context, int flags, const char* text, int bytes, take_token take) noexcept {
  if ((flags & FTS5_TOKENIZE_QUERY) != 0)
    return take(context, 0, text, bytes, 0, bytes);
  try {
    return take_apart(context, {text, static_cast<size_t>(bytes)}, take);
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

// It has no state; FTS5 wants an address that is not null.
int create(void*, const char**, int, Fts5Tokenizer** out) noexcept {
  static char nothing;
  *out = reinterpret_cast<Fts5Tokenizer*>(&nothing);
  return SQLITE_OK;
}

void destroy(Fts5Tokenizer*) noexcept {}

fts5_api* api_of(sqlite3* db) {
  fts5_api* api = nullptr;
  sqlite3_stmt* query = nullptr;
  if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &query, nullptr) == SQLITE_OK) {
    sqlite3_bind_pointer(query, 1, &api, "fts5_api_ptr", nullptr);
    sqlite3_step(query);
  }
  sqlite3_finalize(query);
  return api;
}

} // namespace

caf::error add_gram_tokenizer(connection& db) {
  auto* api = api_of(db.native());
  if (api == nullptr)
    return fail(errc::storage_failed, "this SQLite has no FTS5");
  fts5_tokenizer tokenizer{create, destroy, tokenize};
  auto code = api->xCreateTokenizer(api, "grams", nullptr, &tokenizer, nullptr);
  return code == SQLITE_OK ? caf::error{} : db.error(code);
}

} // namespace varro
