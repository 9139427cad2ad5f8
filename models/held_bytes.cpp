#include "models/held_bytes.hpp"

#include <functional>
#include <numeric>

namespace varro {

namespace {

// One object, so that each kind finds all the others.
struct measure {
  size_t operator()(const std::string& text) const {
    return text.size();
  }

  size_t operator()(const std::optional<std::string>& text) const {
    return text ? text->size() : 0;
  }

  size_t operator()(const json& value) const {
    size_t bytes = sizeof value;
    if (value.is_string())
      return bytes + value.get_ref<const std::string&>().size();
    if (value.is_array())
      for (const auto& each : value)
        bytes += (*this)(each);
    if (value.is_object())
      for (const auto& [key, each] : value.get_ref<const json::object_t&>())
        bytes += key.size() + (*this)(each);
    return bytes;
  }

  size_t operator()(const text_content& content) const {
    return (*this)(content.content) + (*this)(content.metadata) + (*this)(content.newer);
  }

  size_t operator()(const url_content& content) const {
    return (*this)(content.url) + (*this)(content.vendor_metadata);
  }

  size_t operator()(const binary_content& content) const {
    return (*this)(content.data) + (*this)(content.vendor_metadata);
  }

  size_t operator()(const uploaded_file& content) const {
    return (*this)(content.file_id) + (*this)(content.vendor_metadata);
  }

  size_t operator()(const cache_point&) const {
    return 0;
  }

  template <class... Kinds>
  size_t operator()(const std::variant<Kinds...>& value) const {
    return std::visit([this](const auto& kind) { return (*this)(kind); }, value) + sizeof value;
  }

  template <class Each>
  size_t operator()(const std::vector<Each>& values) const {
    return std::transform_reduce(values.begin(), values.end(), size_t{0}, std::plus<>{},
                                 [this](const Each& each) { return (*this)(each); });
  }

  size_t operator()(const other_part& part) const {
    return (*this)(part.value);
  }

  size_t operator()(const system_prompt_part& part) const {
    return (*this)(part.content) + (*this)(part.newer);
  }

  size_t operator()(const user_prompt_part& part) const {
    return (*this)(part.content);
  }

  size_t operator()(const tool_return_part& part) const {
    return (*this)(part.content) + (*this)(part.metadata) + (*this)(part.newer);
  }

  size_t operator()(const retry_prompt_part& part) const {
    return (*this)(part.content);
  }

  size_t operator()(const text_part& part) const {
    return (*this)(part.content) + (*this)(part.provider_details) + (*this)(part.newer);
  }

  size_t operator()(const thinking_part& part) const {
    return (*this)(part.content) + (*this)(part.signature) + (*this)(part.provider_details);
  }

  size_t operator()(const tool_call_part& part) const {
    return (*this)(part.args) + (*this)(part.provider_details);
  }

  size_t operator()(const builtin_tool_return_part& part) const {
    return (*this)(part.content) + (*this)(part.metadata) + (*this)(part.provider_details);
  }

  size_t operator()(const compaction_part& part) const {
    return (*this)(part.content) + (*this)(part.provider_details) + (*this)(part.newer);
  }

  size_t operator()(const file_part& part) const {
    return (*this)(part.content) + (*this)(part.provider_details);
  }

  size_t operator()(const model_request& request) const {
    return (*this)(request.parts) + (*this)(request.instructions) + (*this)(request.metadata);
  }

  size_t operator()(const model_response& response) const {
    return (*this)(response.parts) + (*this)(response.usage.details) + (*this)(response.usage.newer)
      + (*this)(response.provider_details) + (*this)(response.metadata) + (*this)(response.newer);
  }
};

} // namespace

size_t held_bytes(const message& content) {
  return measure{}(content);
}

} // namespace varro
