#include "http/request_id.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <random>

namespace varro {

namespace {

bool may_stand_in_an_id(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

} // namespace

std::string new_request_id() {
  thread_local std::mt19937_64 source{std::random_device{}() ^ (uint64_t{std::random_device{}()} << 32)};
  return to_hex(uint64_t{source()});
}

std::string request_id_of(const received_request& request) {
  const auto told = request.by_proxy ? request.header("x-request-id") : std::string_view{};
  const bool is_sane
    = !told.empty() && told.size() <= request_id_bytes_max && std::all_of(told.begin(), told.end(), may_stand_in_an_id);
  return is_sane ? std::string{told} : new_request_id();
}

} // namespace varro
