#include "bench/turn_check.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace varro::bench {

namespace {

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

int64_t leading_number(std::string_view text) {
  return whole_number(text.substr(0, text.find_first_not_of("0123456789"))).value_or(-1);
}

std::string decoded(std::string_view text) {
  static constexpr std::pair<std::string_view, char> entities[]
    = {{"&amp;", '&'}, {"&#38;", '&'}, {"&quot;", '"'}, {"&#34;", '"'}, {"&#39;", '\''}, {"&lt;", '<'}, {"&gt;", '>'}};
  std::string result;
  while (!text.empty()) {
    auto* found = std::find_if(std::begin(entities), std::end(entities),
                               [&](auto& entity) { return text.starts_with(entity.first); });
    bool is_entity = found != std::end(entities);
    result += is_entity ? found->second : text.front();
    text.remove_prefix(is_entity ? found->first.size() : 1);
  }
  return result;
}

} // namespace

std::vector<stream_event> event_reader::feed(std::string_view bytes) {
  std::vector<stream_event> events;
  for (char c : bytes) {
    if (c != '\n') {
      line_ += c;
      continue;
    }
    if (line_.ends_with('\r'))
      line_.pop_back();
    if (line_.empty()) {
      if (any_)
        events.push_back(std::move(event_));
      event_ = {};
      any_ = false;
      continue;
    }
    auto colon = line_.find(':');
    auto field = line_.substr(0, colon);
    auto value = colon == std::string::npos ? "" : line_.substr(colon + 1);
    if (value.starts_with(' '))
      value.erase(0, 1);
    if (field == "data") {
      event_.data += (event_.data.empty() ? "" : "\n") + value;
      any_ = true;
    } else if (field == "event") {
      event_.name = value;
      any_ = true;
    } else if (field == "id") {
      event_.id = value;
    }
    line_.clear();
  }
  return events;
}

turn_faults& turn_faults::operator+=(const turn_faults& other) {
  lost += other.lost;
  repeated += other.repeated;
  out_of_order += other.out_of_order;
  malformed += other.malformed;
  return *this;
}

void turn_check::fault(int& counter, std::string what) {
  ++counter;
  if (problem_.empty())
    problem_ = std::move(what);
}

void turn_check::take(const stream_event& event, int64_t arrived_us) {
  if (done_) {
    fault(faults_.out_of_order, "an event " + event.name + " after done");
  } else if (event.name == "content") {
    take_content(event, arrived_us);
  } else if (event.name == "done") {
    done_ = true;
    done_us_ = arrived_us;
    if (auto data = parse_json(event.data); data && data->is_object())
      status_ = data->value("status", "");
    if (status_.empty())
      fault(faults_.malformed, "done without a status: " + event.data);
  } else if (event.name != "progress") {
    fault(faults_.malformed, "an unknown event: " + event.name);
  }
}

void turn_check::take_content(const stream_event& event, int64_t arrived_us) {
  auto element = attribute(event.data, "id");
  auto kind = attribute(event.data, "data-block");
  auto id = whole_number(event.id);
  if (element.empty() || kind.empty() || !id) {
    fault(faults_.malformed, "content without id, element id or data-block: " + event.data.substr(0, 200));
    return;
  }
  auto before = seen_.find(element);
  if (before != seen_.end() && before->second == *id)
    fault(faults_.repeated, "the block " + element + " came twice with the id " + event.id);
  else if (*id < last_id_)
    fault(faults_.out_of_order, "the id " + event.id + " came after " + std::to_string(last_id_));
  last_id_ = std::max(last_id_, *id);
  if (kind != "user" && !first_node_)
    first_node_ = arrived_us;
  if (before == seen_.end()) {
    block_ids_.push_back(element);
    if (auto marker = time_marker(event.data))
      added_.push_back(arrived_us - *marker);
  }
  seen_[element] = *id;
  if (kind == "tool-call") {
    if (attribute(event.data, "data-state") == "running")
      running_.insert(element);
    else
      running_.erase(element);
  }
}

void turn_check::end() {
  if (!done_)
    fault(faults_.lost, "the stream ended without done");
  for (auto& element : running_)
    fault(faults_.lost, "the tool call " + element + " never got its result");
}

std::string attribute(std::string_view html, std::string_view name) {
  for (size_t at = html.find(name); at != std::string_view::npos; at = html.find(name, at + 1)) {
    auto after = at + name.size();
    bool whole = at > 0 && (html[at - 1] == ' ' || html[at - 1] == '\n' || html[at - 1] == '\t');
    if (!whole || html.substr(after, 2) != "=\"")
      continue;
    auto end = html.find('"', after + 2);
    return decoded(html.substr(after + 2, end - after - 2));
  }
  return {};
}

std::string stream_path(std::string_view html) {
  auto at = html.find("/chat/stream/");
  if (at == std::string_view::npos)
    return {};
  auto end = html.find_first_of("\"'<> \n", at);
  return decoded(html.substr(at, end - at));
}

int64_t chat_of(std::string_view stream_path) {
  static constexpr std::string_view prefix = "/chat/stream/";
  return stream_path.starts_with(prefix) ? leading_number(stream_path.substr(prefix.size())) : -1;
}

int64_t after_of(std::string_view stream_path) {
  auto at = stream_path.find("after=");
  return at == std::string_view::npos ? -1 : leading_number(stream_path.substr(at + 6));
}

std::string csrf_field(std::string_view html) {
  static constexpr std::string_view name = "name=\"csrf\"";
  for (size_t at = html.find(name); at != std::string_view::npos; at = html.find(name, at + 1)) {
    auto tag = html.rfind('<', at);
    auto end = html.find('>', at);
    // Scripts find the token in a meta tag of the same name, which has no value.
    if (auto value = attribute(html.substr(tag, end - tag), "value"); !value.empty())
      return value;
  }
  return {};
}

std::optional<int64_t> time_marker(std::string_view text) {
  std::optional<int64_t> found;
  for (size_t at = text.find("t="); at != std::string_view::npos; at = text.find("t=", at + 2)) {
    auto end = text.find_first_not_of("0123456789", at + 2);
    if (end != std::string_view::npos && end > at + 2 && text.substr(end).starts_with("us"))
      found = leading_number(text.substr(at + 2));
  }
  return found;
}

} // namespace varro::bench
