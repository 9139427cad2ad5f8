#include "doctor.hpp"

#include "base/base64.hpp"
#include "models/capabilities.hpp"
#include "models/catalog.hpp"
#include "models/list_fetch.hpp"
#include "models/message_json.hpp"
#include "pictures/picture_process.hpp"
#include "render/bounded_markdown.hpp"
#include "shell/diagnosis.hpp"
#include "shell/supervisor/shell_users.hpp"
#include "storage/open.hpp"
#include "workspace/directory.hpp"
#include "workspace/owner.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ostream>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr uint64_t free_bytes_low = 1ull << 30;
constexpr uint64_t free_bytes_least = 100ull << 20;
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

// Where the data is, or will be made.
std::filesystem::path place_of_data(const config& settings) {
  std::error_code status;
  return std::filesystem::exists(settings.data_dir, status) ? settings.data_dir : std::filesystem::path{"."};
}

void check_shell_users(const config& settings, report& to) {
  if (!settings.shell.sandbox)
    return;
  const std::string shared = "users: all shells have one host user, so that a chat can use up descriptors in flight, "
                             "pages of pipes and epoll watches for the others";
  if (shell_user() == 0)
    to.warn(shared, "only a server that root runs can give each shell a host user of its own (docs/service.md)");
  else if (auto problem = try_shell_users(place_of_data(settings), settings.shell.bubblewrap))
    to.warn(shared + " (" + text_of(problem) + ")",
            "Linux 5.12 or later, the data on ext4, xfs or btrfs, and all user ids, which a container may lack");
  else
    to.ok("users: each shell has a host user of its own");
}

// Without it pictures and documents are told in words to models.
void check_pictures(report& to) {
  static const auto pixel = base64_decode("R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=").value_or("");
  picture_process process;
  picture_job job;
  job.target = {1, 1'000, 1'000, false};
  job.data = pixel;
  auto result = process.look(job);
  if (result && result->what == picture_result::verdict::changed)
    to.ok("pictures: varro-pictures looks into them");
  else
    to.warn("pictures: varro-pictures does not work: models see no pictures and documents",
            result ? "is seccomp allowed for this user? Build it again with bin/build" : text_of(result.error()));
}

// Without it text is shown as it was written.
void check_markdown(report& to) {
  if (auto problem = bounded_markdown{1}.check())
    to.fail("markdown: varro-markdown does not work: " + text_of(problem), "build it again with bin/build");
  else
    to.ok("markdown: varro-markdown formats it");
}

// How files of workspaces are opened, so that no link leads out of them (workspace/directory.hpp). Filters of system
// calls that cannot look into openat2's arguments refuse it as a whole.
void check_workspaces(const config& settings, report& to) {
  const auto place = place_of_data(settings);
  const descriptor directory{open(place.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (directory && open_beneath(directory.get(), ".", O_RDONLY | O_DIRECTORY)) {
    to.ok("workspaces: their files can be opened");
    return;
  }
  const int reason = errno;
  to.fail(
    "workspaces: their files cannot be opened: " + std::string{std::strerror(reason)},
    reason == ENOSYS || reason == EPERM
      ? "Linux 5.6 or later, and a filter that allows openat2: in a systemd unit take RestrictSUIDSGID= out; of a "
        "container, see docs/install.md"
      : "look at the rights of " + place.string());
}

// What holds the quotas of workspaces (shell/supervisor/workspace_watch.hpp).
void check_quotas(const config& settings, report& to) {
  auto place = place_of_data(settings);
  struct statvfs space{};
  if (statvfs(place.c_str(), &space) == 0 && space.f_blocks > 0 && space.f_bfree < space.f_blocks)
    to.ok("quotas: a workspace is measured as soon as the disk has lost what its quota leaves, and a cell passes it by "
          "some MiB at most; the kernel holds the size of one file");
  else
    to.warn("quotas: the file system of " + place.string()
              + " does not tell how much is free: a running cell's workspace is measured once a second only",
            "keep the data on a local file system, such as ext4, xfs or btrfs");
}

void check_data_dir(const config& settings, report& to) {
  const auto& dir = settings.data_dir;
  std::error_code status;
  if (!std::filesystem::exists(dir, status)) {
    to.ok("data: " + dir.string() + " does not exist yet and is made at the first start");
    return;
  }
  struct stat info{};
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
  auto space = std::filesystem::space(place_of_data(settings), status);
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
  auto opened = open_reader(settings.data_dir);
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

void check_answer(const config& settings, const list_answer& answer, report& to) {
  const auto& from = *answer.provider;
  auto name = "provider " + from.name + " at " + from.base_url;
  auto told = answer.models ? std::string{} : text_of(answer.models.error());
  if (answer.models)
    to.ok(name + ": answers; its list has " + std::to_string(answer.models->size()) + " models");
  else if (answer.http_status == 0)
    to.fail(name + ": no answer: " + told, "check the network, the base URL and that the server runs");
  else if (answer.http_status == 401 || answer.http_status == 403
           || (answer.http_status == 400 && !from.api_key.empty()))
    to.fail(name + ": refused: " + told,
            from.api_key.empty() ? "give it a key: ANTHROPIC_API_KEY, OPENAI_API_KEY and GEMINI_API_KEY are read, a "
                                   "[provider] section has api_key_env and api_key_file"
                                 : "check its key");
  else if (answer.http_status >= 500)
    to.warn(name + ": " + told, "the server has a problem of its own; try again later");
  else if (answer.http_status == 404)
    to.ok(name + ": answers, but has no list of models");
  else
    to.warn(name + ": its list of models cannot be read: " + told, "check the base URL and the kind of the provider");
  auto plain_remote = from.base_url.starts_with("http://") && from.base_url.find("//127.") == std::string::npos
    && from.base_url.find("//localhost") == std::string::npos && from.base_url.find("//[::1]") == std::string::npos;
  if (!from.api_key.empty() && plain_remote)
    to.warn(name + ": the key travels unencrypted", "use https://");
  auto chosen = settings.find_model(settings.default_model);
  if (!answer.models || !chosen || chosen->provider != from.name)
    return;
  auto listed = std::any_of(answer.models->begin(), answer.models->end(),
                            [&](const listed_model& model) { return same_model(model.name, chosen->name); });
  if (!listed)
    to.warn("default model " + chosen->id + ": is not in the list of " + from.name,
            "choose another one by --model or default_model, or leave it out");
}

// Providers of models besides those whose lists are asked for anyway: Ollama and llama.cpp without a section.
std::vector<provider_config> providers_of(const config& settings) {
  auto all = settings.providers;
  for (const auto& model : settings.models) {
    auto same
      = [&](const provider_config& from) { return from.name == model.provider && from.base_url == model.base_url; };
    if (model.kind != provider_kind::offline && std::none_of(all.begin(), all.end(), same))
      all.push_back({model.provider, model.kind, model.base_url, model.api_key, model.either_openai_api});
  }
  return all;
}

// Asks for the lists of models: costs nothing, and tells whether the keys are accepted.
void check_models(const config& settings, report& to) {
  auto providers = providers_of(settings);
  auto transport = make_curl_transport();
  std::vector<cached_list> lists;
  fetch_lists(*transport, providers, {}, {}, [&](list_answer&& answer) {
    check_answer(settings, answer, to);
    if (answer.models)
      lists.push_back(
        {answer.provider->name, answer.provider->kind, answer.provider->base_url, 0, std::move(*answer.models)});
  });
  if (providers.empty()) {
    to.warn("models: none is connected; only the offline one is there",
            "set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, start Ollama or llama.cpp, or write a [provider] "
            "section");
    return;
  }
  model_catalog catalog{settings};
  catalog.publish(lists);
  auto choices = catalog.now();
  auto offered = std::count_if(choices->models.begin(), choices->models.end(),
                               [&](const auto& model) { return choices->offered(model); });
  to.ok("models: " + std::to_string(offered - 1) + " and offline; the default is " + choices->default_model);
  for (const auto& model : choices->models)
    if (auto proposed = choices->proposal(model.id); proposed && model.id == choices->default_model)
      to.warn("default model " + model.id + ": " + choices->mark(model), proposed->text);
}

} // namespace

int doctor(const config& settings, std::ostream& out) {
  report to{out};
  to.ok(settings.file.empty() ? "configuration: defaults, no file" : "configuration: " + settings.file.string());
  check_shell(settings, to);
  check_shell_users(settings, to);
  check_pictures(to);
  check_markdown(to);
  check_data_dir(settings, to);
  check_workspaces(settings, to);
  check_quotas(settings, to);
  check_disk(settings, to);
  check_database(settings, to);
  check_limits(settings, to);
  check_models(settings, to);
  out.flush();
  return to.exit_code();
}

} // namespace varro
