#include "accounts/links.hpp"

#include "accounts/accounts.hpp"

namespace varro {

std::string server_address(const server_config& settings, uint16_t port) {
  if (!settings.public_url.empty()) {
    auto address = settings.public_url;
    while (address.ends_with('/'))
      address.pop_back();
    return address;
  }
  if (port == 0)
    return "";
  auto host = settings.host.find(':') == std::string::npos ? settings.host : "[" + settings.host + "]";
  return "http://" + host + ":" + std::to_string(port);
}

caf::expected<std::string> make_link(chat_database& db, link_record link, std::chrono::hours lasts,
                                     const audit_origin& by) {
  auto token = make_session_token();
  link.token_hash = token.hash;
  link.created_at = now_us();
  link.expires_at = link.created_at + std::chrono::microseconds{lasts}.count();
  if (auto error = db.put_link(link, by))
    return error;
  return (link.purpose == link_purpose::reset ? "/reset/" : "/join/") + token.token;
}

} // namespace varro
