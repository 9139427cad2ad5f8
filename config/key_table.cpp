#include "config/keys.hpp"

namespace varro {

namespace {

#define VARRO_AT(type, member) [](type& x) -> setting { return &x.member; }

constexpr int64_t kib = 1 << 10;
constexpr int64_t mib = 1 << 20;
constexpr int64_t gib = 1 << 30;
constexpr int64_t day_ms = 86'400'000;
constexpr int64_t path_bytes_max = 4096;

// Path, least, greatest, choices, refusal, member.
constexpr key_row<config> config_table[]{
  {{"data_dir", 1, path_bytes_max, "", ""}, VARRO_AT(config, data_dir)},
  {{"default_model", 0, 300, "", ""}, VARRO_AT(config, default_model)},
  {{"discover_local_models", 0, 1, "", ""}, VARRO_AT(config, discover_local_models)},
  {{"log_level", 0, 0, "error|warning|info|debug", ""}, VARRO_AT(config, log_level)},

  {{"server.host", 1, 255, "", ""}, VARRO_AT(config, server.host)},
  {{"server.port", 0, 65'535, "", ""}, VARRO_AT(config, server.port)},
  {{"server.allowed_hosts", 0, 100, "", ""}, VARRO_AT(config, server.allowed_hosts)},
  {{"server.workers", 1, 16, "", ""}, VARRO_AT(config, server.workers)},
  {{"server.request_head_bytes_max", kib, mib, "", ""}, VARRO_AT(config, server.request_head_bytes_max)},
  {{"server.request_body_bytes_max", kib, gib, "", ""}, VARRO_AT(config, server.request_body_bytes_max)},
  {{"server.message_bytes_max", 1, 64 * mib, "", ""}, VARRO_AT(config, server.message_bytes_max)},
  {{"server.buffered_bytes_max", mib, 64 * gib, "", ""}, VARRO_AT(config, server.buffered_bytes_max)},
  {{"server.connections_max", 1, 1'000'000, "", ""}, VARRO_AT(config, server.connections_max)},
  {{"server.head_max_ms", 100, day_ms, "", ""}, VARRO_AT(config, server.head_max)},
  {{"server.body_max_ms", 100, day_ms, "", ""}, VARRO_AT(config, server.body_max)},
  {{"server.idle_max_ms", 100, day_ms, "", ""}, VARRO_AT(config, server.idle_max)},

  {{"stream.viewer_buffer_bytes_max", 64 * kib, gib, "", ""}, VARRO_AT(config, stream.viewer_buffer_bytes_max)},
  {{"stream.viewers_max", 1, 1'000'000, "", ""}, VARRO_AT(config, stream.viewers_max)},
  {{"stream.keep_alive_ms", 100, day_ms, "", ""}, VARRO_AT(config, stream.keep_alive)},

  {{"auth.mode", 0, 0, "local|accounts|proxy", ""}, VARRO_AT(config, auth.mode)},
  {{"auth.session_max_hours", 1, 24 * 366, "", ""}, VARRO_AT(config, auth.session_max)},
  {{"auth.attempts_max", 1, 10'000, "", ""}, VARRO_AT(config, auth.attempts_max)},
  {{"auth.attempts_window_seconds", 1, 86'400, "", ""}, VARRO_AT(config, auth.attempts_window)},
  {{"auth.password_bytes_min", 1, 1024, "", ""}, VARRO_AT(config, auth.password_bytes_min)},
  {{"auth.password_bytes_max", 8, 65'536, "", ""}, VARRO_AT(config, auth.password_bytes_max)},

  {{"agent.model_requests_max", 1, 10'000, "", ""}, VARRO_AT(config, agent.model_requests_max)},
  {{"agent.retries_max", 0, 100, "", ""}, VARRO_AT(config, agent.retries_max)},
  {{"agent.tokens_max", 1, 1'000'000'000'000, "", ""}, VARRO_AT(config, agent.tokens_max)},
  {{"agent.instructions", 0, mib, "", ""}, VARRO_AT(config, agent.instructions)},
  {{"agent.after_restart", 0, 0, "resume|interrupt", ""}, VARRO_AT(config, agent.after_restart)},
  {{"agent.resumes_max", 0, 100, "", ""}, VARRO_AT(config, agent.resumes_max)},

  {{"model_client.retries_max", 0, 100, "", ""}, VARRO_AT(config, model_client.retries_max)},
  {{"model_client.backoff_first_ms", 1, day_ms, "", ""}, VARRO_AT(config, model_client.backoff_first)},
  {{"model_client.backoff_max_ms", 1, day_ms, "", ""}, VARRO_AT(config, model_client.backoff_max)},
  {{"model_client.retry_after_max_ms", 0, day_ms, "", ""}, VARRO_AT(config, model_client.retry_after_max)},
  {{"model_client.connect_max_ms", 1, day_ms, "", ""}, VARRO_AT(config, model_client.connect_max)},
  {{"model_client.timeouts_max", 0, 100, "", ""}, VARRO_AT(config, model_client.timeouts_max)},
  {{"model_client.first_byte_max_ms", 1, day_ms, "", ""}, VARRO_AT(config, model_client.first_byte_max)},
  {{"model_client.silence_max_ms", 1, day_ms, "", ""}, VARRO_AT(config, model_client.silence_max)},
  {{"model_client.response_bytes_max", kib, gib, "", ""}, VARRO_AT(config, model_client.response_bytes_max)},

  {{"shell.python", 1, path_bytes_max, "", ""}, VARRO_AT(config, shell.python)},
  {{"shell.preload", 0, 100, "", ""}, VARRO_AT(config, shell.preload)},
  {{"shell.default_python", 1, 64, "", ""}, VARRO_AT(config, shell.default_python)},
  {{"shell.bubblewrap", 1, path_bytes_max, "", ""}, VARRO_AT(config, shell.bubblewrap)},
  {{"shell.sandbox", 0, 1, "", ""}, VARRO_AT(config, shell.sandbox)},
  {{"shell.cell_max_ms", 100, day_ms, "", ""}, VARRO_AT(config, shell.cell_max)},
  {{"shell.interrupt_grace_ms", 1, 3'600'000, "", ""}, VARRO_AT(config, shell.interrupt_grace)},
  {{"shell.start_max_ms", 100, 3'600'000, "", ""}, VARRO_AT(config, shell.start_max)},
  {{"shell.idle_minutes", 1, 60 * 24 * 366, "", ""}, VARRO_AT(config, shell.idle)},
  {{"shell.output_bytes_max", kib, 64 * mib, "", ""}, VARRO_AT(config, shell.output_bytes_max)},
  {{"shell.image_bytes_max", kib, 64 * mib, "", ""}, VARRO_AT(config, shell.image_bytes_max)},
  {{"shell.images_max", 0, 1'000, "", ""}, VARRO_AT(config, shell.images_max)},
  {{"shell.table_rows_max", 1, 10'000, "", ""}, VARRO_AT(config, shell.table_rows_max)},
  {{"shell.table_columns_max", 1, 10'000, "", ""}, VARRO_AT(config, shell.table_columns_max)},
  {{"shell.frame_bytes_max", mib, gib, "", ""}, VARRO_AT(config, shell.frame_bytes_max)},
  {{"shell.memory_bytes_max", 256 * mib, 1024 * gib, "", ""}, VARRO_AT(config, shell.memory_bytes_max)},
  {{"shell.tmp_bytes_max", mib, 1024 * gib, "", ""}, VARRO_AT(config, shell.tmp_bytes_max)},
  {{"shell.file_bytes_max", mib, 1024 * gib, "", ""}, VARRO_AT(config, shell.file_bytes_max)},
  {{"shell.processes_max", 4, 30'000, "", ""}, VARRO_AT(config, shell.processes_max)},
  {{"shell.open_files_max", 32, 1'000'000, "", ""}, VARRO_AT(config, shell.open_files_max)},
  {{"shell.live_max", 1, 100'000, "", ""}, VARRO_AT(config, shell.live_max)},
  {{"shell.starting_max", 1, 1'000, "", ""}, VARRO_AT(config, shell.starting_max)},
  {{"shell.memory_reserve_bytes", 0, 1024 * 1024 * gib, "", ""}, VARRO_AT(config, shell.memory_reserve_bytes)},
  {{"shell.cpu_percent_max", 1, 100'000, "", ""}, VARRO_AT(config, shell.cpu_percent_max)},
  {{"shell.orphan_minutes", 1, 60 * 24 * 366, "", ""}, VARRO_AT(config, shell.orphan)},
  {{"shell.journal_bytes_max", mib, 1024 * gib, "", ""}, VARRO_AT(config, shell.journal_bytes_max)},
  {{"shell.workspace_bytes_max", mib, 1024 * gib, "", ""}, VARRO_AT(config, shell.workspace_bytes_max)},
  {{"shell.workspace_files_max", 10, 10'000'000, "", ""}, VARRO_AT(config, shell.workspace_files_max)},
  {{"shell.versions_bytes_max", 0, 1024 * gib, "", ""}, VARRO_AT(config, shell.versions_bytes_max)},
  {{"shell.user_bytes_max", 0, 1024 * 1024 * gib, "", ""}, VARRO_AT(config, shell.user_bytes_max)},
  {{"shell.snapshot_bytes_max", 0, 64 * gib, "", ""}, VARRO_AT(config, shell.snapshot_bytes_max)},
  {{"shell.snapshot_file_bytes_max", mib, 1024 * gib, "", ""}, VARRO_AT(config, shell.snapshot_file_bytes_max)},
  {{"shell.snapshot_max_seconds", 1, 3'600, "", ""}, VARRO_AT(config, shell.snapshot_max)},

  {{"models.fetch", 0, 1, "", ""}, VARRO_AT(config, model_lists.fetch)},
  {{"models.refresh_hours", 1, 24 * 366, "", ""}, VARRO_AT(config, model_lists.refresh)},
  {{"models.start_wait_ms", 0, 60'000, "", ""}, VARRO_AT(config, model_lists.start_wait)},
  {{"models.offered_max", 1, 1'000, "", ""}, VARRO_AT(config, model_lists.offered_max)},
  {{"models.retirement_notice_days", 0, 366, "", ""}, VARRO_AT(config, model_lists.retirement_notice_days)},

  {{"chat.resident_max", 1, 1'000'000, "", ""}, VARRO_AT(config, chat.resident_max)},
  {{"chat.idle_minutes", 1, 60 * 24 * 366, "", ""}, VARRO_AT(config, chat.idle)},
  {{"chat.title_characters_max", 30, 10'000, "", ""}, VARRO_AT(config, chat.title_characters_max)},
  {{"chat.attachment_bytes_max", 0, 64 * mib, "", ""}, VARRO_AT(config, chat.attachment_bytes_max)},
};

constexpr std::string_view no_literal_key
  = "a key is not written into this file, which is easily shared; put it into an environment variable and name that by "
    "api_key_env, or into a file of its own and name that by api_key_file";

constexpr key_row<provider_entry> provider_table[]{
  {{"kind", 0, 0, "anthropic|openai|openai-responses|google", ""}, VARRO_AT(provider_entry, kind)},
  {{"base_url", 1, 2'000, "", ""}, VARRO_AT(provider_entry, base_url)},
  {{"api_key_env", 1, 255, "", ""}, VARRO_AT(provider_entry, api_key_env)},
  {{"api_key_file", 1, path_bytes_max, "", ""}, VARRO_AT(provider_entry, api_key_file)},
  {{"api_key", 0, 0, "", no_literal_key}, VARRO_AT(provider_entry, refused)},
};

constexpr key_row<model_entry> model_table[]{
  {{"id", 1, 300, "", ""}, VARRO_AT(model_entry, model.id)},
  {{"provider", 1, 64, "", ""}, VARRO_AT(model_entry, model.provider)},
  {{"name", 1, 200, "", ""}, VARRO_AT(model_entry, model.name)},
  {{"label", 1, 200, "", ""}, VARRO_AT(model_entry, model.label)},
  {{"vision", 0, 1, "", ""}, VARRO_AT(model_entry, model.vision)},
  {{"tools", 0, 1, "", ""}, VARRO_AT(model_entry, model.tools)},
  {{"thinking", 0, 0, "off|auto|adaptive|budget|between_tools", ""}, VARRO_AT(model_entry, model.thinking)},
  {{"thinking_budget_tokens", 1'024, 10'000'000, "", ""}, VARRO_AT(model_entry, model.thinking_budget_tokens)},
  {{"effort", 0, 0, "minimal|low|medium|high|xhigh|max", ""}, VARRO_AT(model_entry, model.effort)},
  {{"output_tokens_max", 1, 10'000'000, "", ""}, VARRO_AT(model_entry, model.output_tokens_max)},
  {{"context_tokens_max", 1'000, 1'000'000'000, "", ""}, VARRO_AT(model_entry, model.context_tokens_max)},
  {{"cache_lifetime", 0, 0, "5m|1h|off", ""}, VARRO_AT(model_entry, model.cache_lifetime)},
  {{"service_tier", 1, 64, "", ""}, VARRO_AT(model_entry, model.service_tier)},
  {{"extra_body", 2, 64 * kib, "", ""}, VARRO_AT(model_entry, model.extra_body)},
  {{"temperature", 0, 2, "", ""}, VARRO_AT(model_entry, model.temperature)},
  {{"api_key", 0, 0, "", no_literal_key}, VARRO_AT(model_entry, model.api_key)},
};

constexpr key_row<interpreter_config> interpreter_table[]{
  {{"interpreter", 1, path_bytes_max, "", ""}, VARRO_AT(interpreter_config, path)},
  {{"preload", 0, 100, "", ""}, VARRO_AT(interpreter_config, preload)},
};

constexpr key_order order_table[]{
  {"server.message_bytes_max", "server.request_body_bytes_max"},
  {"server.request_body_bytes_max", "server.buffered_bytes_max"},
  {"auth.password_bytes_min", "auth.password_bytes_max"},
  {"model_client.backoff_first_ms", "model_client.backoff_max_ms"},
  {"shell.output_bytes_max", "shell.frame_bytes_max"},
  {"shell.image_bytes_max", "shell.frame_bytes_max"},
  {"shell.starting_max", "shell.live_max"},
};

#undef VARRO_AT

} // namespace

std::span<const key_row<config>> config_keys() {
  return config_table;
}

std::span<const key_row<provider_entry>> provider_keys() {
  return provider_table;
}

std::span<const key_row<model_entry>> model_keys() {
  return model_table;
}

std::span<const key_row<interpreter_config>> interpreter_keys() {
  return interpreter_table;
}

std::span<const key_order> config_key_orders() {
  return order_table;
}

} // namespace varro
