// What a chat shows, a page at a time.
#include "render/json_presenter.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

namespace varro {

namespace {

// As json_presenter writes it: first.
std::string id_in(const std::string& data) {
  constexpr std::string_view before = "{\"id\":\"";
  return data.substr(before.size(), data.find('"', before.size()) - before.size());
}

// The message in which a part came first: "m17-p0" → 17.
int64_t seq_in(std::string_view id) {
  int64_t seq = 0;
  for (size_t i = 1; i < id.size() && id[i] >= '0' && id[i] <= '9' && seq < INT64_MAX / 100; ++i)
    seq = seq * 10 + (id[i] - '0');
  return seq;
}

// Parts in the order in which they came, each as it is now.
class part_list {
public:
  // What came before this message is on earlier pages.
  explicit part_list(int64_t begin) : begin_(begin) {}

  void add(std::vector<stream_event> events) {
    for (auto& event : events) {
      auto id = id_in(event.data);
      if (seq_in(id) < begin_)
        continue;
      const auto [place, is_new] = places_.emplace(id, parts_.size());
      if (is_new)
        parts_.push_back({std::move(id), std::move(event.data)});
      else
        parts_[place->second].data = std::move(event.data);
    }
  }
  // How many there are after the one with this id; nullopt: it is not there yet.
  std::optional<size_t> count_after(const std::string& id) const {
    if (id.empty())
      return parts_.size();
    const auto found = places_.find(id);
    return found == places_.end() ? std::nullopt : std::optional{parts_.size() - found->second - 1};
  }
  std::vector<json_part> take() && {
    return std::move(parts_);
  }

private:
  int64_t begin_;
  std::vector<json_part> parts_;
  std::unordered_map<std::string, size_t> places_;
};

} // namespace

std::optional<json_page> json_page_of(const chat_contents& history, std::string_view after, size_t most) {
  const std::string last_shown{after};
  const auto begin = seq_in(after);
  json_presenter fresh{history.chat.id, history.alternatives};
  part_list list{begin};
  auto add = [&](const auto& what, int64_t seq) {
    if (seq < begin)
      fresh.pass(what);
    else
      list.add(fresh.show(what));
  };
  auto run = history.runs.begin();
  auto ends_before = [&](int64_t seq) {
    for (; run != history.runs.end() && (run->end_seq == 0 || run->end_seq < seq); ++run)
      if (run->end_seq != 0)
        add(run_ended{*run}, run->end_seq);
  };
  int64_t turn = 0;
  bool is_enough = false;
  for (const auto& row : history.messages) {
    ends_before(row.seq);
    // What a turn shows no later one changes.
    is_enough = row.turn != turn && list.count_after(last_shown).value_or(0) > most;
    if (is_enough)
      break;
    turn = row.turn;
    add(row, row.seq);
  }
  if (!is_enough)
    ends_before(INT64_MAX);
  const auto count = list.count_after(last_shown);
  if (!count)
    return std::nullopt;
  json_page page{std::move(list).take(), *count > most};
  page.parts.erase(page.parts.begin(), page.parts.end() - static_cast<std::ptrdiff_t>(*count));
  if (page.more)
    page.parts.resize(most);
  return page;
}

} // namespace varro
