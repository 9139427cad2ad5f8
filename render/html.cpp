#include "render/html.hpp"

#include "render/blocks.hpp"

namespace varro::html {

markup outside_link(std::string_view address, std::string_view text) {
  return element(
    "a", {{"href", url{std::string{address}}}, {"rel", "noopener noreferrer nofollow"}, {"target", "_blank"}}, text);
}

bool is_safe_link(std::string_view address) {
  return address.size() <= link_bytes_max && url::allows(address);
}

markup code_block(std::string_view code, std::string_view language) {
  return element("pre", element("code", {{"class", "language-" + std::string{language}}}, code));
}

std::string pretty_json(const json& value) {
  if (nests_deeper_than(value, json_depth_max))
    return "(nested too deeply to show)";
  return value.dump(2, ' ', false, json::error_handler_t::replace);
}

} // namespace varro::html
