// The parts of what Anthropic refuses that are not about the order of messages: settings, pictures and documents.
//
// Functions of a request, any thread; all of them refuse() what is wrong.
#pragma once

#include "bench/pictures.hpp"
#include "bench/validate.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro::bench {

// Model, max_tokens, thinking, effort, sampling and tool_choice, as the model of this name takes them. Returns the type
// of thinking that was asked for; empty when there was none.
std::string check_claude_settings(const json& body, std::string_view betas);

// The images and documents of one request: each alone, then all together.
// https://platform.claude.com/docs/en/build-with-claude/vision#limits
class claude_media {
public:
  void add(const json& block, const std::string& type, const std::string& where); // type "image" or "document"
  void finish(const std::string& model) const;

private:
  void add_image(const json& source, const std::string& where);
  std::vector<std::pair<std::string, picture>> images_; // by place
  int image_count_ = 0;
  int document_count_ = 0;
};

} // namespace varro::bench
