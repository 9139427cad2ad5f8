#include "models/transport.hpp"

#include "models/retry_after.hpp"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>

namespace varro {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using reason = transport_end::reason;

constexpr long cached_connections_max = 1024;
constexpr long streams_per_connection_max = 1000; // HTTP/2; the server's own limit counts besides
constexpr long read_buffer_bytes = 16 << 10;      // of each open request
constexpr size_t head_bytes_max = 256u << 10;
constexpr size_t detail_bytes_max = 500;
constexpr size_t secret_bytes_min = 4; // shorter header values would only garble the words
constexpr milliseconds idle_poll_max{60'000};

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

struct url_parts {
  bool valid = false;
  bool loopback = false;
  bool tls = false;
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
  parts.tls = scheme == "https";
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

// One request on its way. Lives on the transport's thread; libcurl holds its address.
struct transfer {
  http_transport::request_id id = 0;
  http_request request;
  transport_limits limits;
  transport_callbacks callbacks;
  std::vector<std::string> secrets;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  char error_text[CURL_ERROR_SIZE] = {};

  clock::time_point started;
  clock::time_point last_byte;                // of head or body
  clock::time_point* next_deadline = nullptr; // the transport's
  bool any_byte = false;
  bool head_told = false;
  bool too_large = false;
  int http_status = 0;
  size_t head_bytes = 0;
  size_t body_bytes = 0;
  std::string content_type;
  std::optional<milliseconds> retry_after;
  std::optional<milliseconds> retry_after_exact; // retry-after-ms wins over retry-after

  transfer() = default;
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;
  ~transfer() {
    if (easy)
      curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }

  clock::time_point deadline() const {
    auto quiet = any_byte ? last_byte + limits.silence_max : started + limits.first_byte_max;
    return std::min(quiet, started + limits.total_max);
  }

  std::string timeout_detail(clock::time_point now) const {
    if (now >= started + limits.total_max)
      return "the answer was not complete within " + in_seconds(limits.total_max);
    if (any_byte)
      return "nothing more arrived for " + in_seconds(limits.silence_max);
    return "no answer began within " + in_seconds(limits.first_byte_max);
  }

  void touched() {
    last_byte = clock::now();
    if (any_byte)
      return;
    any_byte = true;
    *next_deadline = std::min(*next_deadline, deadline()); // silence may be shorter than the wait for the first byte
  }

  bool take_header(std::string_view line) {
    touched();
    head_bytes += line.size();
    if (head_bytes > head_bytes_max) {
      too_large = true;
      return false;
    }
    if (head_told) // trailers
      return true;
    if (line.starts_with("HTTP/")) { // each interim response (100, 103) has a head of its own
      content_type.clear();
      retry_after.reset();
      retry_after_exact.reset();
      return true;
    }
    if (trimmed(line).empty()) {
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      if (status >= 200) {
        http_status = static_cast<int>(status);
        head_told = true;
        if (callbacks.on_head)
          callbacks.on_head(http_status, content_type);
      }
      return true;
    }
    auto colon = line.find(':');
    if (colon == std::string_view::npos)
      return true;
    auto name = line.substr(0, colon);
    auto value = trimmed(line.substr(colon + 1));
    if (same_name(name, "content-type"))
      content_type = value;
    else if (same_name(name, "retry-after"))
      retry_after = parse_retry_after(value, std::chrono::system_clock::now());
    else if (same_name(name, "retry-after-ms"))
      retry_after_exact = parse_retry_after_ms(value);
    return true;
  }

  bool take_body(std::string_view bytes) {
    touched();
    if (bytes.size() > limits.response_bytes_max - body_bytes) {
      too_large = true;
      return false;
    }
    body_bytes += bytes.size();
    if (callbacks.on_bytes)
      callbacks.on_bytes(bytes);
    return true;
  }
};

size_t on_header_line(char* data, size_t size, size_t count, void* user) {
  return static_cast<transfer*>(user)->take_header({data, size * count}) ? size * count : 0;
}

size_t on_body_bytes(char* data, size_t size, size_t count, void* user) {
  return static_cast<transfer*>(user)->take_body({data, size * count}) ? size * count : 0;
}

bool build_headers(transfer& t) {
  auto append = [&](const std::string& line) {
    auto* list = curl_slist_append(t.headers, line.c_str());
    if (list)
      t.headers = list;
    return list != nullptr;
  };
  for (auto& [name, value] : t.request.headers) {
    if ((name + value).find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos)
      return false;
    t.secrets.push_back(value);
    if (auto space = value.find(' '); space != std::string::npos) // "Bearer KEY"
      t.secrets.push_back(value.substr(space + 1));
    // libcurl drops a header that ends in a colon; a semicolon sends it empty.
    if (!append(value.empty() ? name + ";" : name + ": " + value))
      return false;
  }
  // A wait for "100 Continue" costs a second where a server does not know it.
  return append("Expect:");
}

// The words for why libcurl cannot be asked, or nothing.
std::optional<std::string> prepare(transfer& t) {
  auto url = split_url(t.request.url);
  t.secrets = url.secrets;
  if (!url.valid)
    return "the address is not a http or https URL";
  if (!build_headers(t))
    return "a header of the request holds a line break";
  t.easy = curl_easy_init();
  if (!t.easy)
    return "out of memory";
  auto set = [&](auto option, auto value) { curl_easy_setopt(t.easy, option, value); };
  set(CURLOPT_URL, t.request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Waiting for the first connection to say whether it is HTTP/2 saves a burst of TLS handshakes.
  set(CURLOPT_PIPEWAIT, url.tls ? 1L : 0L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, 30L);
  set(CURLOPT_TCP_KEEPINTVL, 15L);
  set(CURLOPT_BUFFERSIZE, read_buffer_bytes);
  set(CURLOPT_UPLOAD_BUFFERSIZE, read_buffer_bytes);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(t.limits.connect_max.count()));
  set(CURLOPT_USERAGENT, "varro/" VARRO_VERSION);
  if (url.loopback)
    set(CURLOPT_PROXY, "");
  set(CURLOPT_HTTPHEADER, t.headers);
  if (t.request.method == "POST") {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(t.request.body.size()));
    set(CURLOPT_POSTFIELDS, t.request.body.data());
  } else if (t.request.method != "GET") {
    return "only GET and POST are spoken";
  }
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(t.error_text));
  set(CURLOPT_HEADERFUNCTION, &on_header_line);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&t));
  set(CURLOPT_WRITEFUNCTION, &on_body_bytes);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&t));
  set(CURLOPT_PRIVATE, static_cast<void*>(&t));
  return std::nullopt;
}

class curl_transport : public http_transport {
public:
  curl_transport() {
    static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)initialised;
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, cached_connections_max);
    curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, streams_per_connection_max);
    // No limit on connections: a request that waits in a queue here would run into its own time limits.
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, 0L);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
    thread_ = std::thread{[this] { run(); }};
  }

  ~curl_transport() override {
    {
      std::lock_guard guard{mutex_};
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  request_id start(http_request request, transport_limits limits, transport_callbacks callbacks) override {
    auto t = std::make_unique<transfer>();
    t->request = std::move(request);
    t->limits = limits;
    t->callbacks = std::move(callbacks);
    request_id id = 0;
    {
      std::lock_guard guard{mutex_};
      id = t->id = ++last_id_;
      starts_.push_back(std::move(t));
    }
    curl_multi_wakeup(multi_);
    return id;
  }

  void cancel(request_id id) override {
    {
      std::lock_guard guard{mutex_};
      cancels_.push_back(id);
    }
    curl_multi_wakeup(multi_);
  }

private:
  void run() {
    // Signals belong to the main thread; a write to a closed TLS connection must not raise SIGPIPE.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np(pthread_self(), "transport");
    while (take_commands()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      finish_done();
      finish_late();
      auto wait = std::chrono::ceil<milliseconds>(next_deadline_ - clock::now());
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::clamp(wait, milliseconds{0}, idle_poll_max).count()),
                      nullptr);
    }
  }

  // False when the transport stops and everything has ended.
  bool take_commands() {
    std::vector<std::unique_ptr<transfer>> starts;
    std::vector<request_id> cancels;
    bool stopping = false;
    {
      std::lock_guard guard{mutex_};
      starts.swap(starts_);
      cancels.swap(cancels_);
      stopping = stopping_;
    }
    std::unordered_set<request_id> cancelled{cancels.begin(), cancels.end()};
    for (auto& t : starts) {
      if (stopping || cancelled.count(t->id) > 0)
        end(*t, reason::cancelled, "cancelled");
      else
        begin(std::move(t));
    }
    for (auto id : cancelled)
      close(id, reason::cancelled, "cancelled");
    if (!stopping)
      return true;
    while (!open_.empty())
      close(open_.begin()->first, reason::cancelled, "the transport was stopped");
    // A callback may have started another request.
    std::lock_guard guard{mutex_};
    return !starts_.empty();
  }

  void begin(std::unique_ptr<transfer> t) {
    t->started = clock::now();
    t->next_deadline = &next_deadline_;
    if (auto problem = prepare(*t)) {
      end(*t, reason::connect_failed, *problem);
      return;
    }
    if (auto code = curl_multi_add_handle(multi_, t->easy); code != CURLM_OK) {
      end(*t, reason::connect_failed, curl_multi_strerror(code));
      return;
    }
    next_deadline_ = std::min(next_deadline_, t->deadline());
    open_.emplace(t->id, std::move(t));
  }

  void finish_done() {
    int left = 0;
    while (auto* info = curl_multi_info_read(multi_, &left)) {
      if (info->msg != CURLMSG_DONE)
        continue;
      transfer* t = nullptr;
      curl_easy_getinfo(info->easy_handle, CURLINFO_PRIVATE, &t);
      auto code = info->data.result;
      auto why = t->too_large ? reason::too_large : reason_for(code);
      std::string detail;
      if (why == reason::too_large)
        detail = "the answer is larger than " + std::to_string(t->limits.response_bytes_max) + " bytes";
      else if (code != CURLE_OK)
        detail = t->error_text[0] ? t->error_text : curl_easy_strerror(code);
      close(t->id, why, std::move(detail));
    }
  }

  // Bytes after the first only move deadlines away, so the nearest known one tells when to look again.
  void finish_late() {
    auto now = clock::now();
    if (now < next_deadline_)
      return;
    next_deadline_ = now + idle_poll_max;
    std::vector<request_id> late;
    for (auto& [id, t] : open_) {
      if (now >= t->deadline())
        late.push_back(id);
      else
        next_deadline_ = std::min(next_deadline_, t->deadline());
    }
    for (auto id : late) {
      auto& t = *open_.at(id);
      close(id, reason::timed_out, t.timeout_detail(now));
    }
  }

  void close(request_id id, reason why, std::string detail) {
    auto found = open_.find(id);
    if (found == open_.end())
      return;
    auto t = std::move(found->second);
    open_.erase(found);
    // For HTTP/1.1 this closes the connection of an unfinished request, for HTTP/2 it resets the stream.
    curl_multi_remove_handle(multi_, t->easy);
    end(*t, why, std::move(detail));
  }

  static void end(transfer& t, reason why, std::string detail) {
    transport_end result;
    result.why = why;
    result.http_status = t.http_status;
    result.detail = shown(std::move(detail), t.secrets);
    result.retry_after = t.retry_after_exact ? t.retry_after_exact : t.retry_after;
    if (t.callbacks.on_end)
      t.callbacks.on_end(result);
  }

  CURLM* multi_ = nullptr;
  std::thread thread_;
  std::unordered_map<request_id, std::unique_ptr<transfer>> open_; // transport thread only
  clock::time_point next_deadline_ = clock::now() + idle_poll_max; // transport thread only

  std::mutex mutex_; // guards what follows
  std::vector<std::unique_ptr<transfer>> starts_;
  std::vector<request_id> cancels_;
  request_id last_id_ = 0;
  bool stopping_ = false;
};

} // namespace

std::unique_ptr<http_transport> make_curl_transport() {
  return std::make_unique<curl_transport>();
}

} // namespace varro
