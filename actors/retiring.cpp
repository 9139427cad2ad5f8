#include "actors/retiring.hpp"

#include "base/day.hpp"
#include "base/fault_points.hpp"
#include "base/log.hpp"
#include "storage/data_dir.hpp"
#include "storage/open.hpp"
#include "workspace/paths.hpp"
#include "workspace/removal.hpp"
#include "workspace/usage.hpp"

#include <algorithm>
#include <limits>
#include <system_error>

namespace varro {

namespace {

namespace fs = std::filesystem;

// Where a chat has files.
std::vector<fs::path> directories_of(const fs::path& data_dir, int64_t chat) {
  return {workspace_of(data_dir, chat), data_dir / "versions" / std::to_string(chat)};
}

fs::path snapshots_of(const fs::path& data_dir, int64_t chat) {
  return data_dir / "snapshots" / (std::to_string(chat) + ".snap");
}

bool has_files(const fs::path& data_dir, int64_t chat) {
  std::error_code ignored;
  const auto directories = directories_of(data_dir, chat);
  return fs::exists(snapshots_of(data_dir, chat), ignored)
    || std::any_of(directories.begin(), directories.end(), [](const fs::path& directory) {
           std::error_code none;
           return fs::exists(fs::symlink_status(directory, none));
         });
}

int64_t bytes_of_files(const fs::path& data_dir, int64_t chat) {
  std::error_code missing;
  const auto snapshots = fs::file_size(snapshots_of(data_dir, chat), missing);
  auto bytes = missing ? int64_t{0} : static_cast<int64_t>(snapshots);
  for (const auto& directory : directories_of(data_dir, chat))
    bytes += static_cast<int64_t>(measure_workspace(directory, std::numeric_limits<size_t>::max() - 1).bytes);
  return bytes;
}

// What the rules say of one user's chats.
struct rule_of_user {
  retired_part part = retired_part::all;
  unix_us used_until = 0;
};

// Users who are being erased have none: all of theirs goes anyway.
caf::expected<std::vector<rule_of_user>> rules_of(chat_database& db, const config& settings, int64_t user,
                                                  unix_us now) {
  auto groups = db.groups_of(user);
  if (!groups)
    return std::move(groups.error());
  const auto days = kept_days_of(settings.retention, *groups);
  std::vector<rule_of_user> rules;
  if (days.chats > 0)
    rules.push_back({retired_part::all, now - days.chats * day_us});
  if (days.attachments > 0 && (days.chats == 0 || days.attachments < days.chats))
    rules.push_back({retired_part::files, now - days.attachments * day_us});
  return rules;
}

// Calls `take` with each chat to which a rule applies: first those that go as a whole, then those whose files go.
template <class Take>
caf::error each_retirable(chat_database& db, const config& settings, unix_us now, Take take) {
  auto users = db.list_users();
  auto erasures = db.open_erasures();
  if (!users || !erasures)
    return users ? std::move(erasures.error()) : std::move(users.error());
  for (const auto& user : *users) {
    const auto id = user.id;
    if (std::any_of(erasures->begin(), erasures->end(), [id](const erasure& each) { return each.user_id == id; }))
      continue;
    auto rules = rules_of(db, settings, id, now);
    if (!rules)
      return std::move(rules.error());
    for (const auto& rule : *rules) {
      const bool is_of_files = rule.part == retired_part::files;
      // Those as old as this go as a whole, by the rule before.
      const auto as_a_whole = is_of_files && rules->size() > 1 ? rules->front().used_until : 0;
      int64_t after = 0;
      for (;;) {
        auto chats = db.unused_chats(id, rule.used_until, rule.part, after, unused_chats_at_once);
        if (!chats)
          return std::move(chats.error());
        if (chats->empty())
          break;
        after = chats->back().id;
        for (const auto& chat : *chats)
          if (!is_of_files || (chat.used_at > as_a_whole && has_files(settings.data_dir, chat.id)))
            if (auto err = take(chat, rule))
              return err;
      }
    }
  }
  return caf::none;
}

struct retiring {
  chat_database& db;
  const config& settings;
  const retiring_hands& hands;
  const retention_job& job;

  // Releases what it holds.
  struct held_chat {
    const retiring_hands& hands;
    int64_t chat;
    ~held_chat() {
      hands.release(chat);
    }
  };

  caf::error stopped() const {
    return hands.stopped() ? fail(errc::shutting_down, "stopped; the rest is deleted later") : caf::error{};
  }

  // Where it fails, something writes there still: the next job tries again.
  caf::error remove_files(int64_t chat) const {
    if (remove_chat_files(settings.data_dir, chat)) {
      fault_point("retire_gone");
      return db.end_retired(chat, true);
    }
    log(log_level::warning, "files of chat " + std::to_string(chat) + ", which nobody used, cannot be deleted yet");
    return caf::none;
  }

  // Does this while nobody does anything in the chat; where something is on in it, it stays.
  template <class Work>
  caf::error while_held(int64_t user, int64_t chat, const Work& work) const {
    if (auto err = stopped())
      return err;
    auto held = hands.hold(user, chat);
    if (!held)
      return std::move(held.error());
    if (!*held)
      return caf::none;
    const held_chat guard{hands, chat};
    return work();
  }

  // Of chats whose rows went before a crash, or whose files could not be deleted.
  caf::error finish(const retired_chat& chat) const {
    if (!chat.used_since)
      return remove_files(chat.id);
    // Whoever used it meanwhile keeps what is still there. Of a workspace that was taken out of its place nothing is:
    // it goes to its end, and the page goes on telling so.
    std::error_code ignored;
    const auto taken = removed_workspace_of(settings.data_dir, chat.id);
    const bool begun = fs::exists(fs::symlink_status(taken, ignored));
    if (begun && !remove_tree(taken))
      return caf::none;
    return db.end_retired(chat.id, begun);
  }

  caf::error retire(const unused_chat& chat, const rule_of_user& rule) const {
    fault_point("retire_chat");
    const chat_retired write{
      chat.user_id, chat.id, rule.used_until, rule.part, job.id, bytes_of_files(settings.data_dir, chat.id), now_us()};
    if (auto err = hands.write(account_write{write}))
      return code_of(err) == errc::not_found ? caf::error{} : err; // it was used meanwhile, or its user deleted it
    fault_point("retire_committed");
    return remove_files(chat.id);
  }
};

} // namespace

caf::error go_on_retiring(chat_database& db, const config& settings, const retiring_hands& hands,
                          const retention_job& job, unix_us now) {
  const retiring work{db, settings, hands, job};
  auto left = db.retired_chats();
  if (!left)
    return std::move(left.error());
  for (const auto& chat : *left)
    if (auto err = work.while_held(chat.user_id, chat.id, [&] { return work.finish(chat); }))
      return err;
  auto err = each_retirable(db, settings, now, [&](const unused_chat& chat, const rule_of_user& rule) {
    return work.while_held(chat.user_id, chat.id, [&] { return work.retire(chat, rule); });
  });
  if (err)
    return err;
  fault_point("retire_end");
  return db.end_retention(job.id, now_us());
}

caf::expected<std::vector<retirable>> find_retirable(chat_database& db, const config& settings, unix_us now) {
  std::vector<retirable> found;
  auto err = each_retirable(db, settings, now, [&](const unused_chat& chat, const rule_of_user& rule) {
    const auto history = rule.part == retired_part::all ? chat.history_bytes : int64_t{0};
    found.push_back({chat, rule.part, bytes_of_files(settings.data_dir, chat.id) + history});
    return caf::error{};
  });
  if (err)
    return err;
  return found;
}

caf::error retire_without_server(const config& settings) {
  auto lock = data_lock::take(settings.data_dir);
  if (!lock)
    return std::move(lock.error());
  auto db = open_database(settings.data_dir);
  if (!db)
    return std::move(db.error());
  retiring_hands hands;
  hands.write = [&](const account_write& write) { return (*db)->apply(write); };
  auto job = (*db)->newest_retention();
  if (!job)
    return std::move(job.error());
  if (!*job || (*job)->ended_at != 0)
    return caf::none;
  return go_on_retiring(**db, settings, hands, **job, now_us());
}

} // namespace varro
