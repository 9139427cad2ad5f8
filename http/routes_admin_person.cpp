// What admins see of one person, and the erasing of one.
#include "base/clock.hpp"
#include "base/text.hpp"
#include "http/admin_parts.hpp"
#include "http/anonymous_forms.hpp"
#include "http/person_changes.hpp"
#include "render/admin_pages.hpp"

namespace varro {

namespace {

reply person_reply(application& app, const route_call& call, const visitor& who, int status, const user_record& user,
                   admin_word said) {
  people_question question{{}, {}, 1, month_start(now_us()), true, user.id};
  auto page = ask_database<people_page>(app, question);
  if (!page)
    return app.error_reply(call.request, page.error());
  if (page->people.empty()) // erased in this moment
    return app.error_reply(call.request, 404, "There is nobody of this name.");
  auto notes = notes_on(app, page->people);
  auto erasures = erasures_of_late(app);
  if (!erasures)
    return app.error_reply(call.request, erasures.error());
  std::erase_if(*erasures, [&](const erasure_shown& each) { return each.what.user_id != user.id; });
  return html_reply(
    status,
    admin_person_page(app.viewer_of(who),
                      {std::move(page->people.front()), app.with_users(), app.with_accounts(), std::move(said),
                       std::move(notes[user.id]), std::move(*erasures), app.settings.auth.admins_read_chats}));
}

} // namespace

reply show_person(application& app, const route_call& call, const visitor& who) {
  auto user = user_named(app, query_value(call.request, "name").value_or(""));
  if (!user)
    return app.error_reply(call.request, user.error());
  if (auto refused = note_read(app, call, who, "/admin/person", {user->id, user->name}))
    return app.error_reply(call.request, refused);
  return person_reply(app, call, who, 200, *user, {});
}

reply erase_person(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_users())
    return app.error_reply(call.request, 404, no_accounts);
  auto user = user_named(app, fields.get("name"));
  if (!user)
    return app.error_reply(call.request, user.error());
  if (trim(fields.get("typed")) != user->name)
    return person_reply(app, call, who, 422, *user,
                        {"", "What was typed is not \"" + user->name + "\". Nothing was changed."});
  if (const auto refused = erase_user_as(app, call.request, who, *user))
    return refused->status == 422 ? person_reply(app, call, who, 422, *user, {"", refused->text})
                                  : app.error_reply(call.request, refused->status, refused->text);
  return see_other("/admin?done=erase");
}

} // namespace varro
