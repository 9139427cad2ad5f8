#include "models/offline/offline_report.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "models/history.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace varro {

namespace {

constexpr size_t quoted_bytes_max = 200;

std::string text_of(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

int64_t count_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

std::string counted(int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

int64_t lines_in(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') + 1;
}

// Cut between characters, and said to be cut.
std::string shortened(const std::string& text) {
  if (text.size() <= quoted_bytes_max)
    return text;
  return std::string{clip_utf8(text, quoted_bytes_max)} + "…";
}

// A code span whose marks are longer than any inside, so that the text cannot end it.
std::string code_span(const std::string& text) {
  size_t longest = 0;
  size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string marks(longest + 1, '`');
  const bool padded = !text.empty() && (text.front() == '`' || text.back() == '`');
  return marks + (padded ? " " : "") + text + (padded ? " " : "") + marks;
}

// One line is quoted, more are counted: the result stands right above the answer anyway.
std::string quoted_or_counted(const std::string& text) {
  const auto what = std::string{trim(text)};
  return lines_in(what) == 1 && what.size() <= quoted_bytes_max ? code_span(what)
                                                                : counted(lines_in(what), "line", "lines");
}

std::string listed(const std::vector<std::string>& items) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i)
    out += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
  return out;
}

std::string advice_for(const std::string& error) {
  if (error == "NameError")
    return " A name must be set before it is used; what earlier cells of this chat have set is still there.";
  if (error == "SyntaxError" || error == "IndentationError" || error == "TabError")
    return " Python could not read the code, so nothing of this cell ran.";
  if (error == "ModuleNotFoundError" || error == "ImportError")
    return " The shell has numpy, pandas and matplotlib, and no network to fetch others.";
  if (error == "FileNotFoundError")
    return " Files that you upload are in `/workspace`.";
  return {};
}

// Sentences about the outputs of one cell.
struct cell_words {
  std::vector<std::string> did; // "printed `hi`", "gave the value `4`"
  std::string error;            // a whole sentence
  int64_t plots = 0;
  std::vector<std::pair<std::string, int64_t>> displays; // what was shown, and how often
};

std::string display_name(const std::string& media_type) {
  if (media_type == "text/html")
    return "HTML";
  if (media_type == "text/markdown")
    return "Markdown";
  if (media_type == "text/latex")
    return "LaTeX";
  return media_type == "application/json" ? "JSON" : "a chart";
}

void describe_display(const json& output, cell_words& words) {
  const auto text = std::string{trim(text_of(output, "text"))};
  auto name = display_name(text_of(output, "media_type"));
  if (!text.empty())
    name += " (" + quoted_or_counted(text) + ")";
  const auto same = std::find_if(words.displays.begin(), words.displays.end(),
                                 [&name](const auto& display) { return display.first == name; });
  if (same == words.displays.end())
    words.displays.emplace_back(std::move(name), 1);
  else
    ++same->second;
}

void describe_output(const json& output, cell_words& words) {
  const auto type = text_of(output, "type");
  if (type == "stream") {
    const auto text = text_of(output, "text");
    if (is_blank(text))
      return;
    words.did.push_back((text_of(output, "name") == "stderr" ? "wrote to stderr: " : "printed ")
                        + quoted_or_counted(text));
  } else if (type == "value") {
    words.did.push_back("gave the value " + quoted_or_counted(text_of(output, "text")));
  } else if (type == "table") {
    words.did.push_back("showed a table of " + counted(count_of(output, "rows_total"), "row", "rows") + " × "
                        + counted(count_of(output, "columns_total"), "column", "columns"));
  } else if (type == "image") {
    ++words.plots;
  } else if (type == "rich") {
    describe_display(output, words);
  } else if (type == "error") {
    const auto name = text_of(output, "name");
    const auto message = std::string{trim(text_of(output, "message"))};
    words.error
      = "It raised " + code_span(shortened(message.empty() ? name : name + ": " + message)) + "." + advice_for(name);
  }
}

std::string ending_of(const std::string& status, const std::string& reason) {
  if (status == "ok" || status == "failed")
    return {};
  if (!reason.empty())
    return shortened(reason);
  if (status == "interrupted")
    return "It was interrupted; the variables are kept.";
  if (status == "killed")
    return "It was stopped and its Python process ended; the variables are gone.";
  return "Its result was lost; the code was not run again.";
}

std::string describe_cell(const json& cell) {
  cell_words words;
  if (const auto outputs = cell.find("outputs"); outputs != cell.end() && outputs->is_array())
    for (const auto& output : *outputs)
      if (output.is_object())
        describe_output(output, words);
  if (words.plots > 0)
    words.did.push_back("made " + counted(words.plots, "plot", "plots"));
  for (const auto& [name, count] : words.displays)
    words.did.push_back("showed " + name + (count == 1 ? "" : " " + std::to_string(count) + " times"));
  const auto status = text_of(cell, "status");
  const auto ending = ending_of(status, std::string{trim(text_of(cell, "reason"))});
  std::string out;
  if (!words.did.empty())
    out = "It " + listed(words.did) + ".";
  for (const auto& sentence : {words.error, ending})
    if (!sentence.empty())
      out += (out.empty() ? "" : " ") + sentence;
  if (!out.empty())
    return out;
  return status == "failed" ? "It failed without saying why." : "It ran without any output.";
}

std::string describe_return(const tool_return_part& part) {
  if (part.metadata.is_object())
    if (const auto cell = part.metadata.find("cell"); cell != part.metadata.end() && cell->is_object())
      return describe_cell(*cell);
  const auto content = split_tool_content(part.content);
  const auto text = std::string{trim(content.text)};
  if (part.outcome == "denied")
    return "It was not allowed to run.";
  const std::string verb = part.outcome == "success" ? "It returned " : "It failed with ";
  return verb + (text.empty() ? "nothing" : quoted_or_counted(text)) + ".";
}

std::string describe_retry(const retry_prompt_part& part) {
  const auto text = part.content.is_string() ? part.content.get<std::string>() : dump_json(part.content);
  return "The call was refused: " + code_span(shortened(std::string{trim(text)}))
    + ". The offline model does not try again.";
}

} // namespace

std::string report_of(const std::vector<request_part>& parts) {
  std::vector<std::string> steps;
  for (const auto& part : parts)
    if (const auto* result = std::get_if<tool_return_part>(&part))
      steps.push_back(describe_return(*result));
    else if (const auto* retry = std::get_if<retry_prompt_part>(&part))
      steps.push_back(describe_retry(*retry));
  if (steps.empty())
    return "Nothing ran.";
  if (steps.size() == 1)
    return "I ran the code. " + steps.front();
  std::string out = "I ran " + std::to_string(steps.size()) + " cells, in order:\n";
  for (size_t i = 0; i < steps.size(); ++i)
    out += "\n" + std::to_string(i + 1) + ". " + steps[i];
  return out;
}

} // namespace varro
