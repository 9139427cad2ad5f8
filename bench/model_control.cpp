// What varro-model serves for tests beside the model interfaces.
#include "bench/model_server.hpp"

namespace varro::bench {

namespace {

wire_answer json_answer(const json& body, int status = 200) {
  wire_answer result;
  result.status = status;
  result.pieces.push_back(dump_json(body));
  return result;
}

} // namespace

json model_server::state() const {
  return {{"requests", requests_}, {"refused", refused_},     {"last_refusal", last_refusal_},
          {"open", open_},         {"most_open", most_open_}, {"connections", connections_.size()}};
}

json model_server::bills() const {
  json list = json::array();
  for (const auto& each : bills_)
    list.push_back({{"request", each.request},
                    {"id", each.id},
                    {"told", each.told},
                    {"input", each.input},
                    {"cache_read", each.cache_read},
                    {"cache_write", each.cache_write},
                    {"output", each.output}});
  return list;
}

void model_server::answer_control(const connection_ptr& c, const std::string& method, std::string_view path) {
  if (method == "GET" && path == "/__state") {
    send_whole(c, json_answer(state()));
  } else if (method == "GET" && path == "/__billed") {
    send_whole(c, json_answer(bills()));
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
