// Every error that Varro reports, as a value.
//
// Functions return caf::expected<T> or caf::error built by fail(). The message says what happened, to what, and what
// to do about it; it is written for the person who reads it and never holds a secret. Any thread may call.
#pragma once

#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/make_message.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace varro {

enum class errc : uint8_t {
  none = 0,
  not_found,         // no such thing, or it is somebody else's
  run_in_progress,   // the chat answers another message
  no_run,            // nothing to cancel
  invalid_input,     // what the caller sent cannot be used
  too_large,         // a named limit was passed
  unauthorized,      // no user
  config_invalid,    // a configuration file or variable
  storage_failed,    // the database said no
  storage_locked,    // another process serves this data directory
  shell_lost,        // the Python process ended
  shell_unavailable, // no sandbox, no Python, or no room for another shell
  model_rejected,    // the vendor refused the request for good
  model_unreachable, // network, time limits, retries used up
  model_malformed,   // the vendor's answer could not be read
  limit_reached,     // steps, tokens or retries of a turn
  cancelled,         // somebody stopped it
  shutting_down,     // the server is stopping
};

// The name as written above, for logs and metrics.
const char* to_string(errc code) noexcept;

} // namespace varro

// CAF names the types that actors exchange by number; the block of actors/type_ids.hpp goes on where this one ends.
CAF_BEGIN_TYPE_ID_BLOCK(varro_base, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(varro_base, (varro::errc))
CAF_END_TYPE_ID_BLOCK(varro_base)

CAF_ERROR_CODE_ENUM(varro::errc, "varro")

namespace varro {

caf::error fail(errc code, std::string message);

// The code of an error made by fail(), or errc::none for an error of somebody else (a CAF system error).
errc code_of(const caf::error& error) noexcept;

// The message given to fail(), or CAF's own rendering.
std::string text_of(const caf::error& error);

} // namespace varro
