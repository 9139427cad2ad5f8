#include "http/forwarded.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <optional>

namespace varro {

namespace {

bool holds(std::span<const address_range> trusted, const ip_address& address) {
  return std::any_of(trusted.begin(), trusted.end(), [&](const address_range& each) { return each.contains(address); });
}

// Some proxies write the port, too: "192.0.2.1:4711", "[2001:db8::1]:4711".
std::optional<ip_address> address_of(std::string_view element) {
  auto port = std::string_view{};
  if (element.starts_with('[')) {
    auto end = element.find(']');
    if (end == element.npos)
      return std::nullopt;
    port = element.substr(end + 1);
    element = element.substr(1, end - 1);
    if (element.find(':') == element.npos) // brackets are for IPv6
      return std::nullopt;
  } else if (auto colon = element.find(':'); colon != element.npos && element.rfind(':') == colon) {
    port = element.substr(colon);
    element = element.substr(0, colon);
  }
  if (!port.empty() && (port.size() < 2 || port[0] != ':' || port.find_first_not_of("0123456789", 1) != port.npos))
    return std::nullopt;
  return parse_address(element);
}

// The elements of all fields of this name, from the last one of the last one on.
class elements_from_right {
public:
  elements_from_right(const received_request& request, std::string_view name)
    : field_(request.headers.rbegin()), end_(request.headers.rend()), name_(name) {}

  std::optional<std::string_view> next() {
    for (; field_ != end_; ++field_, begun_ = false) {
      if (field_->name != name_)
        continue;
      if (!begun_)
        rest_ = field_->value;
      if (begun_ && !more_)
        continue;
      begun_ = true;
      auto comma = rest_.rfind(',');
      more_ = comma != rest_.npos;
      auto element = trim(more_ ? rest_.substr(comma + 1) : rest_, " \t");
      rest_ = more_ ? rest_.substr(0, comma) : std::string_view{};
      return element;
    }
    return std::nullopt;
  }

private:
  std::vector<header_field>::const_reverse_iterator field_;
  std::vector<header_field>::const_reverse_iterator end_;
  std::string_view name_;
  std::string_view rest_;
  bool begun_ = false; // with the field that field_ is at
  bool more_ = false;  // elements of it
};

} // namespace

bool is_trusted(std::string_view connection, std::span<const address_range> trusted) {
  auto address = parse_address(connection);
  return address && holds(trusted, *address);
}

std::string visitor_address(const received_request& request, std::string_view connection,
                            std::span<const address_range> trusted) {
  std::string result{connection};
  if (!is_trusted(connection, trusted))
    return result;
  elements_from_right elements{request, "x-forwarded-for"};
  for (int hops = 0;; ++hops) {
    auto element = elements.next();
    if (!element)
      return result;
    auto address = address_of(*element);
    if (!address)
      return std::string{connection};
    result = to_text(*address);
    if (!holds(trusted, *address))
      return result;
    if (hops == forwarded_hops_max)
      return std::string{connection};
  }
}

void take_forwarded(received_request& request, std::span<const address_range> trusted) {
  request.by_proxy = is_trusted(request.peer, trusted);
  if (!request.by_proxy)
    return;
  request.peer = visitor_address(request, request.peer, trusted);
  auto is_scheme = [](const header_field& field) { return field.name == "x-forwarded-proto"; };
  request.https = std::count_if(request.headers.begin(), request.headers.end(), is_scheme) == 1
    && ascii_lower(request.header("x-forwarded-proto")) == "https";
}

} // namespace varro
