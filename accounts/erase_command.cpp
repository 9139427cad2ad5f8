#include "accounts/erase_command.hpp"

#include "accounts/accounts.hpp"
#include "accounts/command_parts.hpp"

#include <istream>
#include <ostream>
#include <thread>

namespace varro {

namespace {

constexpr std::chrono::milliseconds looked_after{200}; // how often a server that does it is looked after

caf::error confirm(const erase_request& request, const std::string& name, std::istream& in, std::ostream& err) {
  if (request.confirmed)
    return caf::none;
  if (!request.asked_on_a_terminal)
    return fail(errc::invalid_input, "there is no terminal to ask on; use --yes");
  err << "All chats, files and the account of " << name
      << " are deleted for good. Type the name to go on: " << std::flush;
  std::string typed;
  std::getline(in, typed);
  return typed == name ? caf::error{} : fail(errc::cancelled, "stopped; nothing was changed");
}

// Until this erasure is done, by whoever does it: a server, or this process where there is none.
caf::error wait_for_end(const erase_request& request, chat_database& db, int64_t user, std::ostream& err) {
  auto told = false;
  for (;;) {
    auto problem = request.finish();
    if (problem && code_of(problem) != errc::storage_locked)
      return problem;
    auto now = db.find_erasure(user);
    if (!now)
      return std::move(now.error());
    if (now->step == erasure_step::done)
      return caf::none;
    if (!told)
      err << "varro: the server deletes it; this waits for the end" << std::endl;
    told = true;
    std::this_thread::sleep_for(looked_after);
  }
}

} // namespace

int user_erase(const erase_request& request, std::istream& in, std::ostream& out, std::ostream& err) {
  auto name = normalised_user_name(request.name);
  if (!name)
    return failed(err, name.error());
  auto db = open_existing_database(request.data_dir);
  if (!db)
    return failed(err, db.error());
  auto user = (*db)->find_user(std::string_view{*name});
  if (!user) {
    auto open = (*db)->open_erasures();
    if (!open || open->empty())
      return failed(err, user.error());
    for (const auto& each : *open)
      if (auto problem = wait_for_end(request, **db, each.user_id, err))
        return failed(err, problem);
    out << "there is no user " << *name << "; what was begun before is erased now\n";
    return 0;
  }
  if (auto problem = confirm(request, *name, in, err))
    return failed(err, problem);
  auto begun = (*db)->begin_erasure(*name, command_origin(), now_us());
  if (!begun)
    return failed(err, begun.error());
  if (auto problem = wait_for_end(request, **db, begun->user_id, err))
    return failed(err, problem);
  out << "erased " << *name << "; the ledger of usage calls them " << pseudonym_of(begun->user_id) << "\n";
  return 0;
}

} // namespace varro
