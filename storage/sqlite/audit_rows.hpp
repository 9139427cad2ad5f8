// The audit in SQLite. Internal to storage/sqlite/.
//
// REQUIRES for all that change something: an open transaction, which the caller rolls back after an error.
#pragma once

#include "base/json.hpp"
#include "storage/audit_chain.hpp"
#include "storage/sqlite/connection.hpp"

namespace varro {

// What a change answers when it is done: what the audit tells of it. There is none by default, so that whoever writes a
// change has to say.
class audit_note {
public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  audit_note(audit_event told) : told_(std::move(told)) {}
  // For what is no event, with the reason: nobody reads it but who reads the code.
  static audit_note nothing(std::string_view /*because*/) {
    return audit_note{};
  }
  const std::optional<audit_event>& told() const {
    return told_;
  }

private:
  audit_note() = default;
  std::optional<audit_event> told_;
};

// Of a user who is not there any more: no name.
caf::expected<audit_person> audit_person_of(connection& db, int64_t user_id);

// The details of an event: what is given, without nulls and empty texts.
std::string audit_details(json fields);

// Appends the row. errc::too_large where details or subject are.
caf::error append_audit(connection& db, const audit_origin& by, const audit_event& event);

// A change of the open transaction with its row: the change's error, else that of the row.
caf::error with_audit(connection& db, const audit_origin& by, caf::expected<audit_note> changed);

} // namespace varro
