// Which models are offered, in which order, and what is proposed when one ends.
#include "models/catalog.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace varro;

namespace {

constexpr int64_t day = 20'785; // 2026-11-28

provider_config anthropic() {
  return {"anthropic", provider_kind::anthropic, "https://a.example", "key-a", false};
}
provider_config openai() {
  return {"openai", provider_kind::openai_responses, "https://o.example/v1", "key-o", true};
}
provider_config google() {
  return {"google", provider_kind::google, "https://g.example/v1beta", "key-g", false};
}

model_config offline() {
  model_config model;
  model.id = model.provider = model.name = "offline";
  return model;
}

config offering(std::vector<provider_config> providers) {
  config settings;
  settings.offer_lists = true;
  settings.providers = std::move(providers);
  settings.models = {offline()};
  return settings;
}

listed_model named(std::string name, std::string retires_on = "") {
  listed_model model;
  model.name = std::move(name);
  model.retires_on = std::move(retires_on);
  if (!model.retires_on.empty())
    model.lifecycle = listed_model::stage::deprecated;
  return model;
}

cached_list list_of(const provider_config& from, std::vector<listed_model> models) {
  return {from.name, from.kind, from.base_url, 1, std::move(models)};
}

std::vector<listed_model> claudes() {
  return {named("claude-fable-5-2"),          named("claude-haiku-5-5"),
          named("claude-sonnet-5-5"),         named("claude-opus-5-5"),
          named("claude-sonnet-5"),           named("claude-opus-4-8"),
          named("claude-haiku-4-5-20251001"), named("claude-sonnet-4-5-20250929", "2026-11-30")};
}

std::vector<listed_model> gpts() {
  return {named("gpt-5", "2026-12-11"), named("gpt-4o", "2027-01-14"), named("text-embedding-3-small"),
          named("gpt-6.1-terra"),       named("gpt-6.2-sol"),          named("gpt-6.2-astra"),
          named("gpt-6-luna"),          named("gpt-6.1-sol"),          named("gpt-5.5"),
          named("gpt-5.5-2026-04-23"),  named("gpt-6.2-astra-law"),    named("gpt-realtime-2.1"),
          named("gpt-image-2.6-flare")};
}

std::vector<std::string> offered(const model_choices& choices) {
  std::vector<std::string> ids;
  for (const auto& model : choices.models)
    if (choices.offered(model))
      ids.push_back(model.id);
  return ids;
}

std::shared_ptr<const model_choices> choices_with(const config& settings, const std::vector<cached_list>& lists) {
  model_catalog catalog{settings};
  catalog.publish(lists);
  return catalog.now();
}

const model_config& model_of(const model_choices& choices, std::string_view id) {
  auto found = choices.find(id);
  REQUIRE_MESSAGE(found, id);
  return *found;
}

using ids = std::vector<std::string>;

} // namespace

TEST_CASE("what a list has is offered: the newest of each family first, what ends not at all") {
  auto choices = choices_with(offering({anthropic()}), {list_of(anthropic(), claudes())});
  CHECK(offered(*choices)
        == ids{"anthropic:claude-fable-5-2", "anthropic:claude-opus-5-5", "anthropic:claude-sonnet-5-5",
               "anthropic:claude-haiku-5-5", "anthropic:claude-opus-4-8", "anthropic:claude-sonnet-5",
               "anthropic:claude-haiku-4-5-20251001", "offline"});
  CHECK(choices->default_model == "anthropic:claude-sonnet-5-5");
  const auto& model = model_of(*choices, "anthropic:claude-sonnet-5-5");
  CHECK(model.api_key == "key-a");
  CHECK(model.base_url == "https://a.example");
  CHECK(model.kind == provider_kind::anthropic);
}

TEST_CASE("of OpenAI's list only what chats is offered, without snapshots that have a name of their own") {
  auto choices = choices_with(offering({openai()}), {list_of(openai(), gpts())});
  CHECK(offered(*choices)
        == ids{"openai:gpt-6.2-astra", "openai:gpt-6.2-sol", "openai:gpt-6.1-terra", "openai:gpt-6-luna",
               "openai:gpt-6.1-sol", "openai:gpt-5.5", "openai:gpt-6.2-astra-law", "offline"});
  CHECK(choices->default_model == "openai:gpt-6.2-sol");
  CHECK(model_of(*choices, "openai:gpt-6.2-sol").label == "GPT-6.2 Sol");
  CHECK(model_of(*choices, "openai:gpt-6.2-sol").either_openai_api);
  CHECK(model_of(*choices, "openai:gpt-6.2-sol").context_tokens_max == 1'050'000);
}

TEST_CASE("the default is the newest Sonnet, else GPT Sol, else Gemini Flash, else what there is, else offline") {
  std::vector<listed_model> geminis{named("gemini-3.1-pro-preview"), named("gemini-3.8-flash"),
                                    named("gemini-flash-latest"), named("gemini-3.5-flash-lite")};
  auto all = offering({anthropic(), openai(), google()});
  auto default_of = [&](const std::vector<cached_list>& lists) { return choices_with(all, lists)->default_model; };
  auto none = [](const provider_config& from) { return list_of(from, {}); };
  CHECK(default_of({list_of(anthropic(), claudes()), list_of(openai(), gpts()), list_of(google(), geminis)})
        == "anthropic:claude-sonnet-5-5");
  CHECK(default_of({none(anthropic()), list_of(openai(), gpts()), list_of(google(), geminis)}) == "openai:gpt-6.2-sol");
  CHECK(default_of({none(anthropic()), none(openai()), list_of(google(), geminis)}) == "google:gemini-3.8-flash");
  CHECK(default_of({none(anthropic()), none(google()), list_of(openai(), {named("gpt-9-quux")})})
        == "openai:gpt-9-quux");
  CHECK(default_of({none(anthropic()), none(openai()), none(google())}) == "offline");
}

TEST_CASE("before any list is heard a few names without a date are offered, and no provider without a key") {
  model_catalog catalog{offering({anthropic(), google()})};
  auto choices = catalog.now();
  CHECK(choices->models.size() == 7);
  CHECK(choices->models.back().id == "offline");
  CHECK(model_of(*choices, choices->default_model).provider == "anthropic");
  CHECK(choices->find("openai:gpt-6.2-sol") == nullptr);
  CHECK(choices->find("google:gemini-flash-latest") != nullptr);
  for (const auto& model : choices->models)
    CHECK(choices->mark(model).empty());
  provider_config groq{"groq", provider_kind::openai, "https://groq.example/v1", "k", false};
  CHECK(model_catalog{offering({groq})}.now()->models.size() == 1);
}

TEST_CASE("a list of another address or of a provider that is gone is ignored") {
  auto elsewhere = anthropic();
  elsewhere.base_url = "https://other.example";
  auto choices = choices_with(offering({anthropic()}),
                              {list_of(elsewhere, {named("claude-sonnet-9")}), list_of(openai(), gpts())});
  CHECK(choices->find("anthropic:claude-sonnet-9") == nullptr);
  CHECK(choices->find("openai:gpt-5") == nullptr);
}

TEST_CASE("models that the configuration names are offered as written, and completed from the list") {
  auto settings = offering({anthropic()});
  settings.offer_lists = false;
  model_config written;
  written.id = "mine";
  written.label = "Mine";
  written.provider = "anthropic";
  written.kind = provider_kind::anthropic;
  written.name = "claude-sonnet-4-5";
  written.output_tokens_max = 100'000;
  settings.models.insert(settings.models.begin(), written);
  settings.default_model = "mine";
  auto list = claudes();
  list.back().context_tokens_max = 200'000;
  list.back().output_tokens_max = 64'000;
  list.back().thinking_types = {"enabled"};
  auto choices = choices_with(settings, {list_of(anthropic(), list)});
  CHECK(offered(*choices) == ids{"mine", "offline"});
  const auto& mine = model_of(*choices, "mine");
  CHECK(mine.context_tokens_max == 200'000);
  CHECK(mine.output_tokens_max == 64'000);
  CHECK(mine.retires_on == "2026-11-30");
  CHECK(mine.thinking_types == std::vector<std::string>{"enabled"});
  CHECK(choices->mark(mine, day) == "ends 2026-11-30");
}

TEST_CASE("a model that is named and in the list keeps its place there, and one that is not comes first") {
  auto settings = offering({anthropic()});
  for (auto name : {"claude-opus-5-5", "claude-next"}) {
    model_config written;
    written.id = written.label = "anthropic:" + std::string{name};
    written.provider = "anthropic";
    written.kind = provider_kind::anthropic;
    written.name = name;
    settings.models.insert(settings.models.begin(), written);
  }
  settings.default_model = "anthropic:claude-opus-5-5";
  auto list = claudes();
  list[3].label = "Claude Opus 5.5";
  auto choices = choices_with(settings, {list_of(anthropic(), list)});
  auto all = offered(*choices);
  CHECK(all[0] == "anthropic:claude-next");
  CHECK(all[1] == "anthropic:claude-fable-5-2");
  CHECK(all[2] == "anthropic:claude-opus-5-5");
  CHECK(std::count(all.begin(), all.end(), "anthropic:claude-opus-5-5") == 1);
  CHECK(model_of(*choices, "anthropic:claude-opus-5-5").label == "Claude Opus 5.5");
  CHECK(choices->default_model == "anthropic:claude-opus-5-5");
}

TEST_CASE("a model that is named by its alias stands for the snapshot of the list, and both ids find it") {
  auto settings = offering({anthropic()});
  model_config written;
  written.id = written.label = "anthropic:claude-haiku-4-5";
  written.provider = "anthropic";
  written.kind = provider_kind::anthropic;
  written.name = "claude-haiku-4-5";
  settings.models.insert(settings.models.begin(), written);
  settings.default_model = written.id;
  auto choices = choices_with(settings, {list_of(anthropic(), claudes())});
  auto all = offered(*choices);
  CHECK(std::count(all.begin(), all.end(), written.id) == 1);
  CHECK(std::count(all.begin(), all.end(), "anthropic:claude-haiku-4-5-20251001") == 0);
  CHECK(model_of(*choices, "anthropic:claude-haiku-4-5-20251001").id == written.id);
}

TEST_CASE("the days that the vendor's page tells, and its list does not, only mark a model") {
  auto choices
    = choices_with(offering({google()}), {list_of(google(), {named("gemini-2.5-pro"), named("gemini-3.8-flash")})});
  const auto& old = model_of(*choices, "google:gemini-2.5-pro");
  CHECK(choices->mark(old, day) == "ends 2026-12-01");
  CHECK(choices->offered(old));
}

TEST_CASE("the output limit is never above the model's, and a thinking budget leaves room") {
  auto small = named("claude-tiny-9");
  small.output_tokens_max = 4'096;
  auto choices = choices_with(offering({anthropic()}), {list_of(anthropic(), {small, named("claude-sonnet-5-5")})});
  CHECK(model_of(*choices, "anthropic:claude-tiny-9").output_tokens_max == 4'096);
  CHECK(model_of(*choices, "anthropic:claude-tiny-9").thinking_budget_tokens < 4'096);
  CHECK(model_of(*choices, "anthropic:claude-sonnet-5-5").output_tokens_max == 16'000);
}

TEST_CASE("of one provider at most so many are offered, and without tools none") {
  auto settings = offering({openai()});
  settings.model_lists.offered_max = 3;
  std::vector<listed_model> many;
  for (int i = 0; i < 100; ++i)
    many.push_back(named("model-" + std::string(1 + static_cast<size_t>(i), 'x')));
  CHECK(choices_with(settings, {list_of(openai(), many)})->models.size() == 4);
  auto mute = named("gpt-9-mute");
  mute.tools = false;
  CHECK(choices_with(settings, {list_of(openai(), {mute})})->models.size() == 1);
}

TEST_CASE("a model that a list names twice is offered once, and a thousand models are sorted out at once") {
  auto settings = offering({openai()});
  CHECK(choices_with(settings, {list_of(openai(), {named("gpt-9-sol"), named("gpt-9-sol")})})->models.size() == 2);
  settings.model_lists.offered_max = 1'000;
  std::vector<listed_model> many;
  for (int i = 0; i < 5'000; ++i)
    many.push_back(named("gpt-" + std::to_string(i % 90) + "." + std::to_string(i % 7) + "-m" + std::to_string(i)));
  auto begin = std::chrono::steady_clock::now();
  CHECK(choices_with(settings, {list_of(openai(), many)})->models.size() == 1'001);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
}

TEST_CASE("pictures go only to models of compatible servers that are known to see") {
  provider_config router{"router", provider_kind::openai, "https://r.example/v1", "k", false};
  auto sees = named("a/sees"), blind = named("a/blind");
  sees.vision = true;
  blind.vision = false;
  auto choices = choices_with(offering({router}), {list_of(router, {sees, blind, named("a/unknown")})});
  CHECK(model_of(*choices, "router:a/sees").vision);
  CHECK_FALSE(model_of(*choices, "router:a/blind").vision);
  CHECK_FALSE(model_of(*choices, "router:a/unknown").vision);
  CHECK(model_of(*choices, "router:a/sees").label == "a/sees (router)");
}

TEST_CASE("an alias finds the snapshot that the list has") {
  auto choices = choices_with(offering({anthropic()}), {list_of(anthropic(), claudes())});
  CHECK(model_of(*choices, "anthropic:claude-haiku-4-5").id == "anthropic:claude-haiku-4-5-20251001");
  CHECK(choices->find("openai:claude-haiku-4-5") == nullptr);
}

TEST_CASE("a model whose end is near or past is marked, and its successor proposed") {
  auto choices
    = choices_with(offering({anthropic(), openai()}), {list_of(anthropic(), claudes()), list_of(openai(), gpts())});
  const auto& old = model_of(*choices, "anthropic:claude-sonnet-4-5-20250929");
  CHECK_FALSE(choices->offered(old));
  CHECK(old.successor == "anthropic:claude-sonnet-5-5");
  CHECK(choices->mark(old, day) == "ends 2026-11-30");
  CHECK(choices->mark(old, day + 2) == "ended 2026-11-30");
  CHECK(choices->mark(old, day - 100).empty());
  auto soon = choices->proposal(old.id, day);
  REQUIRE(soon);
  CHECK(soon->why == model_proposal::reason::ends_soon);
  CHECK(soon->id == "anthropic:claude-sonnet-5-5");
  CHECK(choices->proposal(old.id, day + 30)->why == model_proposal::reason::ended);
  CHECK_FALSE(choices->proposal(old.id, day - 100));
  CHECK(model_of(*choices, "openai:gpt-5").successor == "openai:gpt-6.2-sol");
  CHECK(model_of(*choices, "openai:gpt-4o").successor == "openai:gpt-6-luna");
  CHECK_FALSE(choices->proposal("anthropic:claude-opus-4-8", day));
  CHECK_FALSE(choices->proposal("offline", day));
}

TEST_CASE("for a model that is gone one of its family is proposed, else of its vendor, else the default") {
  auto choices
    = choices_with(offering({anthropic(), openai()}), {list_of(anthropic(), claudes()), list_of(openai(), gpts())});
  auto proposed = [&](const std::string& id) {
    auto proposal = choices->proposal(id, day);
    REQUIRE(proposal);
    CHECK(proposal->why == model_proposal::reason::gone);
    CHECK(proposal->text.find(id) != std::string::npos);
    return proposal->id;
  };
  CHECK(proposed("anthropic:claude-opus-4-1") == "anthropic:claude-opus-5-5");
  CHECK(proposed("anthropic:claude-instant-1") == "anthropic:claude-sonnet-5-5");
  CHECK(proposed("openai:o3") == "openai:gpt-6.2-sol");
  CHECK(proposed("groq:llama-3") == "anthropic:claude-sonnet-5-5");
  CHECK(proposed("nonsense") == "anthropic:claude-sonnet-5-5");
  CHECK(no_such_model(*choices, "openai:o3").find("openai:gpt-6.2-sol") != std::string::npos);
  model_catalog alone{offering({})};
  CHECK_FALSE(alone.now()->proposal("openai:o3", day));
  CHECK(no_such_model(*alone.now(), "openai:o3").find("openai:o3") != std::string::npos);
}

TEST_CASE("a deprecated model stays offered where nothing follows it or the configuration names it") {
  auto settings = offering({anthropic()});
  auto alone = choices_with(settings, {list_of(anthropic(), {named("claude-sonnet-4-5-20250929", "2026-11-30")})});
  CHECK(offered(*alone) == ids{"anthropic:claude-sonnet-4-5-20250929", "offline"});
  model_config written;
  written.id = "anthropic:claude-sonnet-4-5-20250929";
  written.provider = "anthropic";
  written.kind = provider_kind::anthropic;
  written.name = "claude-sonnet-4-5-20250929";
  settings.models.insert(settings.models.begin(), written);
  auto named_too = choices_with(settings, {list_of(anthropic(), claudes())});
  auto all = offered(*named_too);
  CHECK(std::count(all.begin(), all.end(), written.id) == 1);
}

TEST_CASE("a retired model is not offered, and a state that somebody holds does not change") {
  auto retired = named("claude-sonnet-3");
  retired.lifecycle = listed_model::stage::retired;
  model_catalog catalog{offering({anthropic()})};
  auto before = catalog.now();
  catalog.publish({list_of(anthropic(), {retired, named("claude-sonnet-5-5")})});
  CHECK(before->models.size() == 4);
  CHECK(catalog.now()->find("anthropic:claude-sonnet-3") == nullptr);
  CHECK(catalog.now()->models.size() == 2);
}

TEST_CASE("when a vendor says there is no such model the error can name another") {
  auto choices = choices_with(offering({anthropic()}), {list_of(anthropic(), claudes())});
  CHECK(proposal_for(model_of(*choices, "anthropic:claude-sonnet-5")).find("anthropic:claude-sonnet-5-5")
        != std::string::npos);
  CHECK(proposal_for(model_config{}).empty());
}
