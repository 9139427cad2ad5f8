#include "actors/shell_notes.hpp"

namespace varro {

namespace {

std::string counted(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

} // namespace

std::string gone_note(size_t cells, const std::string& why) {
  std::string note{variables_gone};
  note += ": " + why + ". Its " + counted(cells, "earlier cell");
  return note + " can be run again, if the user asks for that.]\n";
}

std::string woken_note(const snapshot_restored& restored, size_t later_cells) {
  auto note = "[This session was restored from its snapshot: "
    + counted(static_cast<size_t>(restored.count), "variable") + (restored.count == 1 ? " is" : " are") + " back.";
  if (!restored.names.empty()) {
    const auto count = static_cast<size_t>(restored.count);
    note += " Back: " + listed(restored.names);
    if (count > restored.names.size())
      note += " and " + std::to_string(count - restored.names.size()) + " more";
    note += ".";
  }
  if (!restored.lost.empty())
    note += " Not back: " + listed(restored.lost) + ".";
  if (later_cells != 0)
    note += " What the last " + counted(later_cells, "cell") + " changed after it is missing.";
  return note + "]\n";
}

std::string rerun_note(size_t cells, size_t failed) {
  return "[This session was restored by running its " + counted(cells, "earlier cell") + " again."
    + (failed == 0 ? "" : " " + std::to_string(failed) + " of them failed this time: some variables may be missing.")
    + "]\n";
}

} // namespace varro
