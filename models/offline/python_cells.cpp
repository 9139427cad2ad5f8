#include "models/offline/python_cells.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace varro {

namespace {

constexpr std::string_view blanks = " \t\r";
constexpr size_t statement_lines_max = 200; // of one statement with open brackets or quotes

// Lines with open brackets are looked at again with the next ones; all looks of one message together are bounded.
constexpr size_t looked_at_bytes_max = 8u << 20;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    auto line = text.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(blanks), line.size());
}

bool is_blank(std::string_view line) {
  return trim(line, blanks).empty();
}

// Lines without the indentation that they share, and without blank lines at both ends.
std::string joined_lines(std::vector<std::string_view> lines) {
  while (!lines.empty() && is_blank(lines.back()))
    lines.pop_back();
  while (!lines.empty() && is_blank(lines.front()))
    lines.erase(lines.begin());
  size_t shared = std::string_view::npos;
  for (const auto line : lines)
    if (!is_blank(line))
      shared = std::min(shared, indent_of(line));
  std::string code;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0)
      code += '\n';
    code += lines[i].substr(std::min(shared, lines[i].size()));
  }
  return code;
}

// --- fenced blocks ---------------------------------------------------------------------------------------------------

struct fence {
  char mark = 0;
  size_t size = 0;
  std::string_view info;
};

// "```python" or "~~~", with up to three spaces before it.
std::optional<fence> fence_at(std::string_view line) {
  const size_t begin = line.find_first_not_of(' ');
  if (begin == line.npos || begin > 3 || (line[begin] != '`' && line[begin] != '~'))
    return std::nullopt;
  const size_t end = std::min(line.find_first_not_of(line[begin], begin), line.size());
  const auto info = trim(line.substr(end), blanks);
  if (end - begin < 3 || (line[begin] == '`' && info.find('`') != info.npos))
    return std::nullopt;
  return fence{line[begin], end - begin, info};
}

bool is_python_mark(std::string_view info) {
  std::string word{info.substr(0, info.find_first_of(" \t{,:"))};
  for (auto& c : word)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (info.substr(0, 1) == "{") // "{python}", "{.python}"
    return info.find("python") != info.npos;
  for (const auto* mark : {"", "python", "py", "python3", "py3", "ipython", "pycon"})
    if (word == mark)
      return true;
  return false;
}

bool is_prompt(std::string_view line) {
  return trim(line, blanks).substr(0, 4) == ">>> ";
}

// Whether the first prompt is one of a session, and not of an example in a text between triple quotes.
bool is_session(const std::vector<std::string_view>& lines) {
  std::string_view open; // the quotes of the text that the line begins in
  for (const auto line : lines) {
    if (open.empty() && is_prompt(line))
      return true;
    for (size_t i = 0; i + 3 <= line.size();) {
      const auto quotes = line.substr(i, 3);
      const bool is_edge = open.empty() ? quotes == "\"\"\"" || quotes == "'''" : quotes == open;
      if (open.empty() && line[i] == '#')
        break;
      if (is_edge)
        open = open.empty() ? quotes : std::string_view{};
      i += is_edge ? 3 : 1;
    }
  }
  return false;
}

// Takes the prompts of an interactive session away, and with them the answers that stand between.
std::vector<std::string_view> without_prompts(std::vector<std::string_view> lines) {
  if (!is_session(lines))
    return lines;
  std::vector<std::string_view> code;
  for (const auto line : lines) {
    const auto text = trim(line, blanks);
    if (is_prompt(line) || text.substr(0, 4) == "... ")
      code.push_back(text.substr(4));
    else if (text == "...")
      code.push_back({});
  }
  return code;
}

struct fenced_text {
  bool any = false; // also of other languages
  std::vector<std::string> cells;
};

fenced_text fenced_blocks(const std::vector<std::string_view>& lines) {
  fenced_text found;
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto opening = fence_at(lines[i]);
    if (!opening)
      continue;
    found.any = true;
    std::vector<std::string_view> block;
    for (++i; i < lines.size(); ++i) {
      const auto closing = fence_at(lines[i]);
      if (closing && closing->mark == opening->mark && closing->size >= opening->size && closing->info.empty())
        break;
      block.push_back(lines[i]);
    }
    if (!is_python_mark(opening->info))
      continue;
    if (auto code = joined_lines(without_prompts(std::move(block))); !code.empty())
      found.cells.push_back(std::move(code));
  }
  return found;
}

// --- lines -----------------------------------------------------------------------------------------------------------

bool is_magic(std::string_view line) {
  for (const auto* magic : {"%timeit ", "%time ", "%matplotlib", "%who", "%whos", "%pwd", "%ls", "%%time", "%%timeit"})
    if (line.rfind(magic, 0) == 0)
      return true;
  return false;
}

// Finds runs of code in lines, each line looked at once as the beginning of a statement.
class line_reader {
public:
  line_reader(std::vector<std::string_view> lines, const name_set& known) : lines_(std::move(lines)), known_(known) {
    // nop
  }

  std::vector<std::string> cells() {
    while (at_ < lines_.size()) {
      const size_t taken = statement_lines();
      if (taken == 0) {
        end_run();
        ++at_;
        continue;
      }
      for (size_t i = 0; i < taken; ++i)
        run_.push_back(lines_[at_ + i]);
      at_ += taken;
    }
    end_run();
    return std::move(cells_);
  }

private:
  // How many lines from here belong to one statement, a comment or a blank; none when it is prose.
  size_t statement_lines() {
    const auto line = trim(lines_[at_], blanks);
    if (line.empty() || line[0] == '#')
      return 1;
    if (is_magic(line)) {
      proven_ = true;
      return 1;
    }
    std::string code;
    for (size_t count = 1; count <= statement_lines_max && at_ + count <= lines_.size(); ++count) {
      code += lines_[at_ + count - 1];
      code += '\n';
      looked_at_bytes_ += code.size();
      if (looked_at_bytes_ > looked_at_bytes_max)
        return 0;
      const auto tokens = tokenize_python(code);
      if (tokens.end == python_tokens::state::invalid)
        return 0;
      if (tokens.end == python_tokens::state::complete)
        return judged(tokens.tokens, count);
    }
    return 0;
  }

  size_t judged(const std::vector<python_token>& tokens, size_t count) {
    auto verdict = judge_statement(tokens, known_);
    const size_t body = verdict == statement_kind::header ? body_lines(at_ + count, indent_of(lines_[at_])) : 0;
    if (verdict == statement_kind::prose || (verdict == statement_kind::header && body == 0))
      return 0;
    if (verdict != statement_kind::neutral)
      proven_ = true;
    learn_names(tokens, known_);
    return count + body;
  }

  // Indented and blank lines below a header, up to the last that is indented.
  size_t body_lines(size_t begin, size_t indent) const {
    size_t body = 0;
    for (size_t i = begin; i < lines_.size(); ++i) {
      if (is_blank(lines_[i]))
        continue;
      if (indent_of(lines_[i]) <= indent)
        break;
      body = i - begin + 1;
    }
    return body;
  }

  void end_run() {
    if (proven_)
      if (auto code = joined_lines(run_); !code.empty())
        cells_.push_back(std::move(code));
    proven_ = false;
    run_.clear();
  }

  std::vector<std::string_view> lines_;
  name_set known_;
  size_t at_ = 0;
  size_t looked_at_bytes_ = 0;
  bool proven_ = false; // the run has a line that is code for certain
  std::vector<std::string_view> run_;
  std::vector<std::string> cells_;
};

} // namespace

std::vector<std::string> python_cells(std::string_view message, const name_set& known) {
  auto lines = lines_of(message);
  auto fenced = fenced_blocks(lines);
  if (fenced.any || message.size() > unfenced_bytes_max)
    return std::move(fenced.cells);
  for (auto& line : lines) {
    // A line that is nothing but a code span.
    const auto text = trim(line, blanks);
    if (text.size() > 2 && text.front() == '`' && text.back() == '`' && text.find('`', 1) == text.size() - 1)
      line = text.substr(1, text.size() - 2);
  }
  return line_reader{without_prompts(std::move(lines)), known}.cells();
}

} // namespace varro
