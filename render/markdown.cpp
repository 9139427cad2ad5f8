#include "render/markdown.hpp"

#include "render/html.hpp"
#include "render/math.hpp"
#include "render/workspace_links.hpp"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace varro {

namespace {

// Beyond these the text is shown as it is, unformatted. What else hostile Markdown may cost is bounded by the caller.
constexpr size_t table_cells_max = 100'000; // an upper bound: lines × most pipes in one line
constexpr int nesting_max = 100;            // levels of quotes, lists and emphasis

struct free_node {
  void operator()(cmark_node* node) const {
    cmark_node_free(node);
  }
};
struct free_parser {
  void operator()(cmark_parser* parser) const {
    cmark_parser_free(parser);
  }
};
struct free_iterator {
  void operator()(cmark_iter* iterator) const {
    cmark_iter_free(iterator);
  }
};
using node_ptr = std::unique_ptr<cmark_node, free_node>;

// cmark completes short rows of a wide table with empty cells: a few kilobytes can ask for millions of them.
bool tables_are_bounded(std::string_view text) {
  size_t lines = 1;
  size_t pipes = 0;
  size_t pipes_most = 0;
  for (char c : text) {
    if (c == '\n') {
      ++lines;
      pipes = 0;
    } else if (c == '|') {
      pipes_most = std::max(pipes_most, ++pipes);
    }
  }
  return lines * pipes_most <= table_cells_max;
}

node_ptr parse(std::string_view text) {
  static const bool registered = [] {
    cmark_gfm_core_extensions_ensure_registered();
    return true;
  }();
  (void)registered;
  std::unique_ptr<cmark_parser, free_parser> parser{cmark_parser_new(CMARK_OPT_VALIDATE_UTF8)};
  for (const char* name : {"table", "strikethrough", "autolink", "tagfilter", "tasklist"})
    if (auto* extension = cmark_find_syntax_extension(name))
      cmark_parser_attach_syntax_extension(parser.get(), extension);
  cmark_parser_feed(parser.get(), text.data(), text.size());
  return node_ptr{cmark_parser_finish(parser.get())};
}

std::string_view view(const char* text) {
  return text ? std::string_view{text} : std::string_view{};
}

bool is_inside_link(cmark_node* node) {
  for (auto* parent = cmark_node_parent(node); parent; parent = cmark_node_parent(parent))
    if (cmark_node_get_type(parent) == CMARK_NODE_LINK)
      return true;
  return false;
}

// A file of the chat, or of any when none is known.
bool is_own_file(std::string_view url, std::optional<int64_t> chat_id) {
  const auto folder = chat_id ? "/chat/" + std::to_string(*chat_id) + "/files/" : "/chat/";
  return url.starts_with(folder) && url.find("/files/") != url.npos && url.find("..") == url.npos
    && html::is_safe_link(url);
}

bool is_line_break(std::string_view tag) {
  std::string name;
  for (char c : tag)
    if (c != ' ' && c != '/')
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name == "<br>";
}

// Makes a parsed document harmless. Nodes that leave the tree are freed only at the end, because the caller's list may
// still name them.
class rewriter {
public:
  rewriter(const std::vector<formula>& formulas, std::optional<int64_t> chat_id)
    : formulas_(formulas), chat_id_(chat_id) {}

  void rewrite(cmark_node* node) {
    switch (static_cast<unsigned>(cmark_node_get_type(node))) {
    case CMARK_NODE_LINK:
      restore_target(node);
      if (!html::is_safe_link(view(cmark_node_get_url(node))))
        unwrap(node);
      break;
    case CMARK_NODE_IMAGE:
      restore_target(node);
      rewrite_image(node);
      break;
    case CMARK_NODE_HTML_INLINE:
      restore_literal(node);
      rewrite_inline_html(node);
      break;
    case CMARK_NODE_HTML_BLOCK:
      restore_literal(node);
      rewrite_html_block(node);
      break;
    case CMARK_NODE_CODE:
    case CMARK_NODE_CODE_BLOCK:
      restore_literal(node);
      break;
    default:
      break;
    }
  }

private:
  void remove(cmark_node* node) {
    cmark_node_unlink(node);
    removed_.emplace_back(node);
  }

  void replace(cmark_node* node, cmark_node* next) {
    if (cmark_node_insert_before(node, next))
      remove(node);
    else
      removed_.emplace_back(next);
  }

  // Takes a node out and leaves its children.
  void unwrap(cmark_node* node) {
    while (auto* child = cmark_node_first_child(node)) {
      cmark_node_unlink(child);
      if (!cmark_node_insert_before(node, child))
        removed_.emplace_back(child);
    }
    remove(node);
  }

  // The page loads nothing from elsewhere: an image of another site becomes a link to it.
  void rewrite_image(cmark_node* image) {
    std::string url{view(cmark_node_get_url(image))};
    if (is_own_file(url, chat_id_) && is_picture_name(url.substr(0, url.find_first_of("?#"))))
      return;
    if (!html::is_safe_link(url) || is_inside_link(image))
      return unwrap(image);
    auto* link = cmark_node_new(CMARK_NODE_LINK);
    cmark_node_set_url(link, url.c_str());
    if (!cmark_node_first_child(image)) {
      auto* text = cmark_node_new(CMARK_NODE_TEXT);
      cmark_node_set_literal(text, url.c_str());
      cmark_node_append_child(link, text);
    }
    while (auto* child = cmark_node_first_child(image)) {
      cmark_node_unlink(child);
      if (!cmark_node_append_child(link, child))
        removed_.emplace_back(child);
    }
    replace(image, link);
  }

  // HTML of the model is shown, never obeyed; <br>, the one tag that tables need, is a line break.
  void rewrite_inline_html(cmark_node* node) {
    std::string literal{view(cmark_node_get_literal(node))};
    auto* text = cmark_node_new(CMARK_NODE_TEXT);
    cmark_node_set_literal(text, is_line_break(literal) ? placeholder_break : literal.c_str());
    replace(node, text);
  }

  void rewrite_html_block(cmark_node* node) {
    std::string literal{view(cmark_node_get_literal(node))};
    auto* code = cmark_node_new(CMARK_NODE_CODE_BLOCK);
    cmark_node_set_literal(code, literal.c_str());
    cmark_node_set_fence_info(code, "html");
    replace(node, code);
  }

  void restore_literal(cmark_node* node) {
    auto text = restore_source(view(cmark_node_get_literal(node)), formulas_);
    cmark_node_set_literal(node, text.c_str());
    if (cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK) {
      auto info = restore_source(view(cmark_node_get_fence_info(node)), formulas_);
      cmark_node_set_fence_info(node, info.c_str());
    }
  }

  void restore_target(cmark_node* node) {
    auto url = restore_source(view(cmark_node_get_url(node)), formulas_);
    if (chat_id_)
      url = workspace_link(url, *chat_id_).value_or(url);
    cmark_node_set_url(node, url.c_str());
    auto title = restore_source(view(cmark_node_get_title(node)), formulas_);
    cmark_node_set_title(node, title.c_str());
  }

  const std::vector<formula>& formulas_;
  std::optional<int64_t> chat_id_;
  std::vector<node_ptr> removed_;
};

// The nodes that rewrite() changes, children after their parents; nullopt when they are nested too deeply.
std::optional<std::vector<cmark_node*>> collect(cmark_node* document) {
  std::vector<cmark_node*> nodes;
  std::unique_ptr<cmark_iter, free_iterator> iterator{cmark_iter_new(document)};
  int depth = 0;
  for (auto event = cmark_iter_next(iterator.get()); event != CMARK_EVENT_DONE;
       event = cmark_iter_next(iterator.get())) {
    auto* node = cmark_iter_get_node(iterator.get());
    bool has_exit = cmark_node_first_child(node) != nullptr;
    if (event == CMARK_EVENT_EXIT) {
      if (has_exit)
        --depth;
      continue;
    }
    if (has_exit && ++depth > nesting_max)
      return std::nullopt;
    switch (static_cast<unsigned>(cmark_node_get_type(node))) {
    case CMARK_NODE_LINK:
    case CMARK_NODE_IMAGE:
    case CMARK_NODE_HTML_INLINE:
    case CMARK_NODE_HTML_BLOCK:
    case CMARK_NODE_CODE:
    case CMARK_NODE_CODE_BLOCK:
      nodes.push_back(node);
      break;
    default:
      break;
    }
  }
  return nodes;
}

// In safe mode every '<' of the text is escaped, so these prefixes can only be the renderer's own.
std::string with_link_attributes(std::string_view html) {
  constexpr std::string_view link = "<a href=\"";
  constexpr std::string_view image = "<img src=\"";
  constexpr std::string_view table = "<table>";
  constexpr std::string_view table_end = "</table>";
  std::string out;
  out.reserve(html.size() + html.size() / 8);
  for (size_t i = 0; i < html.size();) {
    auto rest = html.substr(i);
    if (rest.starts_with(link)) {
      out += "<a rel=\"noopener noreferrer nofollow\" target=\"_blank\" href=\"";
      i += link.size();
    } else if (rest.starts_with(image)) {
      out += "<img loading=\"lazy\" src=\"";
      i += image.size();
    } else if (rest.starts_with(table)) {
      out += "<div class=\"table-scroll\" tabindex=\"0\"><table>";
      i += table.size();
    } else if (rest.starts_with(table_end)) {
      out += "</table></div>";
      i += table_end.size();
    } else {
      out += html[i++];
    }
  }
  return out;
}

} // namespace

html::markup unformatted_html(std::string_view markdown) {
  return html::fragment(
    html::element("pre", {{"class", "plain"}}, markdown),
    html::element("p", {{"class", "unformatted"}}, "Shown as it was written: formatting it would take too much."));
}

html::markup markdown_to_html(std::string_view markdown, std::optional<int64_t> chat_id) {
  if (markdown.size() > markdown_bytes_max || !tables_are_bounded(markdown))
    return unformatted_html(markdown);
  auto [text, formulas] = protect_math(markdown);
  auto document = parse(text);
  if (!document)
    return unformatted_html(markdown);
  auto nodes = collect(document.get());
  if (!nodes)
    return unformatted_html(markdown);
  rewriter rewriter{formulas, chat_id};
  for (auto* node : *nodes)
    rewriter.rewrite(node);
  char* rendered = cmark_render_html(document.get(), CMARK_OPT_DEFAULT, nullptr);
  if (!rendered)
    return unformatted_html(markdown);
  std::string written = rendered;
  cmark_get_default_mem_allocator()->free(rendered);
  return html::trusted{restore_html(with_link_attributes(written), formulas), html::because::formatted_markdown};
}

} // namespace varro
