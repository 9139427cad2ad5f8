#include "http/account_reply.hpp"

#include "http/form.hpp"
#include "render/account_pages.hpp"

namespace varro {

reply account_reply(const application& app, const route_call& call, const visitor& who, int status,
                    const account_news& news) {
  auto sessions = app.ask<std::vector<login_record>>(app.services.reader, list_atom_v, who.user.id);
  if (!sessions)
    return app.error_reply(call.request, sessions.error());
  auto tokens = app.ask<std::vector<token_record>>(app.services.token_reader, token_atom_v, who.user.id);
  if (!tokens)
    return app.error_reply(call.request, tokens.error());
  // Words of ours only: what the address says is not shown.
  auto done = query_value(call.request, "done").value_or("");
  account_page_content content;
  content.note = status == 200 && done == "password" ? "The password is changed." : "";
  content.message = news.message;
  content.sessions = std::move(*sessions);
  content.present = who.token_hash;
  content.read_by_admins = app.settings.auth.admins_read_chats;
  content.has_password = app.with_accounts();
  content.tokens.tokens = std::move(*tokens);
  content.tokens.made = news.token_made;
  content.tokens.message = news.token_message;
  content.tokens.typed_label = news.token_label;
  content.tokens.admin = who.user.role == user_role::admin;
  content.tokens.lasts_max = app.settings.auth.token_max;
  reply result;
  result.status = status;
  result.body = account_page(app.viewer_of(who), content).str();
  return result;
}

} // namespace varro
