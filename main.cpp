// The composition root: configuration, actor system, signals, shutdown order.
#include "accounts/user_command.hpp"
#include "actors/chat_registry.hpp"
#include "actors/chat_search.hpp"
#include "actors/model_client.hpp"
#include "actors/picture_scaler.hpp"
#include "actors/shell_host.hpp"
#include "actors/stop_deadline.hpp"
#include "actors/store.hpp"
#include "actors/supervisor.hpp"
#include "actors/workspace_keeper.hpp"
#include "base/log.hpp"
#include "config/command_line.hpp"
#include "config/load.hpp"
#include "config/local_models.hpp"
#include "doctor.hpp"
#include "http/http_gateway.hpp"
#include "http/server.hpp"
#include "models/list_keeper.hpp"
#include "render/bounded_markdown.hpp"
#include "storage/data_dir.hpp"
#include "storage/open.hpp"
#include "storage/sqlite/backup.hpp"
#include "workspace/paths.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>
#include <sys/resource.h>
#include <thread>

namespace varro {

namespace {

constexpr int exit_failed = 1;

struct system_configuration : caf::actor_system_config {
  system_configuration() {
    add_message_types<caf::id_block::varro_base>();
    add_message_types<caf::id_block::varro>();
    load<caf::io::middleman>();
    // Enough for two cores' worth of actors, few enough that the thread count stays small on large machines.
    set("scheduler.max-threads", std::clamp<size_t>(std::thread::hardware_concurrency(), 2, 8));
    set("middleman.workers", size_t{0});
    set("logger.verbosity", caf::atom("quiet"));
  }
};

int report(const caf::error& error) {
  std::cerr << "varro: " << text_of(error) << std::endl;
  return exit_failed;
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Blocked before the first thread starts, so that only wait_for_stop() sees them.
sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

void wait_for_stop(const sigset_t& signals) {
  int received = 0;
  sigwait(&signals, &received);
}

// What must be in order before the first actor: the lock and the schema; and which runs a former process left open.
struct opened_storage {
  data_lock lock;
  std::unique_ptr<chat_database> writer;
  std::unique_ptr<chat_reader> reader;
  std::unique_ptr<search_index> search;
  user_record local_user;
  std::shared_ptr<id_source> ids;
  std::vector<open_run> open_runs;
  known_chats chats;
};

caf::expected<opened_storage> open_storage(const config& settings) {
  auto lock = data_lock::take(settings.data_dir);
  if (!lock)
    return lock.error();
  auto writer = open_database(settings.data_dir);
  if (!writer)
    return writer.error();
  auto open_runs = (*writer)->open_runs();
  if (!open_runs)
    return open_runs.error();
  auto local_user = (*writer)->local_user();
  if (!local_user)
    return local_user.error();
  auto chats = (*writer)->chat_ids();
  if (!chats)
    return chats.error();
  auto ids = std::make_shared<id_source>();
  auto next_chat = (*writer)->next_chat_id();
  auto next_run = (*writer)->next_run_id();
  if (!next_chat || !next_run)
    return next_chat ? next_run.error() : next_chat.error();
  ids->next_chat = next_chat_without_files(settings.data_dir, *next_chat);
  ids->next_run = *next_run;
  auto reader = open_reader(settings.data_dir);
  if (!reader)
    return reader.error();
  auto search = open_search_index(settings.data_dir);
  if (!search)
    return search.error();
  return opened_storage{
    std::move(*lock),       std::move(*writer), std::move(*reader),    std::move(*search),
    std::move(*local_user), std::move(ids),     std::move(*open_runs), {std::move(*chats), *next_chat}};
}

int serve(config loaded) {
  auto signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  set_log_level(loaded.log_level);
  auto settings = std::make_shared<const config>(std::move(loaded));
  auto storage = open_storage(*settings);
  if (!storage)
    return report(storage.error());

  std::optional<stop_deadline> deadline; // outlives the actors
  system_configuration system_config;
  caf::actor_system system{system_config};
  std::shared_ptr<http_transport> transport = make_curl_transport();

  auto catalog = std::make_shared<model_catalog>(*settings);
  list_keeper lists{catalog, transport, *settings};
  lists.start();

  session_services services;
  services.settings = settings;
  services.catalog = catalog;
  services.ids = storage->ids;
  services.counts = std::make_shared<gauges>();
  services.tools = built_in_tools();
  services.markdown = std::make_shared<bounded_markdown>(std::thread::hardware_concurrency());
  services.store = spawn_store(system, std::move(storage->writer));
  services.reader = spawn_store_reader(system, std::move(storage->reader));
  auto search = spawn_chat_search(system, std::move(storage->search));
  services.shells = spawn_shell_host(system, settings, services.store, services.reader);
  services.keeper = spawn_workspace_keeper(system, settings, std::move(storage->chats));
  auto pictures = spawn_picture_scaler(system);
  services.models = system.spawn(model_client, settings, transport, pictures);
  services.gateway = system.middleman().spawn_broker(http_gateway, settings->stream, services.reader);
  auto registry = system.spawn(chat_registry, services);
  auto stopper = system.spawn(supervisor,
                              supervised{registry, services.shells, services.gateway, services.models, services.store,
                                         services.reader, search, services.keeper, pictures},
                              services.stop);

  http_server server{{system, *settings, registry, services.gateway, services.store, services.reader, services.shells,
                      storage->local_user, catalog, search}};
  auto port = server.bind();
  if (port) {
    lists.wait(settings->model_lists.start_wait);
    server.start();
    auto host = settings->server.host.find(':') == std::string::npos ? settings->server.host
                                                                     : "[" + settings->server.host + "]";
    for (const auto& run : storage->open_runs)
      caf::anon_send(registry, resume_atom_v, run.user_id, run.chat_id);
    std::cout << "varro: listening on http://" << host << ":" << *port << std::endl;
    wait_for_stop(signals);
    log(log_level::info, "stopping");
    deadline.emplace(services.stop, settings);
    services.stop->waits_for("requests", "their answers");
    server.stop();
    services.stop->is_done("requests");
  }
  services.stop->waits_for("the list of models", "an answer");
  lists.stop();
  services.stop->is_done("the list of models");

  caf::scoped_actor self{system};
  self->request(stopper, caf::infinite, stop_atom_v)
    .receive([](done_atom) {}, [](caf::error& error) { report(error); });
  transport.reset();
  return port ? 0 : report(port.error());
}

int back_up(const command_line& line, const config& settings) {
  auto bytes = varro::back_up(settings.data_dir, line.backup_file);
  if (!bytes)
    return report(bytes.error());
  std::cout << "varro: wrote " << line.backup_file.string() << ", " << *bytes
            << " bytes. The chats' files are not in it: copy " << workspaces_in(settings.data_dir).string()
            << " as well." << std::endl;
  return 0;
}

int manage_user(const command_line& line, const config& settings) {
  const auto& data = settings.data_dir;
  switch (line.what) {
  case command::user_add:
    return user_add(data, line.user_name, line.password_stdin, std::cin, std::cout, std::cerr, settings.auth);
  case command::user_passwd:
    return user_passwd(data, line.user_name, line.password_stdin, std::cin, std::cout, std::cerr, settings.auth);
  case command::user_disable:
    return user_disable(data, line.user_name, std::cout, std::cerr);
  case command::user_enable:
    return user_enable(data, line.user_name, std::cout, std::cerr);
  default:
    return user_list(data, std::cout, std::cerr);
  }
}

int run(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (line.what == command::print) {
    (line.exit_code == 0 ? std::cout : std::cerr) << line.text << std::flush;
    return line.exit_code;
  }
  auto sources = line.sources();
  if (line.what == command::serve || line.what == command::doctor)
    sources.discover = [] { return discover_local_models({}); };
  auto settings = load_config(sources);
  if (!settings)
    return report(settings.error());
  settings->keep_shells = line.keep_shells;
  if (line.what == command::serve)
    return serve(std::move(*settings));
  if (line.what == command::doctor)
    return doctor(*settings, std::cout);
  if (line.what == command::backup)
    return back_up(line, *settings);
  return manage_user(line, *settings);
}

} // namespace

} // namespace varro

int main(int argc, char** argv) {
  return varro::run(argc, argv);
}
