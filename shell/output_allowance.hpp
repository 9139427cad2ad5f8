// What a worker may still send for the cell in flight: it is hostile until proven otherwise. A value; one thread at a
// time.
#pragma once

#include "config/config.hpp"
#include "models/cell.hpp"

namespace varro {

class output_allowance {
public:
  output_allowance() = default; // nothing
  explicit output_allowance(const shell_config& limits);

  // False when this is more than the worker may send; then it is not to be believed any further.
  bool take(const cell_output& output);
  // Another output takes the place of this one.
  void give_back(const cell_output& output);

private:
  bool take_text(size_t bytes);
  bool take_shown(size_t bytes);

  size_t image_bytes_max_ = 0;
  size_t rows_max_ = 0, columns_max_ = 0;
  size_t text_bytes_ = 0;
  size_t rich_bytes_ = 0;
  size_t shown_bytes_ = 0; // of images and rich outputs
  int images_ = 0;
  int tables_ = 0;
  int rich_ = 0;
};

} // namespace varro
