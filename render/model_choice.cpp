#include "render/model_choice.hpp"

#include "render/html.hpp"

namespace varro {

namespace {

using html::element;
using html::markup;

markup option(const model_choices& choices, const model_config& model, bool chosen) {
  auto label = model.label.empty() ? model.id : model.label;
  if (auto mark = choices.mark(model); !mark.empty())
    label += " (" + mark + ")";
  return element("option", {{"value", model.id}, {"selected", chosen}}, label);
}

std::optional<model_proposal> proposal_of(const model_choices& choices, const chat_record* chat) {
  return chat != nullptr && !chat->model.empty() ? choices.proposal(chat->model) : std::nullopt;
}

bool is_chosen_instead(const std::optional<model_proposal>& proposal) {
  return proposal && proposal->why != model_proposal::reason::ends_soon;
}

} // namespace

std::shared_ptr<const model_choices> choices_of(const page_context& context) {
  if (context.models)
    return context.models;
  return model_catalog{context.settings ? *context.settings : config{}}.now();
}

markup model_choice(const model_choices& choices, const chat_record* chat, bool enabled) {
  std::string own = chat ? chat->model : std::string{};
  auto current = own.empty() ? choices.first() : choices.find(own);
  auto proposal = proposal_of(choices, chat);
  auto chosen = is_chosen_instead(proposal) ? choices.find(proposal->id) : current;
  markup options;
  // A model that is no longer offered stays visible, so that nobody wonders who answered so far.
  if (!current && !own.empty())
    options += element("option", {{"value", own}, {"disabled", chosen != nullptr}, {"selected", chosen == nullptr}},
                       own, " (not offered any more)");
  for (const auto& model : choices.models)
    if (choices.offered(model) || &model == current || &model == chosen)
      options += option(choices, model, &model == chosen);
  return element("label", {{"class", "model"}}, element("span", {{"class", "sr-only"}}, "Model"),
                 element("select", {{"name", "model"}, {"id", "model"}, {"disabled", !enabled}}, options));
}

markup model_note(const model_choices& choices, const chat_record* chat, const html::attributes& more) {
  auto proposal = proposal_of(choices, chat);
  markup content;
  if (proposal)
    content += proposal->text;
  if (proposal && !is_chosen_instead(proposal)) {
    content += " ";
    content += element(
      "button", {{"type", "button"}, {"class", "quiet"}, {"data-action", "choose-model"}, {"data-model", proposal->id}},
      "Use ", proposal->label);
  }
  return html::fragment(
    element("div", {{"id", "model-note"}, {"class", "model-note"}, {"role", "status"}, more, {"hidden", !proposal}},
            content),
    "\n");
}

} // namespace varro
