#include "render/blocks.hpp"

#include "base/text.hpp"
#include "config/effective_limits.hpp"
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
    return file_html(place, file++, *binary, label);
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
markup turn_tools(const block_place& place, const part_place& of, const user_prompt_part& part,
                  const std::vector<int64_t>& alternatives) {
  auto turn = std::to_string(of.turn);
  const auto text = typed_text(part);
  markup edit;
  if (text.size() <= editable_bytes_max)
    edit = tool_button({{"class", "edit"}, {"data-turn", turn}, {"data-text", text}}, "Edit", "Edit this message");
  const attributes again{request_of_turn(place, "regenerate", {{"turn", turn}}),
                         {"hx-include", "#model, #effort"},
                         {"data-replaces", place.element_id}};
  const auto fork = request_of_turn(place, "fork", {{"turn", turn}});
  return element("div", {{"class", "turn-tools"}}, alternatives_tools(place, of.run, alternatives), edit,
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
                  file_html(place, place.first_file, part.content, "File of this answer"));
}

block error_block(const block_place& place, std::string_view title, std::string_view text, std::string_view status) {
  return block_of(place, "section", "error", {{"role", "note"}, {"data-status", status}},
                  element("p", {{"class", "error-title"}}, title), element("p", {{"class", "error-text"}}, text),
                  status == run_status::interrupted && place.audience == chat_audience::owner
                    ? continue_button(place.chat_id)
                    : markup{});
}

markup progress_indicator(std::string_view text) {
  return element("div", {{"class", "progress"}, {"role", "status"}},
                 element("span", {{"class", "pulse"}, {"aria-hidden", "true"}}), element("span", text));
}

// --- rows ------------------------------------------------------------------------------------------------------------

namespace {

const char* title_of_end(const std::string& status) {
  if (status == run_status::cancelled)
    return "Stopped";
  return status == run_status::interrupted ? "Interrupted" : "This answer could not be finished";
}

// Each part as its block.
class block_writer : public part_visitor {
public:
  block_writer(int64_t chat_id, const std::map<int64_t, std::vector<int64_t>>& alternatives, prose_writer& prose,
               chat_audience audience)
    : chat_id_(chat_id), alternatives_(alternatives), prose_(prose), audience_(audience) {}

  std::vector<block> take() && {
    return std::move(out_);
  }

  void user(part_place of, const user_prompt_part& part, bool begins_turn) override {
    auto place = here(of);
    static const std::vector<int64_t> none;
    auto found = alternatives_.find(of.run);
    auto tools = begins_turn && audience_ == chat_audience::owner
      ? turn_tools(place, of, part, found == alternatives_.end() ? none : found->second)
      : markup{};
    put(out_, user_block(place, part, tools));
  }
  void text(part_place of, const text_part& part) override {
    put(out_, text_block(here(of), part));
  }
  void thinking(part_place of, const thinking_part& part) override {
    put(out_, thinking_block(here(of), part));
  }
  void compaction(part_place of, const compaction_part& part) override {
    put(out_, compaction_block(here(of), part));
  }
  void file(part_place of, const file_part& part) override {
    put(out_, file_block(here(of), part));
  }
  void left_out(part_place of, const json& metadata) override {
    put(out_, left_out_block(here(of), metadata));
  }
  void running_call(part_place of, const tool_call_part& call) override {
    put(out_, running_call_block(here(of), call));
  }
  void ended_call(part_place of, const tool_call_part& call, const char* state) override {
    out_.push_back(ended_call_block(here(of), call, state));
  }
  void returned_call(part_place of, const tool_call_part& call, const tool_return_part& result) override {
    put(out_, returned_call_block(here(of), call, result));
  }
  void retried_call(part_place of, const tool_call_part& call, const retry_prompt_part& retry) override {
    put(out_, retried_call_block(here(of), call, retry));
  }
  void retry(part_place of, const retry_prompt_part& retry) override {
    auto* text = retry.content.get_ptr<const std::string*>();
    put(out_,
        error_block(here(of), "The model was asked to try again", text ? *text : html::pretty_json(retry.content),
                    "retry"));
  }
  void run_error(part_place of, const run_record& run) override {
    const std::string_view text = run.error;
    if (text.starts_with(limit_reached_words))
      out_.push_back(error_block(here(of), "Limit reached", text.substr(limit_reached_words.size()), "limit"));
    else
      out_.push_back(error_block(here(of), title_of_end(run.status), text, run.status));
  }

private:
  block_place here(const part_place& of) {
    return {chat_id_, of.seq, of.id, of.first_file, &prose_, audience_};
  }

  int64_t chat_id_;
  const std::map<int64_t, std::vector<int64_t>>& alternatives_;
  prose_writer& prose_;
  chat_audience audience_;
  std::vector<block> out_;
};

} // namespace

std::vector<block> block_renderer::render(const message_row& row) {
  block_writer writer{chat_id_, alternatives_, prose_, audience_};
  walk_.row(row, writer);
  return std::move(writer).take();
}

std::vector<block> block_renderer::render_end(const run_record& run) {
  block_writer writer{chat_id_, alternatives_, prose_, audience_};
  walk_.end(run, writer);
  return std::move(writer).take();
}

} // namespace varro
