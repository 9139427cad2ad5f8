#include "render/blocks.hpp"

#include <unordered_map>

namespace varro {

std::vector<block> render_chat(const chat_contents& contents, std::shared_ptr<markdown_renderer> markdown,
                               chat_audience audience) {
  std::vector<block> blocks;
  std::unordered_map<std::string, size_t> place_of;
  auto add = [&](std::vector<block> next) {
    for (auto& item : next) {
      auto [found, is_new] = place_of.try_emplace(item.id, blocks.size());
      if (is_new)
        blocks.push_back(std::move(item));
      else
        blocks[found->second] = std::move(item);
    }
  };
  block_renderer renderer{contents.chat.id, contents.alternatives, std::move(markdown), audience};
  size_t ended = 0; // runs whose end is rendered
  auto end_runs_before = [&](int64_t seq) {
    for (; ended < contents.runs.size() && contents.runs[ended].first_seq < seq; ++ended)
      if (contents.runs[ended].status != run_status::running)
        add(renderer.render_end(contents.runs[ended]));
  };
  int64_t run_id = -1;
  for (const auto& row : contents.messages) {
    if (row.run_id != run_id)
      end_runs_before(row.seq);
    run_id = row.run_id;
    add(renderer.render(row));
  }
  end_runs_before(INT64_MAX);
  return blocks;
}

} // namespace varro
