#include "bench/model_names.hpp"

#include <algorithm>
#include <charconv>

namespace varro::bench {

int version_after(std::string_view prefix, std::string_view model) {
  if (!model.starts_with(prefix))
    return 0;
  model.remove_prefix(prefix.size());
  int major = 0, minor = 0;
  auto [end, error] = std::from_chars(model.data(), model.data() + model.size(), major);
  if (error != std::errc{})
    return 0;
  if (end != model.data() + model.size() && *end == '.')
    std::from_chars(end + 1, model.data() + model.size(), minor);
  return major * 100 + minor;
}

namespace {

using words = std::vector<std::string>;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// "gpt-5.6-sol" is 506, "gpt-6-astra" 600; 0 for any other name.
int gpt_version(std::string_view model) {
  return version_after("gpt-", model);
}

bool is_o_series(std::string_view model) {
  return model.size() >= 2 && model[0] == 'o' && model[1] >= '1' && model[1] <= '9';
}

// These begin at `low`: openai-openapi#541, the page of each model.
bool knows_no_none(std::string_view model) {
  auto version = gpt_version(model);
  return version >= 600 && (has(model, "astra") || model.starts_with("gpt-6.1-sol"));
}

} // namespace

std::vector<std::string> openai_efforts(std::string_view model, bool responses_api) {
  auto version = gpt_version(model);
  if (is_o_series(model))
    return {"low", "medium", "high"};
  if (version < 500)
    return {};
  if (has(model, "chat-latest"))
    return {"medium"};
  if (version == 500)
    return has(model, "-pro") ? words{"high"}
      : has(model, "codex")   ? words{"low", "medium", "high"}
                              : words{"minimal", "low", "medium", "high"};
  words efforts{"low", "medium", "high"};
  if (has(model, "-pro"))
    efforts.erase(efforts.begin());
  else if (!has(model, "codex") && !knows_no_none(model))
    efforts.insert(efforts.begin(), "none");
  if (version > 501 || has(model, "codex-max"))
    efforts.emplace_back("xhigh");
  if (version >= 506 && responses_api)
    efforts.emplace_back("max");
  return efforts;
}

std::string openai_default_effort(std::string_view model) {
  auto version = gpt_version(model);
  auto efforts = openai_efforts(model, true);
  if (efforts.empty())
    return {};
  if (efforts.size() == 1)
    return efforts.front();
  return version >= 501 && version <= 504 && efforts.front() == "none" ? "none" : "medium";
}

bool openai_never_reasons(std::string_view model) {
  auto version = gpt_version(model);
  return (version > 0 && version < 500) || model.starts_with("chatgpt-4o");
}

bool openai_responses_only(std::string_view model) {
  bool known = gpt_version(model) >= 500 || is_o_series(model);
  return known && (has(model, "-pro") || has(model, "codex"));
}

bool openai_chat_without_tools(std::string_view model) {
  return gpt_version(model) >= 504;
}

bool openai_marks_phases(std::string_view model) {
  return gpt_version(model) >= 504 || (gpt_version(model) == 503 && has(model, "codex"));
}

} // namespace varro::bench
