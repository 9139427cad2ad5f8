#include "doctor.hpp"

#include "shell/diagnosis.hpp"
#include "storage/database.hpp"

#include <algorithm>
#include <memory>
#include <ostream>
#include <set>
#include <tuple>

#include <curl/curl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr uint64_t free_bytes_low = 1ull << 30;
constexpr uint64_t free_bytes_least = 100ull << 20;
constexpr long connect_max_ms = 5'000;
constexpr long answer_max_ms = 10'000;
constexpr rlim_t files_besides_connections = 500; // databases, shells, pollers

class report {
public:
  explicit report(std::ostream& out) : out_(out) {}

  void ok(const std::string& what) {
    out_ << "ok    " << what << "\n";
  }
  void warn(const std::string& what, const std::string& remedy) {
    out_ << "warn  " << what << "\n      " << remedy << "\n";
  }
  void fail(const std::string& what, const std::string& remedy) {
    out_ << "FAIL  " << what << "\n      " << remedy << "\n";
    failed_ = true;
  }
  int exit_code() const {
    return failed_ ? 1 : 0;
  }

private:
  std::ostream& out_;
  bool failed_ = false;
};

void check_shell(const config& settings, report& to) {
  if (!settings.shell.sandbox)
    to.warn("shell: the sandbox is off: the chats' Python has all rights of this server",
            "remove shell.sandbox = false from the configuration");
  bool ran = false, has_cgroup = false;
  for (const auto& python : settings.shell.all_interpreters()) {
    auto name = "shell: Python " + python.name + ", " + python.path;
    auto diagnosis = diagnose_shell(settings.shell, python);
    if (diagnosis.ok)
      to.ok(name + " " + diagnosis.python + ": a cell ran");
    for (const auto& problem : diagnosis.problems)
      to.fail(name + (diagnosis.python.empty() ? ": no cell ran" : ": a package is missing"), problem);
    ran = ran || diagnosis.ok;
    has_cgroup = has_cgroup || diagnosis.has_cgroup;
  }
  // Of the place where this program was started: a unit's is another one.
  if (ran && has_cgroup)
    to.ok("limits: each shell has a cgroup v2 of its own, for memory, processes and processor time");
  else if (ran)
    to.warn(
      "limits: no cgroup v2 is delegated here: memory of a whole shell is looked at once a second only, its "
      "processor time is not limited",
      "Delegate=yes in the server's systemd unit; systemd-run --pipe -p Delegate=yes varro doctor shows what holds "
      "there");
}

void check_data_dir(const config& settings, report& to) {
  const auto& dir = settings.data_dir;
  std::error_code status;
  if (!std::filesystem::exists(dir, status)) {
    to.ok("data: " + dir.string() + " does not exist yet and is made at the first start");
    return;
  }
  struct stat info {};
  if (stat(dir.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || access(dir.c_str(), R_OK | W_OK | X_OK) != 0) {
    to.fail("data: " + dir.string() + " is not a directory that this user may write",
            "change its owner (chown), or name another one by --data");
    return;
  }
  if (info.st_mode & (S_IRWXG | S_IRWXO))
    to.warn("data: other users of this machine may enter " + dir.string(), "chmod 700 " + dir.string());
  else
    to.ok("data: " + dir.string() + " is private and writable");
}

void check_disk(const config& settings, report& to) {
  std::error_code status;
  auto at = std::filesystem::exists(settings.data_dir, status) ? settings.data_dir : std::filesystem::path{"."};
  auto space = std::filesystem::space(at, status);
  auto text = "disk: " + std::to_string(space.available >> 20) + " MiB free";
  if (status)
    to.warn("disk: the free space cannot be read", status.message());
  else if (space.available < free_bytes_least)
    to.fail(text, "make room: at least 100 MiB, better 1 GiB");
  else if (space.available < free_bytes_low)
    to.warn(text, "make room: uploads and plots are kept with their chats");
  else
    to.ok(text);
}

void check_database(const config& settings, report& to) {
  std::error_code status;
  if (!std::filesystem::exists(settings.data_dir / "varro.db", status))
    return;
  auto opened = database::open(settings.data_dir, database::mode::read_only);
  auto problem = opened ? (*opened)->check() : opened.error();
  if (problem)
    to.fail("database: " + text_of(problem), "restore " + (settings.data_dir / "varro.db").string() + " from a backup");
  else
    to.ok("database: sound, schema " + std::to_string((*opened)->schema_version()));
}

void check_limits(const config& settings, report& to) {
  rlimit limit{};
  auto wanted = static_cast<rlim_t>(settings.server.connections_max) + files_besides_connections;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < wanted)
    to.warn("files: at most " + std::to_string(limit.rlim_max) + " open files are allowed, fewer than "
              + std::to_string(settings.server.connections_max) + " connections need",
            "raise the limit (ulimit -Hn, LimitNOFILE= of the service), or lower server.connections_max");
  else
    to.ok("files: enough for " + std::to_string(settings.server.connections_max) + " connections");
}

size_t ignore_body(char*, size_t, size_t count, void*) {
  return count;
}

struct probe_result {
  long http_status = 0;
  std::string problem; // libcurl's words when there was no answer
};

// Asks for the list of models: costs nothing, and tells whether the key is accepted.
probe_result probe(const model_config& model) {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle{curl_easy_init(), curl_easy_cleanup};
  if (!handle)
    return {0, "no memory"};
  auto anthropic = model.kind == provider_kind::anthropic;
  auto url = model.base_url + (anthropic ? "/v1/models" : "/models");
  curl_slist* lines = nullptr;
  if (!model.api_key.empty())
    lines = curl_slist_append(lines, ((anthropic ? "x-api-key: " : "Authorization: Bearer ") + model.api_key).c_str());
  if (anthropic)
    lines = curl_slist_append(lines, "anthropic-version: 2023-06-01");
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers{lines, curl_slist_free_all};
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT_MS, connect_max_ms);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, answer_max_ms);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, ignore_body);
  auto code = curl_easy_perform(handle.get());
  if (code != CURLE_OK)
    return {0, curl_easy_strerror(code)};
  probe_result result;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &result.http_status);
  return result;
}

void check_provider(const model_config& model, report& to) {
  auto name = "provider " + model.provider + " at " + model.base_url;
  auto result = probe(model);
  auto status = std::to_string(result.http_status);
  if (result.http_status == 0)
    to.fail(name + ": no answer: " + result.problem, "check the network, the base URL and that the server runs");
  else if (result.http_status == 401 || result.http_status == 403)
    to.fail(name + ": refused with status " + status,
            model.api_key.empty() ? "give it a key: bin/run reads ANTHROPIC_API_KEY and OPENAI_API_KEY, a [provider] "
                                    "section has api_key_env and api_key_file"
                                  : "check its key");
  else if (result.http_status >= 500)
    to.warn(name + ": answers with status " + status, "the server has a problem of its own; try again later");
  else if (result.http_status >= 300 && result.http_status != 404)
    to.warn(name + ": answers with status " + status, "check the base URL");
  else
    to.ok(name + ": answers");
  auto plain_remote = model.base_url.starts_with("http://") && model.base_url.find("//127.") == std::string::npos
    && model.base_url.find("//localhost") == std::string::npos && model.base_url.find("//[::1]") == std::string::npos;
  if (!model.api_key.empty() && plain_remote)
    to.warn(name + ": the key travels unencrypted", "use https://");
}

void check_models(const config& settings, report& to) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::set<std::tuple<std::string, std::string, std::string>> asked;
  for (const auto& model : settings.models)
    if (model.kind != provider_kind::offline && asked.emplace(model.provider, model.base_url, model.api_key).second)
      check_provider(model, to);
  if (asked.empty())
    to.warn("models: none is connected; only the offline one is there",
            "set ANTHROPIC_API_KEY or OPENAI_API_KEY, start Ollama or llama.cpp, or write a [provider] section");
  else
    to.ok("models: " + std::to_string(settings.models.size() - 1) + " and offline; the default is "
          + settings.default_model);
}

} // namespace

int doctor(const config& settings, std::ostream& out) {
  report to{out};
  to.ok(settings.file.empty() ? "configuration: defaults, no file" : "configuration: " + settings.file.string());
  check_shell(settings, to);
  check_data_dir(settings, to);
  check_disk(settings, to);
  check_database(settings, to);
  check_limits(settings, to);
  check_models(settings, to);
  out.flush();
  return to.exit_code();
}

} // namespace varro
