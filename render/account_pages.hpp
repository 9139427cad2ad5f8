// The pages of accounts: log in, join, choose another password, one's own account. Pure functions, any thread.
#pragma once

#include "render/pages.hpp"
#include "render/token_section.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace varro {

// message: why the last attempt failed; may be empty. can_join: anybody may make an account. next: the page that was
// asked for.
html::markup login_page(const page_viewer& viewer, std::string_view message, bool can_join = false,
                        std::string_view next = "/");

// Of logins at a provider: a button, which says `label`, that leads there. next: the page that was asked for.
html::markup provider_login_page(const page_viewer& viewer, std::string_view label, std::string_view next);
// The session here is over; the one at the provider ends at `address`.
html::markup provider_logout_page(const page_viewer& viewer, const std::string& address);

// A form that makes an account. action: "/join" or "/join/TOKEN".
struct join_page_content {
  std::string action;
  std::string name;         // as it was typed before
  bool admin = false;       // the account may look after the server
  std::string_view message; // why the last attempt failed; may be empty
};
html::markup join_page(const page_viewer& viewer, const join_page_content& content);

// A form by which a user chooses another password. action: "/reset/TOKEN".
html::markup reset_page(const page_viewer& viewer, std::string_view action, std::string_view user_name,
                        std::string_view message);
html::markup password_was_reset_page(const page_viewer& viewer);

struct account_page_content {
  std::string_view note;              // what was done; may be empty
  std::string_view message;           // why a change of the password failed; may be empty
  std::vector<login_record> sessions; // of the viewer
  std::string_view present;           // token_hash of the one that looks at the page
  bool read_by_admins = false;        // admins of this server may read the viewer's chats
  bool has_password = true;           // else somebody else asks for it
  token_section_content tokens = {};
};
html::markup account_page(const page_viewer& viewer, const account_page_content& content);

} // namespace varro
