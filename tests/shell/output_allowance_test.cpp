#include "shell/output_allowance.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

rich_output html_of(size_t bytes) {
  return {"text/html", std::string(bytes, 'x'), ""};
}

} // namespace

TEST_CASE("as many images as the limit are taken, and not one more") {
  shell_config limits;
  limits.display_bytes_max = static_cast<size_t>(limits.images_max) * limits.image_bytes_max;
  output_allowance left{limits};
  for (int i = 0; i < limits.images_max; ++i)
    CHECK(left.take(image_output{"image/png", std::string(limits.image_bytes_max, 'x')}));
  CHECK_FALSE(left.take(image_output{"image/png", "x"}));
  CHECK_FALSE(output_allowance{limits}.take(image_output{"image/png", std::string(limits.image_bytes_max + 1, 'x')}));
}

TEST_CASE("a rich display of exactly the limit is taken, one byte more is refused") {
  shell_config limits;
  CHECK(output_allowance{limits}.take(html_of(rich_bytes_max)));
  CHECK_FALSE(output_allowance{limits}.take(html_of(rich_bytes_max + 1)));
}

TEST_CASE("the rich displays of a cell are limited in number and together") {
  shell_config limits;
  output_allowance number{limits};
  for (int i = 0; i < rich_outputs_max; ++i)
    CHECK(number.take(html_of(1)));
  CHECK_FALSE(number.take(html_of(1)));
  output_allowance bytes{limits};
  for (size_t taken = 0; taken < rich_cell_bytes_max; taken += rich_bytes_max)
    CHECK(bytes.take(html_of(rich_bytes_max)));
  CHECK_FALSE(bytes.take(html_of(1)));
}

TEST_CASE("images and rich displays have the cell's bytes together, and one that is replaced gives them back") {
  shell_config limits;
  limits.display_bytes_max = 1'000;
  output_allowance left{limits};
  image_output image{"image/png", std::string(600, 'x')};
  CHECK(left.take(image));
  CHECK(left.take(html_of(400)));
  CHECK_FALSE(left.take(html_of(1)));
  output_allowance again{limits};
  CHECK(again.take(image));
  again.give_back(image);
  CHECK(again.take(image_output{"image/png", std::string(1'000, 'x')}));
  CHECK_FALSE(again.take(image_output{"image/png", "x"}));
}

TEST_CASE("the text beside a display counts as text") {
  shell_config limits;
  limits.output_bytes_max = 1'000;
  output_allowance left{limits};
  CHECK(left.take(rich_output{"text/html", "x", std::string(1'000, 'x')}));
  CHECK_FALSE(left.take(rich_output{"text/html", "x", std::string(1u << 20, 'x')}));
}

TEST_CASE("a table of exactly the limits is taken, one row or column more is refused") {
  shell_config limits;
  limits.table_rows_max = 2;
  limits.table_columns_max = 1;
  table_output table{{"", "a"}, {"", ""}, {{"0", "1"}, {"1", "2"}}, 9, 9};
  CHECK(output_allowance{limits}.take(table));
  auto wide = table;
  wide.columns.emplace_back("b");
  CHECK_FALSE(output_allowance{limits}.take(wide));
  table.rows.push_back({"2", "3"});
  CHECK_FALSE(output_allowance{limits}.take(table));
}

TEST_CASE("what is replaced does not count, however often") {
  shell_config limits;
  output_allowance left{limits};
  for (int i = 0; i < 10 * limits.images_max; ++i) {
    image_output image{"image/png", "x"};
    REQUIRE(left.take(image));
    left.give_back(image);
    auto html = html_of(rich_bytes_max);
    REQUIRE(left.take(html));
    left.give_back(html);
    stream_output text{"stdout", std::string(limits.output_bytes_max, 'x')};
    REQUIRE(left.take(text));
    left.give_back(text);
  }
}

TEST_CASE("without limits nothing is allowed") {
  CHECK_FALSE(output_allowance{}.take(stream_output{"stdout", "x"}));
  CHECK(output_allowance{shell_config{}}.take(stream_output{"stdout", "x"}));
}
