#include "bench/anthropic_binding.hpp"

#include "bench/model_names.hpp"
#include "bench/validate.hpp"

#include <algorithm>

namespace varro::bench {

namespace {

constexpr std::string_view signature_prefix = "Eq";
constexpr std::string_view no_thinking = "00000000000000000000";
constexpr size_t mark_chars = 20;

uint64_t mixed(uint64_t hash, std::string_view text) {
  for (unsigned char c : text) {
    hash ^= c;
    hash *= 1099511628211u;
  }
  return (hash ^ text.size()) * 1099511628211u;
}

std::string letters(uint64_t value) {
  std::string text;
  for (int i = 0; i < 11; ++i, value /= 62)
    text += "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[value % 62];
  return text;
}

// Cache marks are never part of the prefix; the order of an object's keys is none of its meaning.
nlohmann::json meaning_of(const json& value) {
  if (value.is_object()) {
    auto result = nlohmann::json::object();
    for (auto& [key, inner] : value.items())
      if (key != "cache_control" && !inner.is_null())
        result[key] = meaning_of(inner);
    return result;
  }
  if (value.is_array()) {
    auto result = nlohmann::json::array();
    for (auto& inner : value)
      result.push_back(meaning_of(inner));
    return result;
  }
  if (value.is_string())
    return value.get_ref<const std::string&>();
  return nlohmann::json::parse(dump_json(value), nullptr, false);
}

std::string canonical(const json& value) {
  return meaning_of(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

json as_blocks(const json& content) {
  if (content.is_string())
    return json::array({json{{"type", "text"}, {"text", content}}});
  return content.is_array() ? content : json::array();
}

// A tool's result is the same as a text and as a block of text, and no error unless it says so.
json normalised(const json& block) {
  auto type = member_text(block, "type");
  auto result = block;
  if (type == "tool_use" && has_broken_input(member_text(block, "id")))
    result["input"] = nullptr; // what the model wrote was no JSON: every client sends back what it made of it
  if (type == "tool_result") {
    if (auto* content = member(block, "content"))
      result["content"] = as_blocks(*content);
    if (!is_true(block, "is_error"))
      result.erase("is_error");
  }
  return result;
}

bool is_thinking(const json& block) {
  auto type = member_text(block, "type");
  return type == "thinking" || type == "redacted_thinking";
}

// The parts of a signature that was made here.
struct signed_parts {
  std::string text, system, tools, messages, before, model;
};

std::optional<signed_parts> open_signature(const std::string& signature) {
  constexpr size_t fixed = mark_chars + 3 * 11 + mark_chars;
  if (!signature.starts_with(signature_prefix) || !signature.ends_with("=="))
    return std::nullopt;
  std::string_view inside{signature};
  inside.remove_suffix(2);
  if (inside.size() < signature_prefix.size() + fixed + mark_chars)
    return std::nullopt;
  auto check = inside.substr(inside.size() - mark_chars);
  inside.remove_suffix(mark_chars);
  if (mark_of(inside) != check)
    return std::nullopt;
  inside.remove_prefix(signature_prefix.size());
  auto take = [&](size_t count) {
    std::string part{inside.substr(0, count)};
    inside.remove_prefix(count);
    return part;
  };
  signed_parts parts;
  parts.text = take(mark_chars);
  parts.system = take(11);
  parts.tools = take(11);
  parts.messages = take(11);
  parts.before = take(mark_chars);
  parts.model = inside;
  return parts;
}

} // namespace

bool has_beta(std::string_view betas, std::string_view wanted) {
  while (!betas.empty()) {
    auto end = std::min(betas.find(','), betas.size());
    auto one = betas.substr(0, end);
    while (one.starts_with(' '))
      one.remove_prefix(1);
    while (one.ends_with(' '))
      one.remove_suffix(1);
    if (one == wanted)
      return true;
    betas.remove_prefix(std::min(end + 1, betas.size()));
  }
  return false;
}

thinking_prefix::thinking_prefix(const json& body) : binds_(claude_binds_thinking(member_text(body, "model"))) {
  if (!binds_)
    return;
  if (auto* system = member(body, "system"))
    for (auto& block : as_blocks(*system))
      system_ = mixed(system_, member_text(block, "text"));
  // A set: their order does not count, and deferred tools are no part of it.
  if (auto* tools = member(body, "tools"); tools && tools->is_array())
    for (auto& tool : *tools)
      if (!is_true(tool, "defer_loading"))
        tools_ += mixed(1, canonical(tool));
}

void thinking_prefix::add(const std::string& role, const json& block) {
  if (binds_ && !is_thinking(block))
    messages_ = mixed(mixed(messages_, role), canonical(normalised(block)));
}

std::string thinking_prefix::signature(std::string_view model, std::string_view shown_text) const {
  auto text = std::string{signature_prefix} + mark_of(shown_text) + letters(system_) + letters(tools_)
    + letters(messages_) + (newest_thinking_.empty() ? std::string{no_thinking} : mark_of(newest_thinking_))
    + std::string{model};
  return text + mark_of(text) + "==";
}

thinking_prefix::verdict thinking_prefix::judge(std::string_view model, const json& thinking,
                                                std::string& changed) const {
  auto signature = member_text(thinking, "signature");
  if (signature.starts_with(scripted_seal))
    return verdict::valid;
  auto parts = open_signature(signature);
  if (!parts || parts->text != mark_of(member_text(thinking, "thinking")))
    return verdict::forged;
  if (!claude_reads(model, parts->model))
    return verdict::unreadable;
  if (!claude_binds_thinking(model) || !claude_binds_thinking(parts->model))
    return verdict::valid;
  if (parts->system != letters(system_))
    changed = "The `system` prompt differs from when the block was created.";
  else if (parts->tools != letters(tools_))
    changed = "The `tools` list differs from when the block was created.";
  else if (parts->messages != letters(messages_))
    changed = "The `messages` before the block differ from when the block was created.";
  else if (!newest_thinking_.empty() && parts->before != mark_of(newest_thinking_))
    changed = "The thinking blocks before the block differ from when the block was created.";
  else
    return verdict::valid;
  return verdict::bound_elsewhere;
}

binding_outcome check_binding(const json& body, std::string_view betas) {
  binding_outcome outcome{std::nullopt, json::array(), thinking_prefix{body}};
  auto model = member_text(body, "model");
  bool controls = has_beta(betas, binding_beta);
  auto* thinking = member(body, "thinking");
  auto* binding = thinking ? member(*thinking, "block_binding") : nullptr;
  bool drops = binding && member_text(*binding, "prefix_mismatch_behavior") == "drop_block";
  auto drop = [&](const std::string& path, const char* reason) {
    outcome.transformations.push_back({{"type", "thinking_dropped"}, {"path", path}, {"reason", reason}});
  };
  auto* messages = member(body, "messages");
  for (size_t i = 0; messages && i < messages->size(); ++i) {
    auto& message = (*messages)[i];
    auto role = member_text(message, "role");
    auto blocks = member(message, "content") ? as_blocks(message.at("content")) : json::array();
    for (size_t k = 0; k < blocks.size(); ++k) {
      auto path = "messages." + std::to_string(i) + ".content." + std::to_string(k);
      outcome.prefix.add(role, blocks[k]);
      if (member_text(blocks[k], "type") != "thinking")
        continue;
      using verdict = thinking_prefix::verdict;
      std::string changed, invalid = path + ": Invalid `signature` in `thinking` block";
      auto found = outcome.prefix.judge(model, blocks[k], changed);
      if (found == verdict::valid) {
        outcome.prefix.keep(member_text(blocks[k], "signature"));
      } else if (found == verdict::unreadable) {
        // It stays in the history: a model that reads it finds the ones after it in order.
        outcome.prefix.keep(member_text(blocks[k], "signature"));
        drop(path, "model_binding_mismatch");
      } else if (found == verdict::bound_elsewhere && drops) {
        drop(path, "prefix_binding_mismatch");
      } else {
        if (found == verdict::bound_elsewhere)
          invalid += ". The block is bound to a different conversation. Remove the block, or set "
                     "`thinking.block_binding.prefix_mismatch_behavior` to \"drop_block\". "
            + (controls ? std::string{}
                        : "That setting requires the `" + std::string{binding_beta}
                   + "` value in the `anthropic-beta` header. ")
            + changed;
        outcome.problem = request_problem{400, "invalid_request_error", invalid, "", ""};
        return outcome;
      }
    }
  }
  return outcome;
}

} // namespace varro::bench
