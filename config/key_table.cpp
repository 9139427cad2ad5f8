#include "config/keys.hpp"

namespace varro {

namespace {

using enum takes_force;

#define VARRO_AT(type, member) [](type& x) -> setting { return &x.member; }

constexpr int64_t kib = 1 << 10;
constexpr int64_t mib = 1 << 20;
constexpr int64_t gib = 1 << 30;
constexpr int64_t day_ms = 86'400'000;
constexpr int64_t path_bytes_max = 4096;
constexpr int64_t days_max = 36'600;
constexpr int64_t limit_max = 1'000'000'000'000'000; // of tokens and bytes

// Path, least, greatest, choices, refusal, when a change takes force (none: with the next start), member.
constexpr key_row<config> config_table[]{
  {{"data_dir", 1, path_bytes_max, "", ""}, VARRO_AT(config, data_dir)},
  {{"default_model", 0, 300, "", "", at_reload}, VARRO_AT(config, default_model)},
  {{"discover_local_models", 0, 1, "", "", at_reload}, VARRO_AT(config, discover_local_models)},
  {{"log_level", 0, 0, "error|warning|info|debug", "", at_reload}, VARRO_AT(config, log_level)},
  {{"log_format", 0, 0, "text|logfmt|json", "", at_reload}, VARRO_AT(config, log_format)},
  {{"log_requests", 0, 1, "", "", at_reload}, VARRO_AT(config, log_requests)},

  {{"server.host", 1, 255, "", ""}, VARRO_AT(config, server.host)},
  {{"server.port", 0, 65'535, "", ""}, VARRO_AT(config, server.port)},
  {{"server.public_url", 0, 500, "", ""}, VARRO_AT(config, server.public_url)},
  {{"server.allowed_hosts", 0, 100, "", ""}, VARRO_AT(config, server.allowed_hosts)},
  {{"server.trusted_proxies", 0, 100, "", ""}, VARRO_AT(config, server.trusted_proxies)},
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

  {{"metrics.allowed_addresses", 0, 100, "", "", at_reload}, VARRO_AT(config, metrics.allowed_addresses)},

  {{"trace.otlp_url", 0, 2'000, "", ""}, VARRO_AT(config, trace.otlp_url)},
  {{"trace.sample", 0, 1, "", ""}, VARRO_AT(config, trace.sample)},
  {{"trace.queue_spans_max", 1, 1'000'000, "", ""}, VARRO_AT(config, trace.queue_spans_max)},
  {{"trace.batch_spans_max", 1, 10'000, "", ""}, VARRO_AT(config, trace.batch_spans_max)},
  {{"trace.export_max_ms", 100, 60'000, "", ""}, VARRO_AT(config, trace.export_max)},
  {{"trace.runs_kept", 0, 10'000, "", ""}, VARRO_AT(config, trace.runs_kept)},
  {{"trace.kept_bytes_max", 64 * kib, gib, "", ""}, VARRO_AT(config, trace.kept_bytes_max)},

  {{"auth.mode", 0, 0, "local|accounts|proxy|oidc", ""}, VARRO_AT(config, auth.mode)},
  {{"auth.session_max_hours", 1, 24 * 366, "", ""}, VARRO_AT(config, auth.session_max)},
  {{"auth.session_idle_minutes", 2, 60 * 24 * 366, "", ""}, VARRO_AT(config, auth.session_idle)},
  {{"auth.sign_up", 0, 0, "closed|invitation|open", ""}, VARRO_AT(config, auth.sign_up)},
  {{"auth.invitation_max_hours", 1, 24 * 366, "", ""}, VARRO_AT(config, auth.invitation_max)},
  {{"auth.reset_max_hours", 1, 24 * 366, "", ""}, VARRO_AT(config, auth.reset_max)},
  {{"auth.sign_ups_max", 1, 10'000, "", ""}, VARRO_AT(config, auth.sign_ups_max)},
  {{"auth.users_max", 1, 1'000'000, "", ""}, VARRO_AT(config, auth.users_max)},
  {{"auth.hashes_max", 1, 16, "", ""}, VARRO_AT(config, auth.hashes_max)},
  {{"auth.hash_waiters_max", 0, 16, "", ""}, VARRO_AT(config, auth.hash_waiters_max)},
  {{"auth.hash_wait_max_ms", 1, 60'000, "", ""}, VARRO_AT(config, auth.hash_wait_max)},
  {{"auth.attempts_max", 1, 10'000, "", ""}, VARRO_AT(config, auth.attempts_max)},
  {{"auth.attempts_window_seconds", 1, 86'400, "", ""}, VARRO_AT(config, auth.attempts_window)},
  {{"auth.password_bytes_min", 1, 1024, "", ""}, VARRO_AT(config, auth.password_bytes_min)},
  {{"auth.password_bytes_max", 8, 65'536, "", ""}, VARRO_AT(config, auth.password_bytes_max)},
  {{"auth.token_max_hours", 1, 24 * 3'660, "", ""}, VARRO_AT(config, auth.token_max)},
  {{"auth.tokens_max", 0, 10'000, "", ""}, VARRO_AT(config, auth.tokens_max)},
  {{"auth.admins_read_chats", 0, 0, "", ""}, VARRO_AT(config, auth.admins_read_chats)},

  {{"proxy.user_header", 1, 100, "", ""}, VARRO_AT(config, proxy.user_header)},
  {{"proxy.mail_header", 0, 100, "", ""}, VARRO_AT(config, proxy.mail_header)},
  {{"proxy.groups_header", 0, 100, "", ""}, VARRO_AT(config, proxy.groups_header)},
  {{"proxy.groups_separator", 1, 10, "", ""}, VARRO_AT(config, proxy.groups_separator)},
  {{"proxy.logout_url", 0, 500, "", ""}, VARRO_AT(config, proxy.logout_url)},
  {{"proxy.admin_values", 0, 100, "", ""}, VARRO_AT(config, proxy.claims.admin_values)},
  {{"proxy.allowed_groups", 0, 1'000, "", ""}, VARRO_AT(config, proxy.claims.allowed_groups)},

  {{"oidc.issuer", 0, 500, "", ""}, VARRO_AT(config, oidc.issuer)},
  {{"oidc.client_id", 0, 500, "", ""}, VARRO_AT(config, oidc.client_id)},
  {{"oidc.label", 1, 100, "", ""}, VARRO_AT(config, oidc.label)},
  {{"oidc.scopes", 1, 50, "", ""}, VARRO_AT(config, oidc.scopes)},
  {{"oidc.name_claim", 1, 255, "", ""}, VARRO_AT(config, oidc.name_claim)},
  {{"oidc.mail_claim", 0, 255, "", ""}, VARRO_AT(config, oidc.mail_claim)},
  {{"oidc.groups_claim", 0, 255, "", ""}, VARRO_AT(config, oidc.groups_claim)},
  {{"oidc.role_claim", 0, 255, "", ""}, VARRO_AT(config, oidc.role_claim)},
  {{"oidc.admin_values", 0, 100, "", ""}, VARRO_AT(config, oidc.claims.admin_values)},
  {{"oidc.allowed_groups", 0, 1'000, "", ""}, VARRO_AT(config, oidc.claims.allowed_groups)},
  {{"oidc.algorithms", 1, 9, "", ""}, VARRO_AT(config, oidc.algorithms)},
  {{"oidc.clock_skew_seconds", 0, 600, "", ""}, VARRO_AT(config, oidc.clock_skew)},
  {{"oidc.recheck_seconds", 1, 86'400, "", ""}, VARRO_AT(config, oidc.recheck)},
  {{"oidc.request_max_ms", 100, 60'000, "", ""}, VARRO_AT(config, oidc.request_max)},

  {{"agent.model_requests_max", 1, 10'000, "", "", at_reload}, VARRO_AT(config, agent.model_requests_max)},
  {{"agent.retries_max", 0, 100, "", "", at_reload}, VARRO_AT(config, agent.retries_max)},
  {{"agent.tokens_max", 1, 1'000'000'000'000, "", "", at_reload}, VARRO_AT(config, agent.tokens_max)},
  {{"agent.instructions", 0, mib, "", "", at_reload}, VARRO_AT(config, agent.instructions)},
  {{"agent.after_restart", 0, 0, "resume|interrupt", "", at_reload}, VARRO_AT(config, agent.after_restart)},
  {{"agent.resumes_max", 0, 100, "", "", at_reload}, VARRO_AT(config, agent.resumes_max)},
  {{"agent.runs_max", 0, 100'000, "", ""}, VARRO_AT(config, agent.runs_max)},

  {{"model_client.retries_max", 0, 100, "", "", at_reload}, VARRO_AT(config, model_client.retries_max)},
  {{"model_client.backoff_first_ms", 1, day_ms, "", "", at_reload}, VARRO_AT(config, model_client.backoff_first)},
  {{"model_client.backoff_max_ms", 1, day_ms, "", "", at_reload}, VARRO_AT(config, model_client.backoff_max)},
  {{"model_client.retry_after_max_ms", 0, day_ms, "", "", at_reload}, VARRO_AT(config, model_client.retry_after_max)},
  {{"model_client.connect_max_ms", 1, day_ms, "", "", at_reload}, VARRO_AT(config, model_client.connect_max)},
  {{"model_client.timeouts_max", 0, 100, "", "", at_reload}, VARRO_AT(config, model_client.timeouts_max)},
  {{"model_client.first_byte_max_ms", 1, day_ms, "", "", at_reload}, VARRO_AT(config, model_client.first_byte_max)},
  {{"model_client.silence_max_ms", 1, day_ms, "", "", at_reload}, VARRO_AT(config, model_client.silence_max)},
  {{"model_client.response_bytes_max", kib, gib, "", "", at_reload}, VARRO_AT(config, model_client.response_bytes_max)},

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
  {{"shell.display_bytes_max", kib, gib, "", ""}, VARRO_AT(config, shell.display_bytes_max)},
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

  {{"models.fetch", 0, 1, "", "", at_reload}, VARRO_AT(config, model_lists.fetch)},
  {{"models.refresh_hours", 1, 24 * 366, "", "", at_reload}, VARRO_AT(config, model_lists.refresh)},
  {{"models.start_wait_ms", 0, 60'000, "", ""}, VARRO_AT(config, model_lists.start_wait)},
  {{"models.offered_max", 1, 1'000, "", "", at_reload}, VARRO_AT(config, model_lists.offered_max)},
  {{"models.retirement_notice_days", 0, 366, "", "", at_reload}, VARRO_AT(config, model_lists.retirement_notice_days)},

  {{"limits.models", 0, 1'000, "", "", at_reload}, VARRO_AT(config, limits.everybody.models)},
  {{"limits.runs_at_once", 0, 1'000'000, "", "", at_reload}, VARRO_AT(config, limits.everybody.runs_at_once)},
  {{"limits.model_requests_per_day", 0, 1'000'000'000, "", "", at_reload},
   VARRO_AT(config, limits.everybody.model_requests_per_day)},
  {{"limits.tokens_per_day", 0, limit_max, "", "", at_reload}, VARRO_AT(config, limits.everybody.tokens_per_day)},
  {{"limits.money_per_month", 0, 1'000'000'000, "", "", at_reload}, VARRO_AT(config, limits.everybody.money_per_month)},
  {{"limits.cell_cpu_seconds_per_day", 0, 1'000'000'000, "", "", at_reload},
   VARRO_AT(config, limits.everybody.cell_cpu_seconds_per_day)},
  {{"limits.chats", 0, 1'000'000'000, "", "", at_reload}, VARRO_AT(config, limits.everybody.chats)},
  {{"limits.upload_bytes_per_day", 0, limit_max, "", "", at_reload},
   VARRO_AT(config, limits.everybody.upload_bytes_per_day)},
  {{"limits.disk_bytes", 0, limit_max, "", "", at_reload}, VARRO_AT(config, limits.everybody.disk_bytes)},
  {{"limits.shells_alive", 0, 100'000, "", "", at_reload}, VARRO_AT(config, limits.everybody.shells_alive)},
  {{"limits.shell_memory_bytes", 0, 1024 * gib, "", "", at_reload},
   VARRO_AT(config, limits.everybody.shell_memory_bytes)},
  {{"limits.contact", 0, 500, "", "", at_reload}, VARRO_AT(config, limits.contact)},

  {{"retention.chats_unused_days", 0, days_max, "", "", at_reload},
   VARRO_AT(config, retention.everybody.chats_unused_days)},
  {{"retention.attachments_unused_days", 0, days_max, "", "", at_reload},
   VARRO_AT(config, retention.everybody.attachments_unused_days)},

  {{"prices.currency", 3, 3, "", "", at_reload}, VARRO_AT(config, prices.currency)},

  {{"chat.resident_max", 1, 1'000'000, "", ""}, VARRO_AT(config, chat.resident_max)},
  {{"chat.idle_minutes", 1, 60 * 24 * 366, "", ""}, VARRO_AT(config, chat.idle)},
  {{"chat.history_bytes_max", 1 * mib, 4'096 * mib, "", ""}, VARRO_AT(config, chat.history_bytes_max)},
  {{"chat.resident_bytes_max", 16 * mib, 1'048'576 * mib, "", ""}, VARRO_AT(config, chat.resident_bytes_max)},
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

// Each is a row of config_table, too: there for everybody.
constexpr key_row<user_limits> limit_table[]{
  {{"models", 0, 1'000, "", ""}, VARRO_AT(user_limits, models)},
  {{"runs_at_once", 0, 1'000'000, "", ""}, VARRO_AT(user_limits, runs_at_once)},
  {{"model_requests_per_day", 0, 1'000'000'000, "", ""}, VARRO_AT(user_limits, model_requests_per_day)},
  {{"tokens_per_day", 0, limit_max, "", ""}, VARRO_AT(user_limits, tokens_per_day)},
  {{"money_per_month", 0, 1'000'000'000, "", ""}, VARRO_AT(user_limits, money_per_month)},
  {{"cell_cpu_seconds_per_day", 0, 1'000'000'000, "", ""}, VARRO_AT(user_limits, cell_cpu_seconds_per_day)},
  {{"chats", 0, 1'000'000'000, "", ""}, VARRO_AT(user_limits, chats)},
  {{"upload_bytes_per_day", 0, limit_max, "", ""}, VARRO_AT(user_limits, upload_bytes_per_day)},
  {{"disk_bytes", 0, limit_max, "", ""}, VARRO_AT(user_limits, disk_bytes)},
  {{"shells_alive", 0, 100'000, "", ""}, VARRO_AT(user_limits, shells_alive)},
  {{"shell_memory_bytes", 0, 1024 * gib, "", ""}, VARRO_AT(user_limits, shell_memory_bytes)},
};

// As above.
constexpr key_row<retention_rule> retention_table[]{
  {{"chats_unused_days", 0, days_max, "", ""}, VARRO_AT(retention_rule, chats_unused_days)},
  {{"attachments_unused_days", 0, days_max, "", ""}, VARRO_AT(retention_rule, attachments_unused_days)},
};

constexpr key_order order_table[]{
  {"server.message_bytes_max", "server.request_body_bytes_max"},
  {"server.request_body_bytes_max", "server.buffered_bytes_max"},
  {"auth.password_bytes_min", "auth.password_bytes_max"},
  {"model_client.backoff_first_ms", "model_client.backoff_max_ms"},
  {"shell.output_bytes_max", "shell.frame_bytes_max"},
  {"shell.image_bytes_max", "shell.frame_bytes_max"},
  {"shell.starting_max", "shell.live_max"},
  {"chat.history_bytes_max", "chat.resident_bytes_max"},
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

std::span<const key_row<user_limits>> limit_keys() {
  return limit_table;
}

std::span<const key_row<retention_rule>> retention_keys() {
  return retention_table;
}

std::span<const key_order> config_key_orders() {
  return order_table;
}

} // namespace varro
