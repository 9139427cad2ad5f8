// The composition root: configuration, actor system, signals, shutdown order.
#include "accounts/links.hpp"
#include "actors/chat_registry.hpp"
#include "actors/chat_search.hpp"
#include "actors/eraser.hpp"
#include "actors/model_client.hpp"
#include "actors/picture_scaler.hpp"
#include "actors/reloader.hpp"
#include "actors/retirer.hpp"
#include "actors/shell_host.hpp"
#include "actors/stop_deadline.hpp"
#include "actors/store.hpp"
#include "actors/supervisor.hpp"
#include "actors/user_lockout.hpp"
#include "actors/workspace_keeper.hpp"
#include "backup/backup_command.hpp"
#include "backup/restore_backup.hpp"
#include "base/log.hpp"
#include "base/process_settings.hpp"
#include "base/run_traces.hpp"
#include "commands.hpp"
#include "config/command_line.hpp"
#include "config/load.hpp"
#include "config/local_models.hpp"
#include "doctor.hpp"
#include "http/http_gateway.hpp"
#include "http/server.hpp"
#include "models/list_keeper.hpp"
#include "render/bounded_markdown.hpp"
#include "storage/data_dir.hpp"
#include "storage/login_way.hpp"
#include "storage/open.hpp"
#include "traces/trace_exporter.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>
#include <thread>
#include <unistd.h>
#include <utility>

namespace varro {

namespace {

constexpr int exit_failed = 1;

struct system_configuration : caf::actor_system_config {
  system_configuration() {
    add_message_types<caf::id_block::varro_base>();
    add_message_types<caf::id_block::varro>();
    add_message_types<caf::id_block::varro_http>();
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

// Blocked before the first thread starts, so that only wait_for_stop() sees them.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

// Reloads with each SIGHUP, one after the other; those that come meanwhile are one. A terminal that is closed sends
// that as well: a server that was started on one ends with it.
void wait_for_stop(const sigset_t& signals, reloader& reloading) {
  const bool on_terminal = isatty(STDIN_FILENO) == 1;
  for (int received = 0; sigwait(&signals, &received) == 0 && received == SIGHUP; reloading.reload())
    if (on_terminal && isatty(STDIN_FILENO) != 1)
      return;
}

// What must be in order before the first actor: the lock and the schema; and which runs a former process left open.
struct opened_storage {
  data_lock lock;
  std::unique_ptr<chat_database> writer;
  std::unique_ptr<chat_reader> reader;
  std::unique_ptr<chat_reader> admin_reader;
  std::unique_ptr<chat_reader> oidc_reader; // of --auth oidc
  std::unique_ptr<search_index> search;
  std::unique_ptr<limit_book> limits;
  std::unique_ptr<chat_database> erasures;  // the eraser's own
  std::unique_ptr<chat_database> retention; // the retirer's
  user_record local_user;
  std::vector<open_run> open_runs;
  known_chats chats;
};

caf::expected<opened_storage> open_storage(const config& settings) {
  if (auto err = check_restored(settings.data_dir))
    return err;
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
  auto greatest_chat = (*writer)->greatest_chat_id();
  if (!greatest_chat)
    return greatest_chat.error();
  if (auto err = (*writer)->skip_chat_ids(greatest_chat_with_files(settings.data_dir)))
    return err;
  auto reader = open_reader(settings.data_dir);
  if (!reader)
    return reader.error();
  auto admin_reader = open_reader(settings.data_dir);
  if (!admin_reader)
    return admin_reader.error();
  const bool with_oidc = settings.auth.mode == auth_mode::oidc;
  const store_write foreign_logins = account_write{foreign_logins_ended{with_oidc ? settings.oidc.issuer : ""}};
  if (auto err = (*writer)->commit({&foreign_logins, 1}).front())
    return err;
  auto oidc_reader = with_oidc ? open_reader(settings.data_dir) : std::unique_ptr<chat_reader>{};
  if (!oidc_reader)
    return oidc_reader.error();
  auto search = open_search_index(settings.data_dir);
  if (!search)
    return search.error();
  auto limits = open_limit_book(settings.data_dir, true);
  if (!limits)
    return limits.error();
  auto erasures = open_database(settings.data_dir);
  if (!erasures)
    return erasures.error();
  auto retention = open_database(settings.data_dir);
  if (!retention)
    return retention.error();
  return opened_storage{std::move(*lock),         std::move(*writer),      std::move(*reader),
                        std::move(*admin_reader), std::move(*oidc_reader), std::move(*search),
                        std::move(*limits),       std::move(*erasures),    std::move(*retention),
                        std::move(*local_user),   std::move(*open_runs),   {std::move(*chats), *greatest_chat}};
}

// The path of a link that makes the first admin; empty where one can log in, or there are no accounts. The link of a
// former start is void.
caf::expected<std::string> first_admin_link(const config& settings, chat_database& db) {
  if (settings.auth.mode != auth_mode::accounts)
    return std::string{};
  auto has_admin = db.has_admin(login_way_of(settings));
  if (!has_admin || *has_admin)
    return has_admin ? caf::expected<std::string>{std::string{}} : has_admin.error();
  return make_link(db, {"", link_purpose::first_admin, user_role::admin}, settings.auth.reset_max);
}

int serve(config loaded, const load_sources& sources, std::map<std::string, std::string> origins) {
  auto signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return_large_memory();
  raise_file_limit();
  set_log_level(loaded.log_level);
  set_log_format(loaded.log_format);
  auto settings = std::make_shared<const config>(std::move(loaded));
  auto in_force = std::make_shared<config_in_force>(settings, std::move(origins));
  auto storage = open_storage(*settings);
  if (!storage)
    return report(storage.error());
  auto first_admin = first_admin_link(*settings, *storage->writer);
  if (!first_admin)
    return report(first_admin.error());

  std::optional<stop_deadline> deadline; // outlives the actors
  system_configuration system_config;
  caf::actor_system system{system_config};
  std::shared_ptr<http_transport> transport = make_curl_transport();

  auto catalog = std::make_shared<model_catalog>(*settings);
  process_traces().begin({settings->trace.runs_kept, settings->trace.kept_bytes_max,
                          settings->trace.otlp_url.empty() ? 0 : settings->trace.queue_spans_max,
                          settings->trace.sample.value_or(1)});
  std::optional<trace_exporter> exporter;
  if (!settings->trace.otlp_url.empty())
    exporter.emplace(process_traces(), transport, settings->trace, VARRO_VERSION).start();
  list_keeper lists{catalog, transport, *settings};
  lists.start();

  session_services services;
  services.settings = settings;
  services.in_force = in_force;
  services.catalog = catalog;
  services.counts = std::make_shared<gauges>();
  services.tools = built_in_tools();
  auto store = spawn_store(system, std::move(storage->writer), services.ids);
  services.store = store;
  services.reader = spawn_store_reader(system, std::move(storage->reader));
  auto admin_reader = spawn_store_reader(system, std::move(storage->admin_reader));
  auto search = spawn_chat_search(system, std::move(storage->search));
  auto run_limits_known = std::make_shared<run_limits>();
  services.allowances = spawn_allowances(system, std::move(storage->limits), in_force, run_limits_known);
  services.shells = spawn_shell_host(system, settings, services.store, services.reader, services.allowances);
  services.keeper = spawn_workspace_keeper(system, settings, std::move(storage->chats), services.store);
  services.runs_at_once = runs_at_once_of(run_limits_known, services.allowances);
  auto pictures = spawn_picture_scaler(system);
  services.models = system.spawn(model_client, std::shared_ptr<const config_in_force>{in_force}, transport, pictures);
  auto markdown = std::make_shared<bounded_markdown>(std::thread::hardware_concurrency());
  services.gateway
    = system.middleman().spawn_broker(http_gateway, settings->stream, services.reader, html_presenters(markdown));
  auto registry = system.spawn(chat_registry, services);
  auto stopper
    = system.spawn(supervisor,
                   supervised{registry, services.shells, services.gateway, services.models, services.store,
                              services.reader, search, services.keeper, pictures, services.allowances, admin_reader},
                   services.stop);

  // With --auth local nobody can be kept out.
  auto lockout = settings->auth.mode == auth_mode::local
    ? user_lockout_actor{}
    : system.spawn(user_lockout, user_lockout_parts{services.live, registry, services.shells, services.reader});

  eraser erasing{system, settings->data_dir, std::move(storage->erasures), {registry, search, store}};
  retirer retiring{system, in_force, std::move(storage->retention), {registry, store}};

  http_server server{{system, *settings, registry, services.gateway, services.store, services.reader, services.shells,
                      storage->local_user, catalog, search, markdown, token_writer_of(services.store),
                      token_reader_of(services.reader), services.live, in_force, services.allowances, transport,
                      std::move(storage->oidc_reader), admin_reader}};
  auto port = server.bind();
  if (port) {
    lists.wait(settings->model_lists.start_wait);
    server.start();
    erasing.start();
    for (const auto& run : storage->open_runs)
      caf::anon_send(registry, resume_atom_v, run.user_id, run.chat_id);
    retiring.start(); // after these: a chat with a run is loaded, and stays
    auto listening = settings->server;
    listening.public_url.clear();
    std::cout << "varro: listening on " << server_address(listening, *port) << std::endl;
    if (!first_admin->empty())
      std::cout << "varro: there is no admin yet; whoever opens " << server_address(settings->server, *port)
                << *first_admin << " within " << settings->auth.reset_max.count() << " hours becomes the first"
                << std::endl;
    reloader reloading{sources, in_force, lists, services.store};
    wait_for_stop(signals, reloading);
    log(log_level::info, "stopping");
    deadline.emplace(services.stop, settings);
    services.stop->waits_for("requests", "their answers");
    server.stop();
    services.stop->is_done("requests");
  }
  services.stop->waits_for("the erasing of users", "the end of a step");
  erasing.stop();
  services.stop->is_done("the erasing of users");
  services.stop->waits_for("the deleting of what nobody uses", "the end of a chat");
  retiring.stop();
  services.stop->is_done("the deleting of what nobody uses");
  services.stop->waits_for("the list of models", "an answer");
  lists.stop();
  services.stop->is_done("the list of models");

  caf::scoped_actor self{system};
  if (lockout)
    self->send_exit(std::exchange(lockout, {}), caf::exit_reason::user_shutdown);
  self->request(stopper, caf::infinite, stop_atom_v)
    .receive([](done_atom) {}, [](caf::error& error) { report(error); });
  services.stop->waits_for("the traces", "the collector");
  exporter.reset(); // the traces of runs that the stop has ended, too
  services.stop->is_done("the traces");
  transport.reset();
  return port ? 0 : report(port.error());
}

int run(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (line.what == command::print) {
    (line.exit_code == 0 ? std::cout : std::cerr) << line.text << std::flush;
    return line.exit_code;
  }
  if (line.what == command::serve) { // one that comes now is made when the server listens; it would end the process
    sigset_t reload;
    sigemptyset(&reload);
    sigaddset(&reload, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &reload, nullptr);
  }
  if (line.what == command::restore) // before the configuration, which may lie in the backup
    return line.check_only ? check_backup_data(line.backup_place, std::cout, std::cerr)
                           : restore_data(line.backup_place, line.restored_data, std::cout, std::cerr);
  auto sources = line.sources();
  if (line.what == command::serve || line.what == command::doctor)
    sources.discover = [] { return discover_local_models({}); };
  std::map<std::string, std::string> origins;
  auto settings = load_config(sources, &origins);
  if (!settings)
    return report(settings.error());
  settings->keep_shells = line.keep_shells;
  if (line.what == command::serve)
    return serve(std::move(*settings), sources, std::move(origins));
  if (line.what == command::doctor)
    return doctor(*settings, std::cout);
  return run_command(line, *settings);
}

} // namespace

} // namespace varro

int main(int argc, char** argv) {
  return varro::run(argc, argv);
}
