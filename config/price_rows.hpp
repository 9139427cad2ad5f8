// The [[price]] sections of a configuration file. For load.cpp only.
#pragma once

#include "base/errors.hpp"
#include "config/price_table.hpp"

#include <functional>
#include <string>

#include <toml++/toml.h>

namespace varro {

inline constexpr size_t price_rows_max = 10'000; // of one configuration

// Reads `node`, what stands under "price", into the table's rows, and sorts them. `at` says where something was
// written: "FILE:LINE". Errors are errc::config_invalid with that place, the key, what is allowed and what was written.
caf::error read_price_rows(const toml::node& node, const std::function<std::string(const toml::source_region&)>& at,
                           price_table& table);

} // namespace varro
