#include "models/catalog.hpp"

#include "config/providers.hpp"
#include "models/capabilities.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

namespace varro {

namespace {

const std::string& label_of(const model_config& model) {
  return model.label.empty() ? model.id : model.label;
}

std::pair<std::string_view, std::string_view> split_id(std::string_view id) {
  auto colon = id.find(':');
  return colon == std::string_view::npos ? std::pair{std::string_view{}, id}
                                         : std::pair{id.substr(0, colon), id.substr(colon + 1)};
}

// Fills in what is not known yet. The output limit is lowered to what the model can do.
void take_limits(model_config& model, int64_t context, int64_t output) {
  if (model.context_tokens_max == 0)
    model.context_tokens_max = context;
  if (output > 0 && model.output_tokens_max > output) {
    model.output_tokens_max = output;
    // The budget counts too: leave room for an answer.
    model.thinking_budget_tokens = std::min(model.thinking_budget_tokens, std::max<int64_t>(output / 2, 1'024));
  }
}

void take_listed(model_config& model, const listed_model& listed) {
  take_limits(model, listed.context_tokens_max, listed.output_tokens_max);
  model.retires_on = listed.retires_on;
  model.deprecated = listed.lifecycle != listed_model::stage::active;
  model.thinking_types = listed.thinking_types;
  model.efforts = listed.efforts;
}

// What the names tell, after the lists had their say.
void take_known(model_config& model) {
  auto known = limits_of(model.name);
  take_limits(model, known.context_tokens_max, 0);
  if (model.retires_on.empty())
    model.retires_on = known_retirement(model.kind, model.name);
}

// A model of a list, with what is needed to put it in its place.
struct candidate {
  model_config model;
  model_family family;
  int64_t created_at = 0;
  int generation = 0; // 0: the newest of its family
};

bool newer(const candidate& a, const candidate& b) {
  return std::tuple{a.family.version, a.created_at, b.model.name}
  > std::tuple{b.family.version, b.created_at, a.model.name};
}

candidate candidate_of(const provider_config& from, const listed_model& listed) {
  candidate made;
  made.family = family_of(listed.name);
  made.created_at = listed.created_at;
  auto& model = made.model;
  take_provider(model, from);
  model.name = listed.name;
  model.id = from.name + ":" + listed.name;
  auto known = limits_of(listed.name);
  // A server that is sent a picture for a model that cannot see one refuses the request, for good.
  model.vision = listed.vision.value_or(known.vision.value_or(from.kind != provider_kind::openai));
  take_listed(model, listed);
  take_limits(model, known.context_tokens_max, known.output_tokens_max);
  take_known(model);
  model.label = listed.label.empty() ? label_of_name(listed.name) : listed.label;
  if (from.kind == provider_kind::openai && !from.either_openai_api)
    model.label += " (" + from.name + ")";
  return made;
}

// The newest generation of each family first, the most capable family first; what ends comes last.
std::vector<model_config> ordered(std::vector<candidate> all, size_t max) {
  std::sort(all.begin(), all.end(), newer);
  std::map<std::string, int> seen;
  for (auto& each : all)
    seen.emplace(each.family.family, 0);
  for (auto& each : all) {
    each.generation = seen[each.family.family]++;
    auto next = continued_by(each.family);
    if (next != each.family.family && seen.contains(next))
      ++each.generation;
    // Specialists and variants do not stand before the families that everybody knows.
    if (rank_of_family(each.family.family) == families_ranked)
      ++each.generation;
  }
  auto place
    = [](const candidate& x) { return std::tuple{x.model.deprecated, x.generation, rank_of_family(x.family.family)}; };
  std::stable_sort(all.begin(), all.end(), [&](const candidate& a, const candidate& b) { return place(a) < place(b); });
  if (all.size() > max)
    all.resize(max);
  std::vector<model_config> models;
  for (auto& each : all)
    models.push_back(std::move(each.model));
  return models;
}

std::vector<model_config> models_of(const provider_config& from, const std::vector<listed_model>& listed, size_t max) {
  std::vector<candidate> all;
  std::set<std::string_view> names, seen;
  for (const auto& each : listed)
    names.insert(each.name);
  // The snapshot of a day is left out where the model itself is in the list.
  auto is_snapshot
    = [&](std::string_view name) { return without_date(name) != name && names.contains(without_date(name)); };
  for (const auto& each : listed)
    if (can_chat(each.name) && each.tools.value_or(true) && each.lifecycle != listed_model::stage::retired
        && !is_snapshot(each.name) && seen.insert(each.name).second)
      all.push_back(candidate_of(from, each));
  return ordered(std::move(all), max);
}

std::vector<listed_model> fallback_of(const provider_config& from) {
  std::vector<listed_model> models;
  for (const auto& each : fallback_models())
    if (each.provider == from.name) {
      listed_model model;
      model.name = each.name;
      model.label = each.label;
      models.push_back(std::move(model));
    }
  return models;
}

bool is_real(const model_config& model) {
  return model.kind != provider_kind::offline;
}

struct model_name {
  std::string_view provider;
  std::string_view name;
  bool is(const model_config& model) const {
    return model.provider == provider && same_model(model.name, name);
  }
};

// Who follows whom among these models. Reads each name once.
class succession {
public:
  explicit succession(const std::vector<model_config>& models) : models_(models) {
    for (const auto& model : models)
      families_.push_back(family_of(model.name));
  }

  // What a new chat starts with; `provider`: of this one only, `except`: another one than this.
  const model_config* preferred(std::string_view provider, const model_name& except) const {
    for (auto family : preferred_families())
      if (auto found = newest(family, provider, except))
        return found;
    for (const auto& model : models_)
      if (is_candidate(model, provider, except))
        return &model;
    return nullptr;
  }

  // The model to take in place of one: of the family that follows, of its own, of its provider, of any.
  const model_config* after(const model_name& old, const model_config* usual) const {
    auto family = family_of(old.name);
    auto next = continued_by(family);
    for (std::string_view wanted : {std::string_view{next}, std::string_view{family.family}})
      if (auto found = newest(wanted, old.provider, old))
        return found;
    if (auto found = preferred(old.provider, old))
      return found;
    return usual && is_candidate(*usual, {}, old) ? usual : preferred({}, old);
  }

private:
  // Whether it may be chosen by itself: a real model that is not about to end, of this provider (empty: of any).
  static bool is_candidate(const model_config& model, std::string_view provider, const model_name& except) {
    return is_real(model) && !model.deprecated && (provider.empty() || model.provider == provider) && !except.is(model);
  }

  const model_config* newest(std::string_view family, std::string_view provider, const model_name& except) const {
    const model_config* best = nullptr;
    int version = -1;
    for (size_t i = 0; i < models_.size(); ++i)
      if (families_[i].family == family && families_[i].version > version
          && is_candidate(models_[i], provider, except)) {
        best = &models_[i];
        version = families_[i].version;
      }
    return best;
  }

  const std::vector<model_config>& models_;
  std::vector<model_family> families_;
};

void set_successors(model_choices& choices) {
  succession order{choices.models};
  std::vector<std::string> successors;
  for (const auto& model : choices.models) {
    auto next = is_real(model) ? order.after({model.provider, model.name}, choices.first()) : nullptr;
    successors.push_back(next ? next->id : std::string{});
  }
  for (size_t i = 0; i < successors.size(); ++i)
    choices.models[i].successor = std::move(successors[i]);
}

bool is_past(const model_config& model, int64_t on_day) {
  auto end = days_of(model.retires_on);
  return end && *end <= on_day;
}

std::string proposal_text(model_proposal::reason why, const std::string& old, const std::string& date,
                          const std::string& next) {
  switch (why) {
  case model_proposal::reason::gone:
    return old + " is not offered any more. " + next + " is chosen in its place; the list of models has others.";
  case model_proposal::reason::ended:
    return old + " ended on " + date + ". " + next + " is chosen in its place; the list of models has others.";
  default:
    return old + " ends on " + date + ". " + next + " takes its place.";
  }
}

} // namespace

const model_config* model_choices::find(std::string_view id) const {
  for (const auto& model : models)
    if (model.id == id)
      return &model;
  auto [provider, name] = split_id(id);
  for (const auto& model : models)
    if (is_real(model) && model.provider == provider && same_model(model.name, name))
      return &model;
  return nullptr;
}

const model_config* model_choices::first() const {
  if (auto chosen = find(default_model))
    return chosen;
  return models.empty() ? nullptr : &models.front();
}

bool model_choices::offered(const model_config& model) const {
  return !model.deprecated || model.successor.empty() || std::find(named.begin(), named.end(), model.id) != named.end();
}

std::string model_choices::mark(const model_config& model, int64_t on_day) const {
  auto end = days_of(model.retires_on);
  if (!end || *end - on_day > notice_days)
    return {};
  return (*end <= on_day ? "ended " : "ends ") + model.retires_on;
}

std::optional<model_proposal> model_choices::proposal(const std::string& id, int64_t on_day) const {
  using reason = model_proposal::reason;
  auto model = find(id);
  if (model && mark(*model, on_day).empty())
    return std::nullopt;
  auto [provider, name] = split_id(id);
  auto next = model ? find(model->successor) : succession{models}.after({provider, name}, first());
  if (!next)
    return std::nullopt;
  auto why = !model ? reason::gone : is_past(*model, on_day) ? reason::ended : reason::ends_soon;
  auto text = proposal_text(why, model ? label_of(*model) : id, model ? model->retires_on : "", label_of(*next));
  return model_proposal{why, next->id, label_of(*next), std::move(text)};
}

std::string proposal_for(const model_config& model) {
  return model.successor.empty() ? std::string{}
                                 : "Choose another model in the list of models; " + model.successor + " is proposed.";
}

std::string no_such_model(const model_choices& choices, const std::string& id) {
  auto proposed = choices.proposal(id);
  return "The model " + id + " is not offered here any more. "
    + (proposed ? "Choose another one in the list of models, such as " + proposed->label + " (" + proposed->id + ")."
                : "Choose another one in the list of models.");
}

model_catalog::model_catalog(const config& settings)
  : written_(settings.models), providers_(settings.providers), default_model_(settings.default_model),
    offer_lists_(settings.offer_lists), limits_(settings.model_lists) {
  publish({});
}

std::shared_ptr<const model_choices> model_catalog::now() const {
  std::lock_guard guard{mutex_};
  return choices_;
}

void model_catalog::publish(const std::vector<cached_list>& lists) {
  auto made = std::make_shared<model_choices>();
  made->notice_days = limits_.retirement_notice_days;
  std::vector<model_config> written = written_, offered;
  for (const auto& from : providers_) {
    auto heard = std::find_if(lists.begin(), lists.end(), [&](const auto& list) { return list.is_of(from); });
    auto fallback = heard == lists.end() ? fallback_of(from) : std::vector<listed_model>{};
    const auto& listed = heard == lists.end() ? fallback : heard->models;
    for (auto& model : written)
      if (model.provider == from.name)
        for (const auto& entry : listed)
          if (same_model(entry.name, model.name)) {
            take_listed(model, entry);
            break;
          }
    if (offer_lists_)
      for (auto& model : models_of(from, listed, static_cast<size_t>(limits_.offered_max)))
        offered.push_back(std::move(model));
  }
  for (auto& model : written) {
    take_known(model);
    made->named.push_back(model.id);
    // One that the lists have as well keeps its place among them.
    auto twin = std::find_if(offered.begin(), offered.end(), [&](const auto& x) {
      return x.provider == model.provider && same_model(x.name, model.name);
    });
    if (twin != offered.end()) {
      if (model.label == model.id)
        model.label = twin->label;
      *twin = std::move(model);
    } else {
      made->models.push_back(std::move(model));
    }
  }
  auto offline = std::find_if_not(made->models.begin(), made->models.end(), is_real);
  made->models.insert(offline, std::make_move_iterator(offered.begin()), std::make_move_iterator(offered.end()));
  made->default_model = default_model_;
  if (default_model_.empty())
    if (auto chosen = succession{made->models}.preferred({}, {}))
      made->default_model = chosen->id;
  if (made->default_model.empty() && !made->models.empty())
    made->default_model = made->models.front().id;
  set_successors(*made);
  std::lock_guard guard{mutex_};
  choices_ = std::move(made);
}

} // namespace varro
