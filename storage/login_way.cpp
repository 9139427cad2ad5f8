#include "storage/login_way.hpp"

namespace varro {

login_way login_way_of(const config& settings) {
  switch (settings.auth.mode) {
  case auth_mode::accounts:
    return {login_way::kind::password};
  case auth_mode::proxy:
    return {login_way::kind::issuer, proxy_issuer};
  case auth_mode::oidc:
    return {login_way::kind::issuer, settings.oidc.issuer};
  case auth_mode::local:
    break;
  }
  return {};
}

bool can_log_in(const user_record& user, const login_way& way) {
  if (user.disabled)
    return false;
  const bool with_password = !user.password_hash.empty();
  switch (way.by) {
  case login_way::kind::password:
    return with_password;
  case login_way::kind::issuer:
    return !user.issuer.empty() && user.issuer == way.issuer;
  case login_way::kind::any:
    break;
  }
  return with_password || !user.issuer.empty();
}

} // namespace varro
