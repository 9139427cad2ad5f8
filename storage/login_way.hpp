// How users log in at this server, as auth.mode says, and who can by that. Values and pure functions, any thread.
//
// A database outlives a change of the mode: it then has users of several ways, and only those of the present one may do
// anything, by whatever they hold.
#pragma once

#include "config/config.hpp"
#include "storage/records.hpp"

#include <string>

namespace varro {

// user_record::issuer of whom the proxy of --auth proxy names.
inline constexpr auto proxy_issuer = "proxy";

struct login_way {
  enum class kind {
    any,      // it is not known which: whoever can by one of the others
    password, // of this server
    issuer,   // who is vouched for by `issuer`
  };
  kind by = kind::any;
  std::string issuer = {};
};

// With --auth local nobody logs in. That mode is also what a command knows where only the server was told another one:
// any way.
login_way login_way_of(const config& settings);

// Not for who is disabled.
bool can_log_in(const user_record& user, const login_way& way);

} // namespace varro
