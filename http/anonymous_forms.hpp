// Forms of who is not logged in yet, and the browser session that they lead to. Any worker.
#pragma once

#include "http/application.hpp"

#include <string>
#include <string_view>

namespace varro {

// Such a page carries a token twice, in a cookie and in the form: a foreign page can send neither (double submit).
struct form_token {
  std::string csrf;   // for the form
  bool fresh = false; // the browser has no cookie with it yet
};
form_token form_token_of(const received_request& request);

// A page with a form that has this token.
reply form_reply(const route_call& call, int status, const form_token& token, const html::markup& page);

// A browser that saw the form has the cookie. Clients that are no browsers send neither cookie nor Origin and cannot be
// led here by a foreign page; what a browser sends from elsewhere the guard has refused already.
bool form_token_matches(const route_call& call, const form& fields);

inline constexpr auto no_accounts = "Nobody logs in here by a name and a password.";
inline constexpr auto form_outdated = "This form was out of date. Try again.";
inline constexpr auto passwords_busy = "Too many people log in at this moment. Try again in a moment.";
inline constexpr auto passwords_differ = "The two passwords differ.";

// "Retry-After", for 429 and 503.
reply with_retry_after(reply from, std::chrono::seconds wait);
// After passwords_busy.
inline constexpr std::chrono::seconds busy_retry{2};

// A browser session that begins now: always a new token, whatever cookie the request brought.
struct new_login {
  std::string token; // for the cookie
  login_record record;
};
new_login make_login(const application& app, const received_request& request, int64_t user_id);

// Whether the browser shall send a cookie over https alone.
bool with_secure_cookies(const application& app, const received_request& request);

// To one of our own pages (page_after_login), with the cookie of a login that is stored. The session that the browser
// had before ends.
reply enter_with(application& app, const received_request& request, const new_login& login, std::string page = "/");

} // namespace varro
