// What the routes of admins share. For http/routes_admin*.cpp only.
#pragma once

#include "http/routes.hpp"
#include "storage/admin_question.hpp"

#include <map>
#include <string>

namespace varro {

// What a page asks of the database. The answer stands at the question's place. A thread of their own reads it, since
// some of these questions add up years, for which nobody's chat shall wait.
template <class Answer, class Question>
caf::expected<Answer> ask_database(const application& app, Question question) {
  auto asked = std::make_shared<const admin_question>(admin_question{std::move(question)});
  auto answer = app.ask<admin_answer_ptr>(app.services.admin_reader ? app.services.admin_reader : app.services.reader,
                                          admin_atom_v, asked);
  if (!answer)
    return std::move(answer.error());
  return std::get<Answer>((*answer)->what);
}

reply html_reply(int status, const html::markup& page);

// Has the audit tell that this admin looked at what others do; an error: it could not, and nothing is shown.
caf::error note_read(application& app, const route_call& call, const visitor& who, const std::string& what);

// Ends the user's runs and shells that are on now, in any of their chats.
void stop_work_of(const application& app, int64_t user);

// The user with this name in the form that the database has.
caf::expected<user_record> user_named(const application& app, std::string_view typed);

// "Name" to be shown for each id.
caf::expected<std::map<int64_t, std::string>> names_of(const application& app, std::vector<int64_t> ids);

} // namespace varro
