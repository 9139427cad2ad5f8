#include "models/left_out.hpp"
#include "render/html.hpp"
#include "render/parts.hpp"

namespace varro {

namespace {

std::string counted(int64_t count, std::string_view one, std::string_view several) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : several);
}

} // namespace

block left_out_block(const block_place& place, const json& metadata) {
  const auto without = left_out_of(metadata);
  std::vector<std::string> items;
  if (without.turns != 0)
    items.push_back(counted(without.turns, "earlier turn", "earlier turns"));
  if (without.results != 0)
    items.push_back("most of " + counted(without.results, "earlier result", "earlier results"));
  if (without.pictures != 0)
    items.push_back(counted(without.pictures, "earlier picture", "earlier pictures"));
  std::string text = "The model's context cannot hold the whole chat. From here on the model does not see ";
  for (size_t i = 0; i < items.size(); ++i)
    text += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
  return {place.seq, place.element_id,
          html::element("p",
                        {{"id", place.element_id},
                         {"class", "block note"},
                         {"data-block", "note"},
                         {"data-seq", place.seq},
                         {"role", "note"}},
                        text, ".")};
}

} // namespace varro
