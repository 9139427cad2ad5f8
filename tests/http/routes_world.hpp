// A whole http_server on twins of the actors behind it.
#pragma once

#include "accounts/accounts.hpp"
#include "actors/store.hpp"
#include "http/server.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/http_twins.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

namespace varro::test {

inline constexpr int64_t ada = 1; // the local user
inline constexpr int64_t bob = 2;

// Chat 42 is ada's, chat 43 is bob's.
struct routes_world {
  using storage = std::pair<store_actor, store_reader_actor>;

  // storage_of: in the place of the twins of both. complete: further services.
  explicit routes_world(auth_mode mode = auth_mode::local, std::function<void(config&)> change = {},
                        std::function<storage(caf::actor_system&)> storage_of = {},
                        const std::function<void(http_services&)>& complete = {}) {
    settings.data_dir = scratch.path();
    settings.server.port = 0;
    settings.server.workers = 4;
    settings.auth.mode = mode;
    model_config offline;
    offline.id = "offline";
    settings.models.push_back(offline);
    if (change)
      change(settings);
    script->chats = {{ada, 42}, {bob, 43}};
    script->view.history.chat.id = script->contents.chat.id = 42;
    script->view.history.chat.user_id = script->contents.chat.user_id = ada;
    script->view.history.chat.created_at = 1;
    script->view.history.chat.title = script->contents.chat.title = "Sums";
    script->on_send = [](const user_message&) { return started(false); };
    script->on_edit = [](int64_t, const user_message&) { return started(false); };
    script->on_fork = [](int64_t) { return chat_forked{43, {}}; };
    script->on_cancel = script->on_remove = [] { return done_atom_v; };
    script->on_rename = [](const std::string&) { return done_atom_v; };
    session = system.spawn(twin_session, script);
    auto stored
      = storage_of ? storage_of(system) : storage{system.spawn(twin_store, script), system.spawn(twin_reader, script)};
    services.reset(new http_services{system,
                                     settings,
                                     system.spawn(twin_registry, script, session),
                                     system.spawn(twin_gateway, script),
                                     stored.first,
                                     stored.second,
                                     system.spawn(twin_shells, script),
                                     {ada, "ada", "", false, 0},
                                     std::make_shared<model_catalog>(settings),
                                     system.spawn(twin_search, script)});
    services->allowances = system.spawn(twin_allowances, script, std::make_shared<config>(settings));
    if (storage_of) { // twins know no tokens
      services->token_writer = token_writer_of(stored.first);
      services->token_reader = token_reader_of(stored.second);
    }
    if (complete)
      complete(*services);
    server = std::make_unique<http_server>(*services);
    auto bound = server->bind();
    REQUIRE(bound);
    port = *bound;
    server->start();
  }
  ~routes_world() {
    server->stop();
    server.reset();
    services.reset(); // drops the last handles: the twins end
  }

  static caf::expected<turn_started> started(bool created) {
    turn_started turn;
    turn.chat.id = 42;
    turn.chat.user_id = ada;
    turn.chat.title = "Sums";
    turn.turn = 1;
    turn.seq = 5;
    turn.created = created;
    turn.row = make_row(42, 5, prompt("hi"));
    return turn;
  }

  http_answer get(std::string_view target, const std::vector<std::string>& fields = {}) {
    return ask(port, "GET", target, fields);
  }
  http_answer post(std::string_view target, std::string_view form = {}, std::vector<std::string> fields = {}) {
    fields.emplace_back("Content-Type: application/x-www-form-urlencoded");
    return ask(port, "POST", target, fields, form);
  }

  scratch_dir scratch;
  config settings;
  twin_system_config system_settings;
  caf::actor_system system{system_settings};
  std::shared_ptr<twin_script> script = std::make_shared<twin_script>();
  chat_session_actor session;
  std::unique_ptr<http_services> services;
  std::unique_ptr<http_server> server;
  uint16_t port = 0;
};

// One cell's return as message 6 of chat 42, with the call before it.
inline std::vector<message_row> rows_of_cell(std::vector<cell_output> outputs) {
  cell_result cell;
  cell.outputs = std::move(outputs);
  tool_call_part call;
  call.tool_name = "python";
  call.tool_call_id = "c1";
  call.args = "{\"code\": \"x\"}";
  model_response response;
  response.parts.push_back(call);
  tool_return_part returned;
  returned.tool_name = "python";
  returned.tool_call_id = "c1";
  returned.metadata = cell_metadata(cell);
  model_request request;
  request.parts.push_back(returned);
  message_row asked, answered;
  asked.chat_id = answered.chat_id = 42;
  asked.seq = 5;
  asked.content = response;
  answered.seq = 6;
  answered.content = request;
  return {asked, answered};
}

} // namespace varro::test
