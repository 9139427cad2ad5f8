// The scaler with twins of its workers, whose answers the test keeps, and once with the real ones.
#include "actors/picture_scaler.hpp"

#include "models/message_json.hpp"
#include "tests/support/actor_world.hpp"
#include "tests/support/sample_pictures.hpp"

#include <caf/scoped_actor.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <initializer_list>

using namespace varro;
using namespace varro::test;
using verdict = picture_result::verdict;

namespace {

using answer_promise = caf::typed_response_promise<picture_result_ptr>;
using twin_actor = picture_worker_actor::extend<caf::reacts_to<flush_atom>>;

struct looks {
  std::deque<picture_job_ptr> asked;
  std::deque<std::pair<size_t /*twin*/, answer_promise>> held;
  size_t most_at_once = 0;
  bool out_of_order = false; // workers answer with an error
};

twin_actor::behavior_type twin_worker(twin_actor::pointer self, std::shared_ptr<looks> log, size_t number) {
  return {
    [=](look_atom, const picture_job_ptr& job) -> caf::result<picture_result_ptr> {
      log->asked.push_back(job);
      if (log->out_of_order)
        return fail(errc::shell_unavailable, "varro-pictures is not installed");
      auto promise = self->make_response_promise<picture_result_ptr>();
      log->held.emplace_back(number, promise);
      log->most_at_once = std::max(log->most_at_once, log->held.size());
      return promise;
    },
    [=](flush_atom) {
      if (log->held.empty())
        return;
      picture_result result;
      result.what = verdict::whole;
      result.media_type = "image/png";
      auto promise = std::move(log->held.front().second);
      log->held.pop_front();
      promise.deliver(std::make_shared<const picture_result>(result));
    },
  };
}

message_list plots(std::initializer_list<uint32_t> widths) {
  message_history messages;
  for (auto width : widths) {
    model_request request;
    request.parts.push_back(user_prompt_part{
      std::vector<user_content>{binary_content{png_picture(width, 8), "image/png", nullptr, "id"}}, ""});
    messages.push_back(request);
  }
  return std::make_shared<const message_history>(std::move(messages));
}

struct scaler_world {
  actor_world world;
  std::shared_ptr<looks> log = std::make_shared<looks>();
  std::vector<twin_actor> twins;
  picture_scaler_actor scaler;
  caf::scoped_actor self{world.system(), true};
  picture_limits limits;

  scaler_world() {
    std::vector<picture_worker_actor> workers;
    for (size_t i = 0; i < 2; ++i) {
      twins.push_back(world.system().spawn(twin_worker, log, i));
      workers.emplace_back(twins.back());
    }
    scaler = world.system().spawn(picture_scaler, workers);
    model_config model;
    model.kind = provider_kind::anthropic;
    limits = picture_limits_of(model);
    world.run();
  }
  ~scaler_world() {
    self->send_exit(scaler, caf::exit_reason::user_shutdown);
    world.run();
  }

  auto fit(const message_list& history) {
    auto request = self->request(scaler, caf::infinite, fit_atom_v, history, limits);
    world.run();
    return request;
  }
  // The oldest open look, by the twin that was asked: a promise is its actor's.
  void answer_one() {
    REQUIRE(!log->held.empty());
    world.tell(twins[log->held.front().first], flush_atom_v);
  }
  bool is_answered() const {
    return !self->mailbox().empty();
  }
  template <class Request>
  message_list answer(Request& request) {
    message_list fitted;
    REQUIRE(is_answered());
    request.receive([&](const message_list& list) { fitted = list; },
                    [&](const caf::error& error) { FAIL(text_of(error)); });
    return fitted;
  }
};

} // namespace

TEST_CASE("A history without pictures comes back at once") {
  scaler_world w;
  auto history = std::make_shared<const message_history>();
  auto request = w.fit(history);
  CHECK(w.answer(request) == history);
  CHECK(w.log->asked.empty());
}

TEST_CASE("Each picture is looked at once, however often and in however many chats it is sent") {
  scaler_world w;
  auto first = plots({8, 16, 24});
  auto one = w.fit(first);
  auto two = w.fit(plots({16, 24, 8}));
  CHECK(w.log->asked.size() == 2);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(w.is_answered());
    w.answer_one();
  }
  CHECK(w.answer(one) == first);
  CHECK(w.answer(two));
  CHECK(w.log->asked.size() == 3);
  CHECK(w.log->most_at_once == 2);

  auto again = w.fit(first);
  CHECK(w.answer(again) == first);
  CHECK(w.log->asked.size() == 3);
  auto longer = w.fit(plots({8, 16, 24, 32}));
  CHECK(w.log->asked.size() == 4);
  w.answer_one();
  CHECK(w.answer(longer));
}

TEST_CASE("A chat with many pictures does not keep another one waiting") {
  scaler_world w;
  auto many = w.fit(plots({8, 16, 24, 32, 40, 48, 56, 64, 72, 80}));
  auto few = w.fit(plots({88}));
  for (int i = 0; i < 4; ++i)
    w.answer_one();
  CHECK(w.answer(few));
  while (!w.log->held.empty())
    w.answer_one();
  CHECK(w.answer(many));
}

TEST_CASE("What nobody could look at is told in words, and looked at anew the next time") {
  scaler_world w;
  w.log->out_of_order = true;
  auto request = w.fit(plots({8}));
  CHECK(to_json_text(*w.answer(request)).find("this server cannot look into it") != std::string::npos);
  w.log->out_of_order = false;
  auto again = w.fit(plots({8}));
  w.answer_one();
  CHECK(to_json_text(*w.answer(again)).find("left out") == std::string::npos);
}

TEST_CASE("The cache forgets what was used longest ago, and its size is what it holds") {
  look_cache cache{10 * look_cache::entry_bytes};
  auto result = std::make_shared<const picture_result>();
  for (int i = 0; i < 20; ++i) {
    cache.put(std::to_string(i), result);
    CHECK(cache.find("0"));
  }
  CHECK(cache.entries() == 10);
  CHECK(cache.bytes() == 10 * look_cache::entry_bytes);
  CHECK_FALSE(cache.find("1"));
  CHECK(cache.find("19"));
  picture_result large;
  large.data.resize(20 * look_cache::entry_bytes);
  cache.put("large", std::make_shared<const picture_result>(large));
  CHECK(cache.entries() == 0);
  CHECK(cache.bytes() == 0);
}

TEST_CASE("Keys tell apart contents, targets and forms") {
  picture_job job;
  job.data = "abc";
  auto key = key_of(job);
  CHECK(key_of(job) == key);
  job.is_base64 = true;
  CHECK(key_of(job) != key);
  job.is_base64 = false;
  job.target.edge_px_max = 1;
  CHECK(key_of(job) != key);
}

TEST_CASE("With the real workers a plot of 300 dpi is scaled, garbage is told in words, and both end with the scaler") {
  struct system_config : caf::actor_system_config {
    system_config() {
      add_message_types<caf::id_block::varro_base>();
      add_message_types<caf::id_block::varro>();
    }
  } settings;
  caf::actor_system system{settings};
  auto scaler = spawn_picture_scaler(system);
  auto messages = message_history(*plots({2'905, 640}));
  auto garbled = std::get<model_request>(*messages[1]);
  auto& part = std::get<user_prompt_part>(garbled.parts[0]);
  std::get<binary_content>(std::get<std::vector<user_content>>(part.content)[0]).data.resize(60);
  messages[1] = garbled;
  model_config model;
  model.kind = provider_kind::anthropic;
  caf::scoped_actor self{system};
  message_list fitted;
  self
    ->request(scaler, std::chrono::seconds{60}, fit_atom_v,
              std::make_shared<const message_history>(std::move(messages)), picture_limits_of(model))
    .receive([&](const message_list& list) { fitted = list; }, [&](const caf::error& error) { FAIL(text_of(error)); });
  auto files = files_of(*fitted);
  REQUIRE(files.size() == 1);
  CHECK(read_picture_header(files[0].data).width == 1568);
  CHECK(to_json_text(*fitted).find("its bytes cannot be read as one") != std::string::npos);
  self->send_exit(scaler, caf::exit_reason::user_shutdown);
  self->wait_for(scaler);
}
