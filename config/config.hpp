// Every setting and limit of Varro, with its default. Units are in the names; each line here is a row of
// config/varro.toml. Values only; built at the start and by each reload (config_in_force.hpp), and then shared as
// const.
#pragma once

#include "config/identity_config.hpp"
#include "config/limits_config.hpp"
#include "config/price_table.hpp"
#include "config/retention_config.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace varro {

enum class auth_mode { local, accounts, proxy, oidc };
// The wire that a provider speaks: Anthropic's Messages, chat completions, OpenAI's Responses, Gemini's
// generateContent.
enum class provider_kind { offline, anthropic, openai, openai_responses, google };

// The JSON text of an object; "" for none.
struct json_object_text {
  std::string text;

  bool operator==(const json_object_text&) const = default;
};

// One model that a user can choose. `id` is what forms, the chat row and --model carry: "anthropic:claude-sonnet-4-5".
struct model_config {
  std::string id;
  std::string label; // what the page shows; the id when empty
  provider_kind kind = provider_kind::offline;
  std::string provider; // name of the provider section: "anthropic", "openai", "groq", "ollama"… (quirks go by it)
  std::string name;     // the vendor's own name of the model
  // OpenAI's two wires stand in for each other where the server says so: `kind` is the one to begin with.
  bool either_openai_api = false;
  std::string base_url; // without a trailing slash; anthropic: without /v1, openai: with /v1, as the vendors' SDKs;
                        // google: with /v1beta
  std::string api_key;  // secret: never logged, rendered or sent to another host; empty for local servers
  bool vision = true;   // images in tool results go back to the model
  bool tools = true;
  std::string thinking = "auto"; // "off" | "auto" | "adaptive" | "budget" | "between_tools"
  int64_t thinking_budget_tokens = 8'000;
  std::string effort; // "minimal" | "low" | "medium" | "high" | "xhigh" | "max"; empty: the vendor's default
  int64_t output_tokens_max = 16'000;
  int64_t context_tokens_max = 0;    // what a request and its answer may hold; 0: not known
  std::string cache_lifetime = "5m"; // of Anthropic's prompt cache: "5m" | "1h" | "off"
  std::string service_tier;          // the vendor's word for it; empty: the vendor's default
  json_object_text extra_body;       // put over each request's body, member by member
  std::optional<double> temperature;
  std::string retires_on;  // "2026-11-30", when the vendor ends it; empty: not known
  bool deprecated = false; // the vendor has announced its end
  std::string successor;   // id of the model that is proposed then; empty: none is known
  // What the vendor's list tells of requests, in the vendor's words; empty: it tells nothing.
  std::vector<std::string> thinking_types; // values of thinking.type: "adaptive", "disabled", "between_tools"…
  std::vector<std::string> efforts;        // "low", "high"…

  bool operator==(const model_config&) const = default;
};

// A vendor, or a server that speaks a vendor's wire, with everything that asking it needs.
struct provider_config {
  std::string name;
  provider_kind kind = provider_kind::openai;
  std::string base_url;
  std::string api_key; // secret
  bool either_openai_api = false;

  bool operator==(const provider_config&) const = default;
};

// The providers' own lists of their models (GET /v1/models and its kin).
struct model_lists_config {
  bool fetch = true;                           // off: no provider is asked for its list
  std::chrono::hours refresh{12};              // how often
  std::chrono::milliseconds start_wait{2'500}; // the first start, which has no list yet, waits so long for them
  int offered_max = 30;                        // models of one provider's list
  int retirement_notice_days = 30;             // before its end a model is marked, and another one proposed

  bool operator==(const model_lists_config&) const = default;
};

struct server_config {
  std::string host = "127.0.0.1";
  uint16_t port = 8000;   // 0 picks a free one
  std::string public_url; // where browsers reach it, for links that are printed; empty: http://HOST:PORT
  std::vector<std::string> allowed_hosts; // further Host names that are served (behind a proxy)
  // Addresses and ranges ("10.0.0.0/8") of proxies: what they say of a visitor's address is believed, nobody else's.
  std::vector<std::string> trusted_proxies;
  int workers = 8; // threads that run routes
  size_t request_head_bytes_max = 32u << 10;
  size_t request_body_bytes_max = 64u << 20;
  size_t message_bytes_max = 1u << 20;    // text of one user message
  size_t buffered_bytes_max = 512u << 20; // all requests that are being received or answered, together
  int connections_max = 20'000;
  std::chrono::milliseconds head_max{15'000};  // to receive a request's head
  std::chrono::milliseconds body_max{120'000}; // to receive its body
  std::chrono::milliseconds idle_max{120'000}; // a keep-alive connection between requests
};

struct stream_config {
  size_t viewer_buffer_bytes_max = 4u << 20; // unsent bytes of one viewer; more than this and it is dropped
  int viewers_max = 16'000;
  std::chrono::milliseconds keep_alive{15'000};
};

struct auth_config {
  auth_mode mode = auth_mode::local;
  std::chrono::hours session_max{24 * 30};        // of a browser session, however much it is used
  std::chrono::minutes session_idle{7 * 24 * 60}; // and without being used
  std::string sign_up = "closed";                 // "closed" | "invitation" | "open"
  std::chrono::hours invitation_max{72};          // how long a link of `varro user invite` can be used
  std::chrono::hours reset_max{24};               // one of `varro user reset-link`, or the first admin's
  int sign_ups_max = 20;                          // by one address within `attempts_window`
  int users_max = 10'000;                         // no further account is made by a link or an open sign-up then
  int hashes_max = 2;                             // passwords that are hashed at once, 64 MiB each
  int hash_waiters_max = 2;                       // requests that wait for that, a worker each
  std::chrono::milliseconds hash_wait_max{5'000}; // and how long
  int attempts_max = 10;                          // failed logins per name and per address within `attempts_window`
  std::chrono::seconds attempts_window{900};
  size_t password_bytes_min = 8;
  size_t password_bytes_max = 1024;
  std::chrono::hours token_max{24 * 366}; // how long a token for programs can be made to last
  int tokens_max = 50;                    // of one user
  bool admins_read_chats = false;         // each reading is in the audit
};

// Who may read /metrics.
struct metrics_config {
  // Addresses and ranges that connect themselves. What comes through a proxy comes from none of them.
  std::vector<std::string> allowed_addresses{"127.0.0.0/8", "::1"};
  std::string token; // secret: whoever sends it may read from anywhere; empty: nobody can
};

// Where a turn's time goes (base/trace.hpp): to a collector that takes OTLP over HTTP, and on a page for admins.
struct trace_config {
  std::string otlp_url;                         // "http://127.0.0.1:4318/v1/traces"; empty: nothing is sent
  std::string otlp_headers;                     // secret: of each request, "name=value,…", values percent-encoded
  std::optional<double> sample{1.0};            // share of the turns that is sent, 0 to 1
  size_t queue_spans_max = 20'000;              // that wait to be sent; further ones are dropped, and counted
  size_t batch_spans_max = 1'000;               // of one request, but for a turn that has more
  std::chrono::milliseconds export_max{10'000}; // one request
  size_t runs_kept = 200;                       // for the page: half the newest, half the slowest; 0: it shows none
  size_t kept_bytes_max = 8u << 20;             // that these hold
};

struct agent_config {
  int model_requests_max = 50;    // of one turn
  int retries_max = 3;            // consecutive retry prompts
  int64_t tokens_max = 2'000'000; // input + output of one turn
  std::string instructions;       // replaces the built-in system prompt when not empty
  // What becomes of a run that a crash cut off: "resume" goes on from its last node, "interrupt" waits for the user.
  std::string after_restart = "resume";
  int resumes_max = 3; // of one run: what brings the server down again and again is left alone then
  int runs_max = 0;    // of all users at once: further ones wait, each user's in turn; 0: no limit
};

struct model_client_config {
  int retries_max = 4; // further attempts of one request
  std::chrono::milliseconds backoff_first{500};
  std::chrono::milliseconds backoff_max{30'000};
  std::chrono::milliseconds retry_after_max{120'000}; // a longer retry-after is an error instead
  std::chrono::milliseconds connect_max{10'000};
  int timeouts_max = 1; // further attempts after one that ended by a time limit: it may have been paid already
  std::chrono::milliseconds first_byte_max{600'000};
  std::chrono::milliseconds silence_max{600'000};
  size_t response_bytes_max = 64u << 20;
};

// One warm interpreter: a Python from which shells are forked.
struct interpreter_config {
  std::string name;
  std::string path;
  std::vector<std::string> preload; // packages that are imported before shells are forked

  bool operator==(const interpreter_config&) const = default;
};

struct shell_config {
  std::string python = "/usr/bin/python3"; // of the interpreter "default", which preloads:
  std::vector<std::string> preload{"numpy", "pandas", "matplotlib"};
  std::vector<interpreter_config> interpreters; // [shell.python.NAME]; one named "default" replaces the one above
  std::string default_python = "default";       // of chats that name none
  std::string bubblewrap = "/usr/bin/bwrap";
  bool sandbox = true;                              // "off" is said on the page
  std::chrono::milliseconds cell_max{120'000};      // then SIGINT
  std::chrono::milliseconds interrupt_grace{3'000}; // then SIGKILL
  std::chrono::milliseconds start_max{60'000};
  std::chrono::minutes idle{30};        // a shell unused for so long is closed
  size_t output_bytes_max = 256u << 10; // text of one cell: head and tail are kept
  size_t image_bytes_max = 4u << 20;
  int images_max = 20;                  // of one cell
  size_t display_bytes_max = 16u << 20; // of one cell's images, HTML, charts and the like together
  int table_rows_max = 50;              // of a DataFrame's first rows
  int table_columns_max = 50;
  size_t frame_bytes_max = 64u << 20; // one protocol frame
  size_t memory_bytes_max = 2u << 30; // of one shell; the packages that all share are not counted
  size_t tmp_bytes_max = 256u << 20;
  size_t file_bytes_max = 512u << 20; // RLIMIT_FSIZE
  int processes_max = 64;
  int open_files_max = 512;
  int live_max = 1'000;            // shells at once; further starts wait for an idle one to be closed
  int starting_max = 4;            // shells that start at the same moment
  size_t memory_reserve_bytes = 0; // with less available, idle shells are put to sleep; 0: a tenth of the machine's
  int cpu_percent_max = 200;       // of one processor, where a cgroup is delegated
  std::chrono::minutes orphan{60}; // shells without a server live so long
  size_t journal_bytes_max = 1ull << 30;       // of all cells' outputs that wait for the server to commit them
  size_t workspace_bytes_max = 4ull << 30;     // of one chat's files
  size_t workspace_files_max = 100'000;        // and directories
  size_t versions_bytes_max = 1ull << 30;      // of one chat's earlier files, which branches come back to
  size_t user_bytes_max = 10ull << 30;         // of the files and messages of all chats of a user; 0: no limit
  size_t snapshot_bytes_max = 512u << 20;      // what one snapshot may hold; other variables are listed as lost
  size_t snapshot_file_bytes_max = 2ull << 30; // of one chat; a larger file is begun anew
  std::chrono::seconds snapshot_max{60};       // for writing one

  // "default" first, then the others.
  std::vector<interpreter_config> all_interpreters() const;
  bool has_interpreter(const std::string& name) const;
};

struct chat_config {
  int resident_max = 2'000;      // chat sessions in memory; idle ones beyond it are passivated
  std::chrono::minutes idle{15}; // a session without run, viewer or shell
  // Of one chat's messages, with what its cells have shown: beyond it cells show text only, and messages are refused.
  size_t history_bytes_max = 256u << 20;
  // Of the messages of all chats in memory. Near it idle chats leave early; beyond it no further chat is taken in.
  size_t resident_bytes_max = 1u << 30;
  size_t title_characters_max = 200;
  size_t attachment_bytes_max = 16u << 20; // pictures and documents that go to the model with one message
};

struct config {
  std::filesystem::path data_dir = "data";
  std::string default_model;              // id; empty: the catalog chooses from the providers' lists
  std::vector<model_config> models;       // those that the configuration names; offline is always the last
  std::vector<provider_config> providers; // whose lists are asked for
  bool offer_lists = false;               // the lists' models are offered; else they only complete `models`
  model_lists_config model_lists;
  server_config server;
  stream_config stream;
  auth_config auth;
  proxy_config proxy;
  oidc_config oidc;
  limits_config limits;
  retention_config retention;
  metrics_config metrics;
  trace_config trace;
  agent_config agent;
  model_client_config model_client;
  shell_config shell;
  chat_config chat;
  price_table prices;
  std::string log_level = "info";    // "error" | "warning" | "info" | "debug"
  std::string log_format = "text";   // "text" | "logfmt" | "json"
  bool log_requests = false;         // a line for each request that was answered
  bool keep_shells = false;          // varro serve --keep-shells: a stop leaves them to the next server
  bool discover_local_models = true; // ask Ollama and llama.cpp on loopback when no model is configured
  std::filesystem::path file;        // the configuration file that was read; empty when there was none

  // The model that the configuration names so, or nullptr. What can be chosen is in models/catalog.hpp.
  const model_config* find_model(const std::string& id) const;
};

} // namespace varro
