#include "bench/model_names.hpp"

#include <algorithm>
#include <charconv>

namespace varro::bench {

namespace {

bool is_apex(const claude_name& name) {
  return name.family == "fable" || name.family == "mythos";
}

// Of the bindings' generation: fable and mythos since 5.1, the others since 5.5.
bool is_bound_generation(const claude_name& name) {
  return !name.family.empty() && name.version >= (is_apex(name) ? 501 : 505);
}

} // namespace

// "claude-opus-5-5", "claude-sonnet-4-5-20250929", "claude-3-7-sonnet-20250219".
claude_name read_claude_name(std::string_view model) {
  if (!model.starts_with("claude-"))
    return {};
  static const std::vector<std::string> families{"opus", "sonnet", "haiku", "fable", "mythos"};
  claude_name name;
  std::vector<int> numbers;
  for (model.remove_prefix(7); !model.empty();) {
    auto end = std::min(model.find('-'), model.size());
    auto part = model.substr(0, end);
    model.remove_prefix(std::min(end + 1, model.size()));
    int number = 0;
    auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error == std::errc{} && stop == part.data() + part.size()) {
      if (part.size() < 4) // not a date
        numbers.push_back(number);
    } else if (std::find(families.begin(), families.end(), part) != families.end()) {
      name.family = part;
    }
  }
  if (!numbers.empty())
    name.version = numbers[0] * 100 + (numbers.size() > 1 ? numbers[1] : 0);
  return name;
}

bool claude_binds_thinking(std::string_view model) {
  auto name = read_claude_name(model);
  // Mythos 5.1 signs as the others do, and does not check.
  return is_bound_generation(name) && !(name.family == "mythos" && name.version == 501);
}

bool claude_reads(std::string_view reader, std::string_view producer) {
  if (reader == producer)
    return true;
  auto reads = read_claude_name(reader), made = read_claude_name(producer);
  if (reads.family.empty() || made.family.empty())
    return reads.family.empty() && made.family.empty();
  if (reads.family == made.family && reads.version == made.version)
    return true; // an alias and its snapshot
  if (reads.family == "haiku" && is_bound_generation(reads))
    return false;
  if (made.family == "haiku" && is_bound_generation(made))
    return true;
  if (is_apex(reads))
    return !is_apex(made) || made.version <= reads.version;
  return !is_apex(made) && made.version < 505 && made.version <= reads.version;
}

std::string claude_refuses_thinking(std::string_view model, claude_thinking kind, std::string_view effort) {
  auto name = read_claude_name(model);
  if (name.family.empty())
    return {};
  auto no = [](const char* type) {
    return "\"thinking.type." + std::string{type}
    + "\" is not supported for this model. Use \"thinking.type.adaptive\" and "
      "\"output_config.effort\" to control thinking behavior.";
  };
  bool high = effort == "xhigh" || effort == "max";
  bool between = name.family == "sonnet" && name.version >= 505;
  switch (kind) {
  case claude_thinking::adaptive:
    return name.version < 406 ? "adaptive thinking is not supported on this model" : "";
  case claude_thinking::enabled:
    return name.version >= 500 || (name.family == "opus" && name.version >= 407) ? no("enabled") : "";
  case claude_thinking::between_tools:
    if (!between)
      return no("between_tools");
    return high ? "\"thinking.type.between_tools\" is not supported at effort \"" + std::string{effort} + "\"." : "";
  case claude_thinking::disabled:
    if (between)
      return "To turn thinking off on this model, send \"thinking\": {\"type\": \"between_tools\"} instead of "
             "{\"type\": \"disabled\"}.";
    if (is_apex(name) || (name.family == "opus" && name.version >= 505))
      return no("disabled");
    return high && name.version >= 500
      ? "\"thinking.type.disabled\" is not supported at effort \"" + std::string{effort} + "\"."
      : "";
  }
  return {};
}

bool claude_thinks_unasked(std::string_view model) {
  auto name = read_claude_name(model);
  return name.family.empty() || name.version >= 500;
}

bool claude_hides_thinking(std::string_view model) {
  auto name = read_claude_name(model);
  return !name.family.empty() && (name.version >= 500 || (name.family == "opus" && name.version >= 407));
}

bool claude_fixed_sampling(std::string_view model) {
  return claude_hides_thinking(model); // the same models
}

int claude_images_max(std::string_view model) {
  auto name = read_claude_name(model);
  bool million = name.family.empty() || name.version >= 500 || (name.version >= 406 && name.family != "haiku");
  return million ? 600 : 100;
}

} // namespace varro::bench
