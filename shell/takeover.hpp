// Whether a server can work with a varro-shells that is already there. Pure functions; any thread may call.
//
// What varro, varro-shells and the worker of a shell say to each other has a version of its own, so that shells outlive
// an upgrade: the messages of shells.sock (shell/supervisor/supervisor.hpp) and the frames of a shell's stream
// (shell/frames.hpp) together, because varro-shells brings the worker along and one end of both is the server's.
// Between varro-shells and its warm interpreters there is none: both come out of one program.
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace varro {

// To be raised with each change that the other side would misunderstand: a message or field that it has to know,
// another meaning of one that is there. A field that may be missing is none. What each number was:
//   2  hello has a fingerprint of version and settings, by which a server took over what was the same in all
//   3  hello has "version" and "settings"
inline constexpr int64_t protocol_version = 3;
// The least that this server still speaks. Nobody speaks what comes after their own: a server that is older than
// varro-shells ends it.
inline constexpr int64_t oldest_protocol_version = 2;

constexpr bool speaks_protocol(int64_t version) {
  return oldest_protocol_version <= version && version <= protocol_version;
}

// What a varro-shells says of itself.
struct supervisor_hello {
  int64_t protocol = 0;
  std::string version;          // VARRO_VERSION; empty: it does not say
  std::optional<json> settings; // an object, as to_json() of supervisor_settings made it
};
// Nothing: this is no hello, or one without a protocol version.
std::optional<supervisor_hello> hello_in(const json& message);

// Whether shells are made alike by both. What only one of them knows is a matter of its version, not of the
// configuration.
bool are_same_settings(const json& one, const json& other);

} // namespace varro
