#include "config/local_models.hpp"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include <curl/curl.h>
#include <nlohmann/json.hpp>

namespace varro {

namespace {

constexpr size_t name_bytes_max = 200;
constexpr int nesting_max = 50;

struct easy_deleter {
  void operator()(CURL* handle) const {
    curl_easy_cleanup(handle);
  }
};
struct multi_deleter {
  void operator()(CURLM* handle) const {
    curl_multi_cleanup(handle);
  }
};

// One question to one server.
struct question {
  const char* provider;
  std::string server;
  std::string url;
  std::string answer;
  bool answered = false;
  std::unique_ptr<CURL, easy_deleter> handle;
};

size_t receive(char* bytes, size_t, size_t count, void* into) {
  auto& answer = *static_cast<std::string*>(into);
  if (answer.size() + count > local_answer_bytes_max)
    return 0; // ends the transfer
  answer.append(bytes, count);
  return count;
}

void prepare(question& asked, const local_servers& limits) {
  asked.handle.reset(curl_easy_init());
  auto handle = asked.handle.get();
  if (!handle)
    return;
  curl_easy_setopt(handle, CURLOPT_URL, asked.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(handle, CURLOPT_PROXY, ""); // loopback is never behind a proxy, whatever http_proxy says
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_max.count()));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.answer_max.count()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &asked.answer);
}

// All at once; each has its own time limit, so that the loop ends.
void ask(std::vector<question>& questions, const local_servers& limits) {
  std::unique_ptr<CURLM, multi_deleter> multi{curl_multi_init()};
  if (!multi)
    return;
  for (auto& asked : questions) {
    prepare(asked, limits);
    if (asked.handle)
      curl_multi_add_handle(multi.get(), asked.handle.get());
  }
  int running = 1;
  while (running > 0 && curl_multi_perform(multi.get(), &running) == CURLM_OK) {
    int left = 0;
    while (auto message = curl_multi_info_read(multi.get(), &left))
      for (auto& asked : questions)
        if (message->msg == CURLMSG_DONE && message->easy_handle == asked.handle.get())
          asked.answered = message->data.result == CURLE_OK;
    if (running > 0)
      curl_multi_poll(multi.get(), nullptr, 0, 100, nullptr);
  }
  for (auto& asked : questions)
    if (asked.handle)
      curl_multi_remove_handle(multi.get(), asked.handle.get());
}

// Deep nesting would be paid for in stack by whoever walks the document.
bool nested_within(std::string_view text, int max) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '{' || c == '['))
      ++depth;
    else if (!in_string && (c == '}' || c == ']'))
      --depth;
    if (depth > max)
      return false;
  }
  return true;
}

bool is_model_name(std::string_view name) {
  auto visible = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; };
  return !name.empty() && name.size() <= name_bytes_max && std::all_of(name.begin(), name.end(), visible);
}

model_config local_model(const question& asked, const std::string& name) {
  model_config model;
  model.provider = asked.provider;
  model.kind = provider_kind::openai;
  model.name = name;
  model.id = model.provider + ":" + name;
  // llama.cpp tells the path of the file that it was started with.
  auto slash = name.find_last_of('/');
  auto tail = slash == std::string::npos || slash + 1 == name.size() ? name : name.substr(slash + 1);
  model.label = tail + (model.provider == "ollama" ? " (Ollama)" : " (llama.cpp)");
  model.base_url = asked.server + "/v1";
  model.vision = false; // most local models cannot see, and a server that gets an image for one refuses the request
  return model;
}

} // namespace

std::vector<std::string> names_of_models(std::string_view answer) {
  std::vector<std::string> names;
  if (answer.size() > local_answer_bytes_max || !nested_within(answer, nesting_max))
    return names;
  auto document = nlohmann::json::parse(answer, nullptr, false);
  if (!document.is_object())
    return names;
  for (auto [list, field] : {std::pair{"data", "id"}, std::pair{"models", "name"}}) {
    auto models = document.find(list);
    if (models == document.end() || !models->is_array())
      continue;
    for (const auto& entry : *models) {
      auto value = entry.is_object() ? entry.find(field) : entry.end();
      if (!entry.is_object() || value == entry.end() || !value->is_string())
        continue;
      const auto& name = value->get_ref<const std::string&>();
      if (is_model_name(name) && name.find("embed") == std::string::npos
          && std::find(names.begin(), names.end(), name) == names.end() && names.size() < local_models_max)
        names.push_back(name);
    }
  }
  return names;
}

std::vector<model_config> discover_local_models(const local_servers& servers) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  // Old Ollamas know only /api/tags; others that speak its protocol know only /v1/models.
  std::vector<question> questions;
  for (auto [provider, server, path] :
       {std::tuple{"ollama", servers.ollama, "/api/tags"}, std::tuple{"ollama", servers.ollama, "/v1/models"},
        std::tuple{"llamacpp", servers.llamacpp, "/v1/models"}})
    questions.push_back(question{provider, server, server + path, {}, false, nullptr});
  ask(questions, servers);
  std::vector<model_config> models;
  for (const auto& asked : questions)
    for (const auto& name : asked.answered ? names_of_models(asked.answer) : std::vector<std::string>{}) {
      auto model = local_model(asked, name);
      auto same = [&](const model_config& other) { return other.id == model.id; };
      if (std::none_of(models.begin(), models.end(), same))
        models.push_back(std::move(model));
    }
  return models;
}

} // namespace varro
