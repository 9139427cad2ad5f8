#include "models/offline/offline.hpp"

#include "models/cell.hpp"
#include "models/message_json.hpp"
#include "models/offline/offline_report.hpp"
#include "models/offline/python_cells.hpp"
#include "models/timestamp.hpp"

#include <algorithm>
#include <set>

namespace varro {

namespace {

constexpr size_t remembered_cells_max = 50; // earlier cells whose names a line may refer to

std::string text_of_prompt(const user_prompt_part& part) {
  if (const auto* text = std::get_if<std::string>(&part.content))
    return *text;
  std::string out;
  for (const auto& item : std::get<std::vector<user_content>>(part.content)) {
    const auto* plain = std::get_if<std::string>(&item);
    const auto* tagged = std::get_if<text_content>(&item);
    if (plain || tagged)
      out += (out.empty() ? "" : "\n") + (plain ? *plain : tagged->content);
  }
  return out;
}

// The last one of a request, or nullptr.
const user_prompt_part* prompt_in(const message& one) {
  if (const auto* request = std::get_if<model_request>(&one))
    for (auto part = request->parts.rbegin(); part != request->parts.rend(); ++part)
      if (const auto* prompt = std::get_if<user_prompt_part>(&*part))
        return prompt;
  return nullptr;
}

// The newest user prompt, and what the tools have answered since.
struct turn {
  std::string prompt;
  std::vector<request_part> results;
};

turn newest_turn(const message_history& history) {
  size_t begin = history.size();
  while (begin > 0 && !prompt_in(history[begin - 1]))
    --begin;
  turn out;
  if (begin == 0)
    return out;
  out.prompt = text_of_prompt(*prompt_in(history[begin - 1]));
  for (size_t i = begin; i < history.size(); ++i)
    if (const auto* request = history[i].as<model_request>())
      for (const auto& part : request->parts)
        if (!std::holds_alternative<system_prompt_part>(part))
          out.results.push_back(part);
  return out;
}

std::string code_of_call(const tool_call_part& call) {
  std::optional<json> args = call.args;
  if (call.args.is_string())
    args = parse_json(call.args.get_ref<const std::string&>());
  if (!args || !args->is_object())
    return {};
  const auto code = args->find("code");
  return code != args->end() && code->is_string() ? code->get<std::string>() : std::string{};
}

struct past_calls {
  std::set<std::string> ids;
  size_t count = 0;
  name_set names; // that the newest cells set or use
};

past_calls calls_in(const message_history& history) {
  past_calls out;
  for (auto one = history.rbegin(); one != history.rend(); ++one)
    if (const auto* response = one->as<model_response>())
      for (const auto& part : response->parts)
        if (const auto* call = std::get_if<tool_call_part>(&part)) {
          out.ids.insert(call->tool_call_id);
          if (call->tool_name != cell_tool_name || ++out.count > remembered_cells_max)
            continue;
          const auto code = code_of_call(*call);
          learn_names(tokenize_python(code).tokens, out.names);
        }
  return out;
}

bool offers_python(const model_query& query) {
  return std::any_of(query.tools.begin(), query.tools.end(),
                     [](const tool_definition& tool) { return tool.name == cell_tool_name; });
}

std::string plan_for(size_t cells) {
  if (cells == 1)
    return "The message contains Python. I run it in this chat's shell.";
  return "The message contains " + std::to_string(cells)
    + " pieces of Python. I run them in this chat's shell, in order.";
}

void say(model_response& response, std::string text) {
  response.parts.push_back(text_part{std::move(text), {}, {}, nullptr});
}

void call_python(model_response& response, const std::vector<std::string>& cells, const past_calls& past) {
  response.parts.push_back(thinking_part{plan_for(cells.size()), {}, {}, {}, nullptr});
  size_t number = past.ids.size();
  for (const auto& code : cells) {
    tool_call_part call;
    call.tool_name = cell_tool_name;
    call.args = json::object({{"code", code}});
    do
      call.tool_call_id = "offline_" + std::to_string(++number);
    while (past.ids.count(call.tool_call_id) > 0);
    response.parts.push_back(std::move(call));
  }
}

std::string help() {
  std::string text
    = "I am the built-in offline model: I run the Python that a message contains, and I do not understand language.\n\n"
      "To talk to a language model, connect one and start Varro again:\n\n"
      "- **Anthropic**: set `ANTHROPIC_API_KEY`.\n"
      "- **OpenAI, or any server that speaks its protocol**: set `OPENAI_API_KEY`, and `OPENAI_BASE_URL` for another "
      "server.\n"
      "- **On this machine**: start Ollama or llama.cpp's `llama-server`; their models are found by themselves.\n"
      "- Other providers and several models at once are configured in `config/varro.toml`.\n\n"
      "Without a model you can send Python, in a fenced block or as plain lines. Three examples:\n";
  for (const auto& example : offline_examples())
    text += "\n**" + example.title + "**\n\n" + example.text + "\n";
  return text;
}

} // namespace

model_response offline_answer(const model_query& query) {
  static const message_history nothing;
  const auto& history = query.history ? *query.history : nothing;
  model_response response;
  response.timestamp = timestamp_now();
  response.model_name = "offline";
  response.provider_name = "offline";
  response.finish_reason = "stop";
  const auto now = newest_turn(history);
  if (!now.results.empty()) {
    say(response, report_of(now.results));
    return response;
  }
  const auto past = calls_in(history);
  const auto cells = python_cells(now.prompt, past.names);
  if (cells.empty()) {
    say(response, help());
  } else if (!offers_python(query)) {
    say(response, "The message contains Python, but Python is switched off here, so nothing ran.");
  } else {
    call_python(response, cells, past);
    response.finish_reason = "tool_call";
  }
  return response;
}

const std::vector<example_prompt>& offline_examples() {
  static const std::vector<example_prompt> examples{
    {"Plot a sine wave", R"(Plot a sine wave.

```python
import numpy as np
import matplotlib.pyplot as plt

x = np.linspace(0, 2 * np.pi, 200)
plt.plot(x, np.sin(x))
plt.title("A sine wave")
plt.show()
```)"},
    {"Summarise a table", R"(Summarise a small table.

```python
import pandas as pd

sales = pd.DataFrame({
    "month": ["Jan", "Feb", "Mar", "Apr"],
    "units": [120, 95, 143, 160],
    "price": [9.5, 9.5, 8.9, 8.9],
})
sales["revenue"] = sales["units"] * sales["price"]
sales.describe()
```)"},
    {"Compute in two steps", R"(Grow 1,000 by 3 % a year, in two cells: the second one uses what the first has set.

```python
balance = 1000.0
history = []
```

```python
for year in range(1, 11):
    balance *= 1.03
    history.append(round(balance, 2))
history[-1]
```)"},
  };
  return examples;
}

} // namespace varro
