#include "actors/erasing.hpp"

#include "base/fault_points.hpp"
#include "storage/data_dir.hpp"
#include "storage/open.hpp"
#include "workspace/removal.hpp"

namespace varro {

namespace {

struct erasing {
  erasure_book& book;
  const std::filesystem::path& data_dir;
  const erasing_hands& hands;
  int64_t user;

  caf::error stopped() const {
    return hands.stopped() ? fail(errc::shutting_down, "stopped; the rest is erased later") : caf::error{};
  }

  caf::error remove_chats() const {
    for (;;) {
      auto chats = book.chats_of(user, erased_chats_at_once);
      if (!chats)
        return std::move(chats.error());
      if (chats->empty())
        return caf::none;
      for (auto chat : *chats) {
        if (auto err = stopped())
          return err;
        fault_point("erase_chat");
        if (auto err = hands.remove_chat(user, chat); err && code_of(err) != errc::not_found)
          return err;
        fault_point("erase_chat_gone");
      }
    }
  }

  // A shell that is just being ended may still write.
  caf::error remove_files() const {
    auto chats = book.erased_chats(user);
    if (!chats)
      return std::move(chats.error());
    for (auto chat : *chats) {
      if (auto err = stopped())
        return err;
      fault_point("erase_files");
      if (!remove_chat_files(data_dir, chat))
        return fail(errc::storage_failed, "files of chat " + std::to_string(chat) + " cannot be deleted yet");
    }
    return caf::none;
  }

  caf::error end_chats() const {
    if (auto err = remove_chats())
      return err;
    if (auto err = remove_files())
      return err;
    fault_point("erase_chats_end");
    return book.end_chats(user);
  }

  caf::error erase_account() const {
    fault_point("erase_account");
    auto err = book.erase_account(user);
    fault_point("erase_account_gone");
    return err;
  }

  caf::error scrub_search() const {
    fault_point("erase_search");
    if (auto err = hands.scrub_search())
      return err;
    fault_point("erase_search_end");
    return book.end_search(user);
  }

  // The files once more: a shell that was being started when its chat was deleted has made its directory again. Before
  // the vacuum too, which would else be made in vain, with everybody waiting for it, each time that a file is left.
  caf::error end() const {
    if (auto err = remove_files())
      return err;
    fault_point("erase_vacuum");
    if (auto err = hands.compact_database())
      return err;
    fault_point("erase_vacuum_end");
    if (auto err = remove_files())
      return err;
    return book.end_erasure(user, now_us());
  }

  caf::error take(const std::string& step) const {
    if (step == erasure_step::chats)
      return end_chats();
    if (step == erasure_step::account)
      return erase_account();
    return step == erasure_step::search ? scrub_search() : end();
  }
};

} // namespace

caf::error go_on_erasing(erasure_book& book, const std::filesystem::path& data_dir, const erasing_hands& hands,
                         int64_t user_id) {
  const erasing job{book, data_dir, hands, user_id};
  for (;;) {
    auto at = book.find_erasure(user_id);
    if (!at)
      return std::move(at.error());
    if (at->step == erasure_step::done)
      return caf::none;
    if (auto err = job.stopped())
      return err;
    if (auto err = job.take(at->step))
      return err;
  }
}

caf::error erase_without_server(const std::filesystem::path& data_dir) {
  auto lock = data_lock::take(data_dir);
  if (!lock)
    return std::move(lock.error());
  auto db = open_database(data_dir);
  if (!db)
    return std::move(db.error());
  erasing_hands hands;
  hands.remove_chat = [&](int64_t user, int64_t chat) {
    const store_write write = chat_deleted{user, chat};
    return (*db)->commit({&write, 1}).front();
  };
  hands.scrub_search = [&]() -> caf::error {
    auto index = open_search_index(data_dir);
    return index ? (*index)->scrub() : std::move(index.error());
  };
  hands.compact_database = [&] { return (*db)->compact(); };
  auto open = (*db)->open_erasures();
  if (!open)
    return std::move(open.error());
  for (const auto& each : *open)
    if (auto err = go_on_erasing(**db, data_dir, hands, each.user_id))
      return err;
  return caf::none;
}

} // namespace varro
