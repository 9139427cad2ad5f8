#include "backup/backup_command.hpp"

#include "backup/restore_backup.hpp"
#include "base/process_settings.hpp"
#include "base/text.hpp"

#include <ostream>
#include <string>
#include <utility>

namespace varro {

namespace {

int failed(std::ostream& err, const caf::error& error) {
  err << "varro: " << text_of(error) << std::endl;
  return 1;
}

std::string counted(uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void tell(const restored_backup& told, std::ostream& out) {
  out << counted(told.files, "file") << ", " << byte_count(told.bytes);
  out << (told.unmade_count == 0 ? ", all as they were" : ", those that could be made as they were");
  if (told.left_out > 0)
    out << "; " << told.left_out << " had been left out";
  if (told.changed > 0)
    out << "; " << told.changed << " had been written to while they were read";
  out << std::endl;
}

} // namespace

int backup_data(backup_request request, std::ostream& out, std::ostream& err) {
  raise_file_limit(); // a descriptor for each directory on the way down
  uint64_t shown = 0;
  request.left_out = [&](const std::string& path, const std::string& why) {
    err << "varro: left out: " << path << ": " << why << std::endl;
    ++shown;
  };
  auto made = take_backup(request);
  if (!made)
    return failed(err, made.error());
  if (made->left_out > shown)
    err << "varro: left out: " << made->left_out - shown << " further ones, which the manifest names" << std::endl;
  if (made->changed > 0)
    err << "varro: " << counted(made->changed, "file")
        << " were written to while they were read, and are kept as they were read" << std::endl;
  if (made->sums.restless > 0)
    err << "varro: the directories of " << counted(made->sums.restless, "chat")
        << " changed at each look: what was moved in them meanwhile may be missing" << std::endl;
  out << "varro: wrote " << made->path.string() << ": " << counted(made->chats, "chat") << ", "
      << counted(made->sums.files, "file") << ", " << byte_count(made->sums.bytes) << " copied, " << made->sums.shared
      << " shared with the backup before" << std::endl;
  if (made->removed > 0)
    out << "varro: removed " << counted(made->removed, "older backup") << std::endl;
  if (made->all_chats_gone)
    err << "varro: the database has no chats, and the backup before has some; no older backup is removed" << std::endl;
  if (made->sums.unreadable == 0)
    return 0;
  err << "varro: " << counted(made->sums.unreadable, "file") << " could not be read; no older backup is removed"
      << std::endl;
  return 1;
}

int restore_data(const std::filesystem::path& backup, const std::filesystem::path& data_dir, std::ostream& out,
                 std::ostream& err) {
  raise_file_limit();
  auto told = restore_backup(backup, data_dir);
  if (!told)
    return failed(err, told.error());
  for (const auto& each : told->unmade)
    err << "varro: not made: " << each << std::endl;
  if (told->unmade_count > 0)
    err << "varro: " << counted(told->unmade_count, "file") << " could not be made in this file system" << std::endl;
  out << "varro: restored " << told->backup.string() << " in " << data_dir.string() << ": ";
  tell(*told, out);
  return told->unmade_count == 0 ? 0 : 1;
}

int check_backup_data(const std::filesystem::path& backup, std::ostream& out, std::ostream& err) {
  raise_file_limit();
  auto told = check_backup(backup);
  if (!told)
    return failed(err, told.error());
  out << "varro: " << told->backup.string() << ": ";
  tell(*told, out);
  return 0;
}

} // namespace varro
