#include "render/blocks.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("an answer that was made without earlier results has a mark before it, once") {
  model_response response;
  text_part text;
  text.content = "Fine.";
  response.parts.push_back(text);
  response.metadata = json{{"left_out", {{"results", 2}, {"pictures", 1}, {"turns", 0}, {"more", true}}}};
  message_row row;
  row.chat_id = 7;
  row.seq = 4;
  row.content = response;
  auto blocks = block_renderer{7}.render(row);
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].id == "m4-left");
  CHECK(blocks[0].html.str().find("data-block=\"note\"") != std::string::npos);
  CHECK(blocks[0].html.str().find("most of 2 earlier results and 1 earlier picture") != std::string::npos);
  response.metadata["left_out"]["more"] = false;
  row.content = response;
  CHECK(block_renderer{7}.render(row).size() == 1);
}
