// What the routes of admins share. For http/routes_admin*.cpp only.
#pragma once

#include "http/routes.hpp"
#include "render/admin_pages.hpp"
#include "storage/admin_question.hpp"

#include <map>
#include <string>
#include <vector>

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

// Has the audit tell that this admin looked at what others do, or at what this one does; an error: it could not, and
// nothing is shown.
caf::error note_read(application& app, const route_call& call, const visitor& who, const std::string& what,
                     const audit_person& about = {});

// 0:00 UTC of the first day of this month.
unix_us month_start(unix_us now);

// Those under way, and those of the last day.
caf::expected<std::vector<erasure_shown>> erasures_of_late(const application& app);

// The key of the configuration by which each login says anew whether this user is an admin; empty: this server says it.
std::string role_key_of(const application& app, const user_record& user);

// By the user's id; of people who were asked for in detail.
std::map<int64_t, person_note> notes_on(const application& app, const std::vector<person>& people);

// What an address asks of the ledger: ?by=, ?since= and ?until=.
struct asked_usage {
  spending_question question;
  std::string by, since, until;
  std::string problem; // empty: the question can be asked
};
asked_usage usage_of(const received_request& request);
inline constexpr int64_t usage_rows_shown_max = 1'000; // at a time

// The runs and shells that are on, with the names of their users.
live_view what_is_live(const application& app);

// The id of a name, or of "user 7", who may be there no more.
caf::expected<int64_t> user_asked_for(const application& app, const std::string& text);

// Ends the event streams of these browser sessions, or tokens, at once. One that is begun meanwhile ends with the next
// keep-alive.
template <class Record>
void end_streams_of(const application& app, const std::vector<Record>& sessions) {
  for (const auto& each : sessions)
    caf::anon_send(app.services.gateway, logout_atom_v, each.token_hash);
}

// Ends the user's runs and shells that are on now, in any of their chats.
void stop_work_of(const application& app, int64_t user);

// The user with this name in the form that the database has.
caf::expected<user_record> user_named(const application& app, std::string_view typed);

// "Name" to be shown for each id.
caf::expected<std::map<int64_t, std::string>> names_of(const application& app, std::vector<int64_t> ids);

} // namespace varro
