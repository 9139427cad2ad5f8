// The file of the search index. Internal to storage/.
#pragma once

#include "storage/sqlite/connection.hpp"

namespace varro {

// Opens DATA_DIR/search.db with varro.db as `source` beside it, made anew where it is missing or of no use.
caf::expected<std::unique_ptr<connection>> open_search_file(const std::filesystem::path& data_dir);

} // namespace varro
