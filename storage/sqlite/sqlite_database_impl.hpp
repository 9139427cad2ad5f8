// What a database object holds. Internal to storage/sqlite/.
#pragma once

#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/sqlite_database.hpp"

namespace varro {

struct sqlite_database::impl {
  std::unique_ptr<connection> db;
  bool grouped = false; // between begin() and the end of its transaction
  caf::error lost;      // why SQLite rolled the open transaction back on its own

  caf::error begin();
  caf::error commit();
  void rollback() noexcept;

  // Runs one statement: in the open transaction, or as its own.
  template <class Write>
  caf::error write(Write&& statement) {
    if (lost)
      return lost;
    return remember(statement());
  }

  // Runs several statements, all of them or none: in a savepoint of the open transaction, or as their own.
  template <class Write>
  caf::error write_all(Write&& statements) {
    if (lost)
      return lost;
    if (grouped)
      return remember(in_savepoint(statements));
    if (auto err = begin())
      return err;
    if (auto err = statements()) {
      rollback();
      return err;
    }
    return commit();
  }

private:
  // Some failures (disk full) end the whole transaction. From then on everything is refused until rollback() or
  // commit(), so that the rest of a group is not stored piece by piece.
  caf::error remember(caf::error err) {
    if (err && grouped && !db->in_transaction())
      lost = err;
    return err;
  }

  template <class Write>
  caf::error in_savepoint(Write& statements) {
    if (auto err = db->use("SAVEPOINT part").run())
      return err;
    if (auto err = statements()) {
      if (db->in_transaction()) {
        db->use("ROLLBACK TO part").run();
        db->use("RELEASE part").run();
      }
      return err;
    }
    return db->use("RELEASE part").run();
  }
};

} // namespace varro
