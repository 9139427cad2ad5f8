#include "render/blocks.hpp"

#include "base/text.hpp"
#include "models/history.hpp"
#include "models/left_out.hpp"
#include "models/user_prompt.hpp"
#include "render/html.hpp"
#include "render/parts.hpp"

#include <algorithm>
#include <map>

namespace varro {

namespace {

constexpr size_t editable_bytes_max = 32u << 10; // of a message that the page lets one edit in place

using html::attributes;
using html::element;
using html::markup;

template <class... Contents>
block block_of(const block_place& place, html::tag tag, std::string_view kind, const attributes& more,
               const Contents&... contents) {
  return {place.seq, place.element_id,
          element(tag,
                  {{"class", "block " + std::string(kind)},
                   {"id", place.element_id},
                   {"data-block", kind},
                   {"data-seq", place.seq},
                   more},
                  contents...)};
}

// Files of the parts before `index`, so that each part knows the numbers of its own.
template <class Message>
std::vector<size_t> first_files(const Message& message) {
  std::vector<size_t> result;
  size_t count = 0;
  for (const auto& part : message.parts) {
    result.push_back(count);
    Message alone;
    alone.parts.push_back(part);
    count += attachments_of(alone).size();
  }
  return result;
}

// Only some parts can hold files; counting them means decoding them.
bool may_hold_files(const model_request& request) {
  return request.parts.size() > 1;
}
bool may_hold_files(const model_response& response) {
  for (const auto& part : response.parts)
    if (std::holds_alternative<file_part>(part) || std::holds_alternative<builtin_tool_return_part>(part))
      return true;
  return false;
}

template <class Message>
std::vector<size_t> file_numbers(const Message& message) {
  return may_hold_files(message) ? first_files(message) : std::vector<size_t>(message.parts.size(), 0);
}

void put(std::vector<block>& blocks, block next) {
  for (auto& present : blocks) {
    if (present.id == next.id) {
      present = std::move(next);
      return;
    }
  }
  blocks.push_back(std::move(next));
}

// The language of a line that opens a fence of code, or nullopt.
std::optional<std::string_view> fence_language(std::string_view line) {
  if (!line.starts_with("```") || line.find('`', 3) != line.npos)
    return std::nullopt;
  auto language = line.substr(3);
  auto from = language.find_first_not_of(" \t\r");
  language = from == language.npos ? std::string_view{} : language.substr(from);
  return language.substr(0, language.find_first_of(" \t\r"));
}

// The newline before the next line of nothing but a fence, or npos.
size_t fence_end(std::string_view text, size_t from) {
  for (auto at = text.find("\n```", from); at != text.npos; at = text.find("\n```", at + 1)) {
    auto rest = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    if (rest.find_first_not_of("` \t\r") == rest.npos)
      return at;
  }
  return text.npos;
}

// What people write is not Markdown, but fenced code in it is code.
markup user_text_html(std::string_view text) {
  markup out;
  size_t plain = 0; // where the text begins that is not written yet
  auto write_plain = [&](size_t end) {
    auto part = text.substr(plain, end - plain);
    if (!is_blank(part))
      out += element("div", {{"class", "user-text"}}, part);
  };
  for (size_t line = 0; line < text.size();) {
    auto end = std::min(text.find('\n', line), text.size());
    auto next = std::min(end + 1, text.size());
    if (auto language = fence_language(text.substr(line, end - line))) {
      auto close = fence_end(text, end);
      if (close == text.npos)
        break;
      write_plain(std::max(plain, line > 0 ? line - 1 : 0));
      auto code = close > end ? text.substr(end + 1, close - end - 1) : std::string_view{};
      out += html::code_block(code, language->empty() ? "plaintext" : *language);
      plain = next = std::min(text.find('\n', close + 1), text.size() - 1) + 1;
    }
    line = next;
  }
  write_plain(text.size());
  return out;
}

// `name`: of the file that a label before this item told.
markup user_item_html(const block_place& place, const user_content& item, const std::string& name, size_t& file) {
  if (auto* text = std::get_if<std::string>(&item))
    return user_text_html(*text);
  if (auto* text = std::get_if<text_content>(&item))
    return user_text_html(text->content);
  if (auto* url = std::get_if<url_content>(&item))
    return url_html(*url);
  if (auto* binary = std::get_if<binary_content>(&item)) {
    auto label = name.empty() ? "File " + std::to_string(file - place.first_file + 1) + " of this message" : name;
    return file_html(place.chat_id, place.seq, file++, *binary, label);
  }
  if (auto* uploaded = std::get_if<uploaded_file>(&item))
    return element("p", {{"class", "file-output"}}, element("span", {{"class", "file"}}, uploaded->file_id));
  return {};
}

markup fold(std::string_view summary, const markup& content) {
  return element("details", element("summary", summary), element("div", {{"class", "fold prose"}}, content));
}

// A button of a user message's tools. Its label is not text of the message: the style sheet shows it.
markup tool_button(const attributes& more, std::string_view label, std::string_view title) {
  return element("button", {{"type", "button"}, more, {"data-label", label}, {"title", title}, {"aria-label", title}});
}

// What it answers with replaces this message and all that follows it, or the page.
attributes request_of_turn(const block_place& place, std::string_view action, const json& fields) {
  return {{"hx-target", "#conversation"},
          {"hx-swap", "beforeend"},
          {"hx-sync", "this:drop"},
          {"hx-post", html::url{"/chat/" + std::to_string(place.chat_id) + "/" + std::string{action}}},
          {"hx-vals", fields.dump()}};
}

markup alternatives_tools(const block_place& place, int64_t run, const std::vector<int64_t>& alternatives) {
  auto mine = std::find(alternatives.begin(), alternatives.end(), run);
  if (mine == alternatives.end())
    return {};
  auto place_of_mine = static_cast<size_t>(mine - alternatives.begin());
  auto arrow = [&](bool there, size_t which, std::string_view sign, std::string_view title) {
    auto more = there ? request_of_turn(place, "branch", {{"run", std::to_string(alternatives[which])}})
                      : attributes{{"disabled", true}};
    return tool_button(more, sign, title);
  };
  auto count = std::to_string(place_of_mine + 1) + "/" + std::to_string(alternatives.size());
  return html::fragment(arrow(place_of_mine > 0, place_of_mine - 1, "‹", "The version before"),
                        element("span", {{"data-label", count}}),
                        arrow(place_of_mine + 1 < alternatives.size(), place_of_mine + 1, "›", "The next version"));
}

// Edit, ask again, fork, and the way to the alternatives of this turn.
markup turn_tools(const block_place& place, const message_row& row, const user_prompt_part& part,
                  const std::vector<int64_t>& alternatives) {
  auto turn = std::to_string(row.turn);
  const auto text = typed_text(part);
  markup edit;
  if (text.size() <= editable_bytes_max)
    edit = tool_button({{"class", "edit"}, {"data-turn", turn}, {"data-text", text}}, "Edit", "Edit this message");
  const attributes again{request_of_turn(place, "regenerate", {{"turn", turn}}),
                         {"hx-include", "#model, #effort"},
                         {"data-replaces", place.element_id}};
  const auto fork = request_of_turn(place, "fork", {{"turn", turn}});
  return element("div", {{"class", "turn-tools"}}, alternatives_tools(place, row.run_id, alternatives), edit,
                 tool_button(again, "Ask again", "Ask this again"),
                 tool_button(fork, "Fork", "Continue after this turn in a new chat"));
}

// Sends the message that goes on after an interruption; the style sheet hides it once the conversation went on.
markup continue_button(int64_t chat_id) {
  return element("button",
                 {{"type", "button"},
                  {"class", "continue"},
                  {"hx-post", html::url{"/chat/send"}},
                  {"hx-target", "#conversation"},
                  {"hx-swap", "beforeend"},
                  {"hx-sync", "this:drop"},
                  {"hx-vals", json{{"chat_id", std::to_string(chat_id)}, {"message", "Go on."}}.dump()}},
                 "Continue");
}

} // namespace

std::string element_id(int64_t seq, size_t part) {
  return "m" + std::to_string(seq) + "-p" + std::to_string(part);
}

block user_block(const block_place& place, const user_prompt_part& part, const markup& tools) {
  markup bubble;
  if (auto* text = std::get_if<std::string>(&part.content)) {
    bubble = user_text_html(*text);
  } else {
    size_t file = place.first_file;
    std::string name;
    for (const auto& item : std::get<std::vector<user_content>>(part.content)) {
      auto label = labelled_upload(item);
      if (!label)
        bubble += user_item_html(place, item, name, file);
      name = label.value_or("");
    }
  }
  return block_of(place, "article", "user", {{"aria-label", "You"}}, element("div", {{"class", "bubble"}}, bubble),
                  tools);
}

block text_block(const block_place& place, const text_part& part) {
  return block_of(place, "article", "text", {{"aria-label", "Varro"}},
                  element("div", {{"class", "prose"}}, place.html_of(part.content)));
}

block thinking_block(const block_place& place, const thinking_part& part) {
  auto content = is_blank(part.content) ? element("p", "The provider keeps this part of the thinking to itself.")
                                        : place.html_of(part.content);
  return block_of(place, "section", "thinking", {{"aria-label", "Thinking"}}, fold("Thinking", content));
}

block compaction_block(const block_place& place, const compaction_part& part) {
  auto content = part.content && !is_blank(*part.content) ? place.html_of(*part.content)
                                                          : element("p", "The provider keeps the summary to itself.");
  return block_of(place, "article", "text", {{"data-part", "compaction"}},
                  fold("Earlier messages were summarised", content));
}

block file_block(const block_place& place, const file_part& part) {
  return block_of(place, "article", "text", {{"data-part", "file"}},
                  file_html(place.chat_id, place.seq, place.first_file, part.content, "File of this answer"));
}

block error_block(const block_place& place, std::string_view title, std::string_view text, std::string_view status) {
  return block_of(place, "section", "error", {{"role", "note"}, {"data-status", status}},
                  element("p", {{"class", "error-title"}}, title), element("p", {{"class", "error-text"}}, text),
                  status == run_status::interrupted ? continue_button(place.chat_id) : markup{});
}

markup progress_indicator(std::string_view text) {
  return element("div", {{"class", "progress"}, {"role", "status"}},
                 element("span", {{"class", "pulse"}, {"aria-hidden", "true"}}), element("span", text));
}

// --- rows ------------------------------------------------------------------------------------------------------------

block_place block_renderer::place_of(int64_t seq, std::string element_id, size_t first_file) {
  return {chat_id_, seq, std::move(element_id), first_file, &prose_};
}

std::optional<block_renderer::pending_call> block_renderer::take(const std::string& call_id) {
  for (auto i = pending_.begin(); i != pending_.end(); ++i) {
    if (i->call_id == call_id) {
      auto call = std::move(*i);
      pending_.erase(i);
      return call;
    }
  }
  return std::nullopt;
}

void block_renderer::render_request(const message_row& row, const model_request& request, std::vector<block>& out) {
  auto files = file_numbers(request);
  for (size_t i = 0; i < request.parts.size(); ++i) {
    auto place = place_of(row.seq, element_id(row.seq, i), files[i]);
    auto* other = std::get_if<other_part>(&request.parts[i]);
    const auto said = other ? spoken_request(*other) : std::nullopt;
    const auto& part = said ? *said : request.parts[i];
    if (auto* prompt = std::get_if<user_prompt_part>(&part)) {
      auto tools = i == 0 && !other ? turn_tools(place, row, *prompt, alternatives_[row.run_id]) : markup{};
      put(out, user_block(place, *prompt, tools));
    } else if (auto* result = std::get_if<tool_return_part>(&part)) {
      tool_call_part call;
      call.tool_name = result->tool_name;
      call.tool_call_id = result->tool_call_id;
      if (auto pending = take(result->tool_call_id)) {
        place.element_id = pending->element_id;
        call = std::move(pending->call);
      }
      put(out, returned_call_block(place, call, *result));
    } else if (auto* retry = std::get_if<retry_prompt_part>(&part)) {
      if (auto pending = take(retry->tool_call_id)) {
        place.element_id = pending->element_id;
        put(out, retried_call_block(place, pending->call, *retry));
      } else {
        auto* text = retry->content.get_ptr<const std::string*>();
        put(out,
            error_block(place, "The model was asked to try again", text ? *text : html::pretty_json(retry->content),
                        "retry"));
      }
    }
  }
}

void block_renderer::render_response(const message_row& row, const model_response& response, std::vector<block>& out) {
  auto files = file_numbers(response);
  if (marks_left_out(response.metadata))
    put(out, left_out_block(place_of(row.seq, "m" + std::to_string(row.seq) + "-left"), response.metadata));
  for (size_t i = 0; i < response.parts.size(); ++i) {
    auto place = place_of(row.seq, element_id(row.seq, i), files[i]);
    auto* other = std::get_if<other_part>(&response.parts[i]);
    const auto said = other ? spoken_response(*other) : std::nullopt;
    const auto& part = said ? *said : response.parts[i];
    if (auto* text = std::get_if<text_part>(&part)) {
      if (!is_blank(text->content))
        put(out, text_block(place, *text));
    } else if (auto* thinking = std::get_if<thinking_part>(&part)) {
      if (!is_blank(thinking->content) || thinking->id == "redacted_thinking")
        put(out, thinking_block(place, *thinking));
    } else if (auto* call = std::get_if<tool_call_part>(&part)) {
      pending_.push_back({call->tool_call_id, place.element_id, *call, row.seq, false});
      put(out, running_call_block(place, *call));
    } else if (auto* builtin = std::get_if<builtin_tool_call_part>(&part)) {
      pending_.push_back({builtin->tool_call_id, place.element_id, *builtin, row.seq, true});
      put(out, running_call_block(place, *builtin));
    } else if (auto* result = std::get_if<builtin_tool_return_part>(&part)) {
      tool_return_part returned{result->tool_name, result->content,   result->tool_call_id, result->tool_kind,
                                nullptr,           result->timestamp, result->outcome};
      tool_call_part call;
      call.tool_name = result->tool_name;
      call.tool_call_id = result->tool_call_id;
      if (auto pending = take(result->tool_call_id)) {
        place.element_id = pending->element_id;
        call = std::move(pending->call);
      }
      put(out, returned_call_block(place, call, returned));
    } else if (auto* compaction = std::get_if<compaction_part>(&part)) {
      put(out, compaction_block(place, *compaction));
    } else if (auto* file = std::get_if<file_part>(&part)) {
      put(out, file_block(place, *file));
    }
  }
}

std::vector<block> block_renderer::render(const message_row& row) {
  std::vector<block> out;
  if (auto* request = row.content.as<model_request>())
    render_request(row, *request, out);
  else
    render_response(row, std::get<model_response>(*row.content), out);
  return out;
}

std::vector<block> block_renderer::render_end(const run_record& run) {
  std::vector<block> out;
  for (auto& pending : pending_) {
    // A vendor's own tool may answer inside the text alone: no return of it is not a failure.
    bool done = pending.builtin && run.status == run_status::completed;
    auto seq = std::max(run.end_seq, pending.seq);
    out.push_back(
      ended_call_block(place_of(seq, pending.element_id), pending.call, done ? tool_state::done : tool_state::stopped));
  }
  pending_.clear();
  if (run.error.empty())
    return out;
  const char* title = "This answer could not be finished";
  if (run.status == run_status::cancelled)
    title = "Stopped";
  else if (run.status == run_status::interrupted)
    title = "Interrupted";
  out.push_back(error_block(place_of(run.end_seq, element_id(run.end_seq, 0)), title, run.error, run.status));
  return out;
}

} // namespace varro
