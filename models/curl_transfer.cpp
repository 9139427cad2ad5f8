#include "models/curl_transfer.hpp"

#include "base/text.hpp"
#include "models/retry_after.hpp"

#include <algorithm>
#include <cctype>

namespace varro {

namespace {

using std::chrono::milliseconds;
using reason = transport_end::reason;

constexpr long read_buffer_bytes = 16 << 10; // of each open request
constexpr size_t head_bytes_max = 256u << 10;
constexpr size_t detail_bytes_max = 500;
constexpr size_t secret_bytes_min = 4; // shorter header values would only garble the words

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

struct url_parts {
  bool valid = false;
  bool loopback = false;
  std::string tls_origin;
  std::vector<std::string> secrets; // user and password, encoded and decoded
};

url_parts split_url(const std::string& url) {
  url_parts parts;
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle{curl_url(), &curl_url_cleanup};
  if (!handle || curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return parts;
  auto get = [&](CURLUPart part, unsigned flags) {
    char* text = nullptr;
    std::string result;
    if (curl_url_get(handle.get(), part, &text, flags) == CURLUE_OK && text)
      result = text;
    curl_free(text);
    return result;
  };
  auto scheme = get(CURLUPART_SCHEME, 0);
  auto host = get(CURLUPART_HOST, 0);
  parts.valid = (scheme == "http" || scheme == "https") && !host.empty();
  if (scheme == "https")
    parts.tls_origin = host + ":" + get(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  parts.loopback = same_name(host, "localhost") || same_name(host, "[::1]")
    || (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
  for (auto part : {CURLUPART_USER, CURLUPART_PASSWORD})
    for (auto flags : {0u, static_cast<unsigned>(CURLU_URLDECODE)})
      if (auto text = get(part, flags); !text.empty())
        parts.secrets.push_back(text);
  return parts;
}

// What may be shown of libcurl's words: no secret, no control characters, not long.
std::string shown(std::string text, const std::vector<std::string>& secrets) {
  for (auto& secret : secrets) {
    if (secret.size() < secret_bytes_min)
      continue;
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
      text.replace(at, secret.size(), "***");
  }
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = ' ';
  if (text.size() > detail_bytes_max)
    text.resize(detail_bytes_max);
  return text;
}

std::string in_seconds(milliseconds value) {
  if (value.count() % 1000 == 0)
    return std::to_string(value.count() / 1000) + " s";
  return std::to_string(value.count()) + " ms";
}

reason reason_for(CURLcode code) {
  switch (code) {
  case CURLE_OK:
    return reason::complete;
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_PROXY:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_FAILED_INIT:
  case CURLE_OUT_OF_MEMORY:
    return reason::connect_failed;
  case CURLE_OPERATION_TIMEDOUT: // only the connect limit is libcurl's to watch
    return reason::timed_out;
  default:
    return reason::dropped;
  }
}

} // namespace

curl_transfer::~curl_transfer() {
  if (easy)
    curl_easy_cleanup(easy);
  curl_slist_free_all(headers_);
}

curl_transfer::clock::time_point curl_transfer::deadline() const {
  auto quiet = any_byte_ ? last_byte_ + limits.silence_max : started + limits.first_byte_max;
  return std::min(quiet, started + limits.total_max);
}

std::string curl_transfer::timeout_detail(clock::time_point now) const {
  if (now >= started + limits.total_max)
    return "the answer was not complete within " + in_seconds(limits.total_max);
  if (any_byte_)
    return "nothing more arrived for " + in_seconds(limits.silence_max);
  return "no answer began within " + in_seconds(limits.first_byte_max);
}

void curl_transfer::touched() {
  last_byte_ = clock::now();
  if (any_byte_)
    return;
  any_byte_ = true;
  *next_deadline = std::min(*next_deadline, deadline()); // silence may be shorter than the wait for the first byte
}

bool curl_transfer::take_header(std::string_view line) {
  touched();
  head_bytes_ += line.size();
  if (head_bytes_ > head_bytes_max) {
    too_large_ = true;
    return false;
  }
  if (head_told_) // trailers
    return true;
  if (line.starts_with("HTTP/")) { // each interim response (100, 103) has a head of its own
    content_type_.clear();
    retry_after_.reset();
    retry_after_exact_.reset();
    return true;
  }
  if (trim(line).empty()) {
    take_head_end();
    return true;
  }
  auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return true;
  auto name = line.substr(0, colon);
  auto value = trim(line.substr(colon + 1));
  if (same_name(name, "content-type"))
    content_type_ = value;
  else if (same_name(name, "retry-after"))
    retry_after_ = parse_retry_after(value, std::chrono::system_clock::now());
  else if (same_name(name, "retry-after-ms"))
    retry_after_exact_ = parse_retry_after_ms(value);
  return true;
}

void curl_transfer::take_head_end() {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200)
    return;
  http_status_ = static_cast<int>(status);
  head_told_ = true;
  if (callbacks.on_head)
    callbacks.on_head(http_status_, content_type_);
}

bool curl_transfer::take_body(std::string_view bytes) {
  touched();
  if (bytes.size() > limits.response_bytes_max - body_bytes_) {
    too_large_ = true;
    return false;
  }
  body_bytes_ += bytes.size();
  if (callbacks.on_bytes)
    callbacks.on_bytes(bytes);
  return true;
}

size_t curl_transfer::on_header_line(char* data, size_t size, size_t count, void* user) {
  return static_cast<curl_transfer*>(user)->take_header({data, size * count}) ? size * count : 0;
}

size_t curl_transfer::on_body_bytes(char* data, size_t size, size_t count, void* user) {
  return static_cast<curl_transfer*>(user)->take_body({data, size * count}) ? size * count : 0;
}

int curl_transfer::on_connected(void* user, char*, char*, int, int) {
  auto* self = static_cast<curl_transfer*>(user);
  long connections = 0;
  curl_easy_getinfo(self->easy, CURLINFO_NUM_CONNECTS, &connections);
  self->connected = true;
  ++self->sends_;
  self->opened = connections > 0;
  if (!self->tls_origin.empty())
    *self->progressed = true;
  return CURL_PREREQFUNC_OK;
}

std::optional<std::string> curl_transfer::add_headers() {
  auto append = [&](const std::string& line) {
    auto* list = curl_slist_append(headers_, line.c_str());
    if (list)
      headers_ = list;
    return list != nullptr;
  };
  for (auto& [name, value] : request.headers) {
    if ((name + value).find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos)
      return "a header of the request holds a line break";
    secrets_.push_back(value);
    if (auto space = value.find(' '); space != std::string::npos) // "Bearer KEY"
      secrets_.push_back(value.substr(space + 1));
    // libcurl drops a header that ends in a colon; a semicolon sends it empty.
    if (!append(value.empty() ? name + ";" : name + ": " + value))
      return "out of memory";
  }
  // A wait for "100 Continue" costs a second where a server does not know it.
  if (!append("Expect:"))
    return "out of memory";
  return std::nullopt;
}

std::optional<std::string> curl_transfer::prepare() {
  auto url = split_url(request.url);
  secrets_ = url.secrets;
  tls_origin = url.tls_origin;
  if (!url.valid)
    return "the address is not a http or https URL";
  if (request.method != "POST" && request.method != "GET")
    return "only GET and POST are spoken";
  if (auto problem = add_headers())
    return problem;
  easy = curl_easy_init();
  if (!easy)
    return "out of memory";
  set_options(url.loopback);
  return std::nullopt;
}

void curl_transfer::set_options(bool loopback) {
  auto set = [&](auto option, auto value) { curl_easy_setopt(easy, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, 30L);
  set(CURLOPT_TCP_KEEPINTVL, 15L);
  set(CURLOPT_BUFFERSIZE, read_buffer_bytes);
  set(CURLOPT_UPLOAD_BUFFERSIZE, read_buffer_bytes);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_max.count()));
  set(CURLOPT_USERAGENT, "varro/" VARRO_VERSION);
  if (loopback)
    set(CURLOPT_PROXY, "");
  set(CURLOPT_HTTPHEADER, headers_);
  if (request.method == "POST") {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  }
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(error_text_));
  set(CURLOPT_HEADERFUNCTION, &on_header_line);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &on_body_bytes);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &on_connected);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
}

void curl_transfer::end_with(CURLcode code) {
  if (too_large_)
    end(reason::too_large, "the answer is larger than " + std::to_string(limits.response_bytes_max) + " bytes");
  else if (code == CURLE_OK)
    end(reason::complete, "");
  else
    end(reason_for(code), error_text_[0] ? error_text_ : curl_easy_strerror(code),
        code == CURLE_OPERATION_TIMEDOUT || reason_for(code) == reason::connect_failed);
}

void curl_transfer::end(reason why, std::string detail, bool unsent) {
  transport_end result;
  result.unsent = unsent && http_status_ == 0;
  result.unanswered = std::max(0, result.unsent ? sends_ : sends_ - 1);
  result.why = why;
  result.http_status = http_status_;
  result.detail = shown(std::move(detail), secrets_);
  result.retry_after = retry_after_exact_ ? retry_after_exact_ : retry_after_;
  if (callbacks.on_end)
    callbacks.on_end(result);
}

} // namespace varro
