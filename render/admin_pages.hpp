// The pages of admins, which need no script. Pure functions, any thread. Nothing of what chats say is in them,
// but for those of admin_chats.cpp.
#pragma once

#include "actors/live_runs.hpp"
#include "actors/live_shell.hpp"
#include "config/limit_origins.hpp"
#include "config/shown_settings.hpp"
#include "render/pages.hpp"
#include "storage/admin_question.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro {

// What the last form did, or why it did not; both may be empty.
struct admin_word {
  std::string note;
  std::string problem;
};

// What the configuration makes of a person.
struct person_note {
  std::vector<limit_origin> limits;
  bool outside = false;     // cannot log in by auth.mode
  std::string role_by = {}; // the key by which their login says the role; empty: this server says it
};

struct people_view {
  people_page page;
  std::string search;     // as it was typed
  bool many = false;      // people log in, in whatever way: there is something to do with them
  bool passwords = false; // with passwords of this server
  admin_word said;
  std::map<int64_t, person_note> notes = {}; // by the user's id
  std::vector<erasure_shown> erasures = {};  // under way, or over of late
};
html::markup admin_people_page(const page_viewer& viewer, const people_view& view);

// One person, with what is not done by one click.
struct person_view {
  person one;
  bool many = false; // as in people_view
  bool passwords = false;
  admin_word said;
  person_note note = {};
  std::vector<erasure_shown> erasures = {};
  bool readable = false; // their chats may be read
};
html::markup admin_person_page(const page_viewer& viewer, const person_view& view);

// A link that was made, shown this once. `whose`: what it is for.
html::markup admin_link_page(const page_viewer& viewer, std::string_view whose, std::string_view link,
                             std::string_view lasts);

struct invitations_view {
  std::vector<link_found> links;
  std::string closed; // why no link can be made; empty: one can
  admin_word said;
};
html::markup admin_invitations_page(const page_viewer& viewer, const invitations_view& view);

struct usage_view {
  std::vector<usage_sum> sums;
  std::string by;           // "user", "day" or "model"
  std::string since, until; // days, both included
  bool cut = false;         // further rows are left out
  std::string problem;
};
html::markup admin_usage_page(const page_viewer& viewer, const usage_view& view);

// Chats of one person, for admins who may read them (auth.admins_read_chats).
struct person_chats_view {
  std::string name; // of the person
  std::vector<chat_record> chats;
  std::string older; // the place after these, where more stand; empty: these are all
};
html::markup admin_chats_page(const page_viewer& viewer, const person_chats_view& view);

struct read_chat_view {
  std::string name;
  chat_record chat;
  std::vector<block> blocks; // made for chat_audience::admin
};
html::markup admin_chat_page(const page_viewer& viewer, const read_chat_view& view);

struct live_view {
  std::vector<live_run> runs;
  std::vector<live_shell> shells;
  std::map<int64_t, std::string> names; // of users
  unix_us now = 0;
  admin_word said;
};
html::markup admin_live_page(const page_viewer& viewer, const live_view& view);

struct failures_view {
  std::vector<failure_count> failures;                  // of the last day
  std::vector<std::pair<int, uint64_t>> server_answers; // status from 500 on and how often, since the server started
};
html::markup admin_errors_page(const page_viewer& viewer, const failures_view& view);

struct audit_view {
  std::vector<audit_row> rows; // newest first
  std::string user, action;    // as they were typed
  bool more = false;           // older ones follow
  std::string problem;
};
html::markup admin_audit_page(const page_viewer& viewer, const audit_view& view);

html::markup admin_configuration_page(const page_viewer& viewer, const std::vector<shown_setting>& settings);

} // namespace varro
