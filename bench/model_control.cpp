// What varro-model serves beside the model interfaces: the lists of models, and the routes for tests.
#include "bench/model_server.hpp"

namespace varro::bench {

namespace {

wire_answer json_answer(const json& body, int status = 200) {
  wire_answer result;
  result.status = status;
  result.pieces.push_back(dump_json(body));
  return result;
}

json openai_model(const std::string& id) {
  return {{"id", id}, {"object", "model"}, {"created", 1'735'689'600}, {"owned_by", "varro"}};
}

json anthropic_model(const std::string& id) {
  return {{"type", "model"}, {"id", id}, {"display_name", id}, {"created_at", "2025-01-01T00:00:00Z"}};
}

json ollama_model(const std::string& id) {
  json details{{"parent_model", ""},     {"format", "gguf"},
               {"family", "scripted"},   {"families", json::array({"scripted"})},
               {"parameter_size", "0B"}, {"quantization_level", "Q0"}};
  return {{"name", id},
          {"model", id},
          {"modified_at", "2025-01-01T00:00:00Z"},
          {"size", 0},
          {"digest", std::string(64, '0')},
          {"details", details}};
}

} // namespace

wire_answer model_server::list_models(const http_head& head, std::string_view path) const {
  bool anthropic = head.has("anthropic-version");
  if (auto at = path.find("/models/"); at != std::string_view::npos) {
    std::string id{path.substr(at + 8)};
    if (std::find(options_.models.begin(), options_.models.end(), id) != options_.models.end())
      return json_answer(anthropic ? anthropic_model(id) : openai_model(id));
    auto api = anthropic ? vendor::anthropic : vendor::openai;
    return problem_on_wire(api, {404, error_type(api, 404), "model: " + id, ""});
  }
  json list = json::array();
  for (auto& id : options_.models)
    list.push_back(path == "/api/tags" ? ollama_model(id) : anthropic ? anthropic_model(id) : openai_model(id));
  if (path == "/api/tags")
    return json_answer({{"models", list}});
  if (!anthropic)
    return json_answer({{"object", "list"}, {"data", list}});
  return json_answer(
    {{"data", list}, {"has_more", false}, {"first_id", options_.models.front()}, {"last_id", options_.models.back()}});
}

json model_server::state() const {
  return {{"requests", requests_}, {"refused", refused_},     {"last_refusal", last_refusal_},
          {"open", open_},         {"most_open", most_open_}, {"connections", connections_.size()}};
}

void model_server::answer_control(const connection_ptr& c, const std::string& method, std::string_view path) {
  if (method == "GET" && path == "/__state") {
    send_whole(c, json_answer(state()));
  } else if (method == "GET" && path == "/__requests") {
    json list = json::array();
    for (auto entry : recorded_) {
      if (auto parsed = parse_json(entry["body"].get<std::string>()))
        entry["body"] = *parsed;
      list.push_back(std::move(entry));
    }
    send_whole(c, json_answer(list));
  } else if (method == "DELETE" && path == "/__requests") {
    recorded_.clear();
    send_whole(c, json_answer(json::object()));
  } else if (method == "POST" && path == "/__script") {
    std::string error = "the body is not JSON";
    auto body = parse_json(c->reader.body());
    auto rules = body ? read_script(*body, error) : std::nullopt;
    if (rules)
      matcher_ = script_matcher{*rules};
    send_whole(c, rules ? json_answer(json::object()) : json_answer({{"error", error}}, 400));
  } else if (method == "POST" && path == "/__release") {
    auto held = std::move(held_);
    held_.clear();
    send_whole(c, json_answer({{"released", held.size()}}));
    for (auto& one : held)
      if (auto other = one.lock(); other && other->fd >= 0 && other->busy)
        other->resume();
  } else {
    send_whole(c, json_answer({{"error", "no such route"}}, 404));
  }
}

} // namespace varro::bench
