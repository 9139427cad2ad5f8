// Which models are offered: those that the configuration names, and what the providers' lists tell.
//
// One catalog per server. Readers take a state of it (model_choices), which never changes; a new list makes a new one.
#pragma once

#include "base/day.hpp"
#include "models/list_cache.hpp"

#include <memory>
#include <mutex>

namespace varro {

// Why another model is proposed for one that a chat has.
struct model_proposal {
  enum class reason {
    gone,      // it cannot be chosen any more
    ended,     // its day has passed
    ends_soon, // its day is near
  };
  reason why = reason::gone;
  std::string id; // of the proposed model
  std::string label;
  std::string text; // sentences for the page: what ended or will, and what is proposed
};

// One state of the catalog. Any thread.
struct model_choices {
  std::vector<model_config> models; // every model that can be asked, the offered ones first; offline last
  std::string default_model;        // id of a new chat's model: one of `models`
  std::vector<std::string> named;   // ids that the configuration names: always offered
  int notice_days = 30;             // a model whose end is nearer than this is marked

  // The model with this id, or whose snapshot or alias the id names; or nullptr.
  const model_config* find(std::string_view id) const;
  const model_config* first() const; // the default; nullptr when there are no models at all

  // False for what the vendor has deprecated while its successor is there.
  bool offered(const model_config& model) const;

  // "ends 2026-11-30" or "ended 2026-11-30", where that is near or past; else empty.
  std::string mark(const model_config& model, int64_t on_day = today()) const;

  // What is proposed in place of the model with this id, when it is gone, over, or ends soon, and there is another.
  std::optional<model_proposal> proposal(const std::string& id, int64_t on_day = today()) const;
};

// "Choose Claude Sonnet…": what to do when a vendor says that there is no such model. Empty where none is proposed.
std::string proposal_for(const model_config& model);

// Why a model with this id cannot be asked, and what to do instead.
std::string no_such_model(const model_choices& choices, const std::string& id);

class model_catalog {
public:
  // Until lists are published, the models that the configuration names and a few well-known ones.
  explicit model_catalog(const config& settings);

  std::shared_ptr<const model_choices> now() const;

  // Takes what the providers' lists say; lists of providers that are not there any more are ignored. One thread at a
  // time publishes or exchanges.
  void publish(const std::vector<cached_list>& lists);

  // Another configuration of models, and what is known of its providers' lists.
  void exchange(const config& settings, const std::vector<cached_list>& lists);

private:
  std::vector<model_config> written_;
  std::vector<provider_config> providers_;
  std::string default_model_;
  bool offer_lists_;
  model_lists_config limits_;
  mutable std::mutex mutex_;
  std::shared_ptr<const model_choices> choices_; // GUARDED_BY(mutex_)
};

} // namespace varro
