// What a chat keeps for every request, whatever the release and the configuration say later.
#include "actors/chat_prefix.hpp"

#include "tests/support/actor_world.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

// A chat whose first turn is answered, as the database has it.
chat_contents stored_chat(actor_world& world, const chat_session_actor& session) {
  world.log().answers.push_back([](const model_query&) { return text_answer("fine"); });
  REQUIRE(world.ask<turn_started>(session, send_atom_v, user_message{"hello", {}, {}}));
  auto contents = world.ask<chat_contents>(session, history_atom_v);
  REQUIRE(contents);
  return *contents;
}

// The same server after an upgrade: other instructions, another text of the tool.
void upgrade(actor_world& world) {
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->agent.instructions = "Speak like a pirate.";
  world.services().settings = settings;
  auto tools = std::make_shared<std::vector<tool_spec>>(*world.services().tools({}));
  tools->front().definition.description = "Runs Python, arr.";
  world.services().tools = [tools](const chat_record&) { return tools; };
}

model_query next_query(actor_world& world, const chat_session_actor& session) {
  world.log().answers.push_back([](const model_query&) { return text_answer("again"); });
  REQUIRE(world.ask<turn_started>(session, send_atom_v, user_message{"and?", {}, {}}));
  return world.log().queries.back();
}

} // namespace

TEST_CASE("a chat goes on with the instructions and tools that it began with, also after an upgrade and a restart") {
  actor_world world;
  auto contents = stored_chat(world, world.session());
  REQUIRE(contents.prefix);
  auto first = world.log().queries.back();
  CHECK(first.instructions == default_instructions());
  upgrade(world);
  auto session = world.session(contents, true);
  auto query = next_query(world, session);
  CHECK(query.instructions == first.instructions);
  REQUIRE(query.tools.size() == 1);
  CHECK(query.tools[0].description == first.tools[0].description);
  CHECK(dump_json(query.tools[0].parameters) == dump_json(first.tools[0].parameters));
  CHECK(world.ask<transcript_view>(session, page_atom_v)->old_prefix);
}

TEST_CASE("a chat takes the new ones when its user wants them, and a new chat has them at once") {
  actor_world world;
  auto contents = stored_chat(world, world.session());
  upgrade(world);
  auto session = world.session(contents, true);
  REQUIRE(world.ask<done_atom>(session, renew_atom_v));
  CHECK_FALSE(world.ask<transcript_view>(session, page_atom_v)->old_prefix);
  REQUIRE(world.log().batches.back().prefix);
  CHECK(world.log().batches.back().prefix->instructions == "Speak like a pirate.");
  auto query = next_query(world, session);
  CHECK(query.instructions == "Speak like a pirate.");
  CHECK(query.tools.at(0).description == "Runs Python, arr.");
}

TEST_CASE("the new ones are refused while the chat answers, and kept out when they cannot be stored") {
  actor_world world;
  auto contents = stored_chat(world, world.session());
  upgrade(world);
  auto session = world.session(contents, true);
  REQUIRE(world.ask<turn_started>(session, send_atom_v, user_message{"and?", {}, {}}));
  CHECK(code_of(world.ask<done_atom>(session, renew_atom_v).error()) == errc::run_in_progress);
  world.answer_query(text_answer("fine"));
  world.log().fail_commit = 0;
  CHECK(code_of(world.ask<done_atom>(session, renew_atom_v).error()) == errc::storage_failed);
  CHECK(world.ask<transcript_view>(session, page_atom_v)->old_prefix);
  CHECK(next_query(world, session).instructions == default_instructions());
}

TEST_CASE("a chat of before prefixes were kept begins to keep one with its next turn, and only once") {
  actor_world world;
  auto contents = stored_chat(world, world.session());
  contents.prefix.reset();
  auto session = world.session(contents, true);
  auto batches = world.log().batches.size();
  next_query(world, session);
  REQUIRE(world.log().batches.at(batches).prefix);
  batches = world.log().batches.size();
  next_query(world, session);
  for (size_t i = batches; i < world.log().batches.size(); ++i)
    CHECK_FALSE(world.log().batches[i].prefix);
}

TEST_CASE("a fork keeps the prefix of the chat that it comes from") {
  actor_world world;
  auto contents = stored_chat(world, world.session());
  upgrade(world);
  auto session = world.session(contents, true);
  world.log().versions.insert("after-1");
  auto forked = world.ask<chat_forked>(session, fork_atom_v, int64_t{1});
  REQUIRE(forked);
  const auto& batch = world.log().batches.back();
  CHECK(batch.chat->id == forked->chat_id);
  REQUIRE(batch.prefix);
  CHECK(batch.prefix->instructions == default_instructions());
}

TEST_CASE("the tools of a run come from the source, which is asked for the chat when the run starts") {
  actor_world world;
  std::vector<int64_t> asked;
  bool offers = true;
  world.services().tools = [&](const chat_record& chat) {
    asked.push_back(chat.id);
    return offers ? built_in_tools()(chat) : std::make_shared<const std::vector<tool_spec>>();
  };
  auto contents = stored_chat(world, world.session());
  REQUIRE_FALSE(asked.empty());
  for (auto id : asked)
    CHECK(id == contents.chat.id);
  CHECK(world.log().queries.back().tools.size() == 1);
  offers = false;
  auto session = world.session(contents, true);
  CHECK(next_query(world, session).tools.empty());
}

TEST_CASE("a tool that is gone is not told to the model, and one that came later is not either") {
  auto tools = built_in_tools()({});
  chat_prefix prefix{"x",
                     R"([{"name":"python","description":"old words","parameters":{"type":"object"}},)"
                     R"({"name":"retired","description":"","parameters":{}}])"};
  auto texts = tool_texts_of(prefix, tools);
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].description == "old words");
  CHECK(tool_texts_of({"x", "[]"}, tools).empty());
  CHECK(tool_texts_of({"x", "damaged"}, tools).empty());
}

TEST_CASE("the effort of thinking is chosen per chat, kept, and said where the model cannot follow") {
  actor_world world;
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->models.front().kind = provider_kind::anthropic;
  settings->models.front().name = "claude-opus-5-5";
  settings->models.front().label = "Opus";
  world.services().settings = settings;
  world.services().catalog = std::make_shared<model_catalog>(*settings);
  auto session = world.session();
  world.log().answers.push_back([](const model_query&) { return text_answer("fine"); });
  user_message message{"hello", {}, {}};
  message.effort = "off";
  auto started = world.ask<turn_started>(session, send_atom_v, message);
  REQUIRE(started);
  CHECK(started->notice.find("Opus cannot be kept from thinking") != std::string::npos);
  CHECK(world.log().queries.back().model.thinking == "off");
  CHECK(world.log().batches.front().chat->effort == "off");
  world.log().answers.push_back([](const model_query&) { return text_answer("fine"); });
  started = world.ask<turn_started>(session, send_atom_v, user_message{"and?", {}, {}});
  CHECK(world.log().queries.back().model.thinking == "off");
  CHECK(started->notice.empty()); // it was said
  message.effort = "high";
  world.log().answers.push_back([](const model_query&) { return text_answer("fine"); });
  world.ask<turn_started>(session, send_atom_v, message);
  CHECK(world.log().queries.back().model.thinking == "auto");
  CHECK(world.log().queries.back().model.effort == "high");
  message.effort = "default";
  world.log().answers.push_back([](const model_query&) { return text_answer("fine"); });
  world.ask<turn_started>(session, send_atom_v, message);
  CHECK(world.log().queries.back().model.effort.empty());
  CHECK(world.ask<transcript_view>(session, page_atom_v)->history.chat.effort.empty());
}
