// Headers that nearly every source needs and that never change.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/make_message.hpp>
#include <caf/type_id.hpp>

// The literal "{}"_json, which nobody here writes, has GCC instantiate the parser of a second kind of JSON in every
// source: half a second each. As the body of a template it waits for somebody who uses it. (3.11.3 of the library
// spells the name in a way that this does not reach: there it changes nothing.)
// clang-format off
#define _json(text, size) _json(text, size); template <typename> nlohmann::json never_instantiated(text, size)
// clang-format on
#include <nlohmann/json.hpp>
#undef _json
