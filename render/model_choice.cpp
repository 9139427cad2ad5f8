#include "render/model_choice.hpp"

#include "render/html.hpp"

namespace varro {

namespace {

using html::attribute;

std::string option(const model_choices& choices, const model_config& model, bool chosen) {
  auto label = model.label.empty() ? model.id : model.label;
  if (auto mark = choices.mark(model); !mark.empty())
    label += " (" + mark + ")";
  return "<option" + attribute("value", model.id) + (chosen ? " selected>" : ">") + escape_html(label) + "</option>";
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

std::string model_choice(const model_choices& choices, const chat_record* chat, bool enabled) {
  std::string own = chat ? chat->model : std::string{};
  auto current = own.empty() ? choices.first() : choices.find(own);
  auto proposal = proposal_of(choices, chat);
  auto chosen = is_chosen_instead(proposal) ? choices.find(proposal->id) : current;
  std::string out = "<label class=\"model\"><span class=\"sr-only\">Model</span><select name=\"model\" id=\"model\"";
  out += enabled ? ">" : " disabled>";
  // A model that is no longer offered stays visible, so that nobody wonders who answered so far.
  if (!current && !own.empty())
    out += "<option" + attribute("value", own) + (chosen ? " disabled>" : " selected>") + escape_html(own)
      + " (not offered any more)</option>";
  for (const auto& model : choices.models)
    if (choices.offered(model) || &model == current || &model == chosen)
      out += option(choices, model, &model == chosen);
  return out + "</select></label>";
}

std::string model_note(const model_choices& choices, const chat_record* chat, std::string_view attributes) {
  auto proposal = proposal_of(choices, chat);
  std::string out = "<div id=\"model-note\" class=\"model-note\" role=\"status\"" + std::string{attributes};
  if (!proposal)
    return out + " hidden></div>\n";
  out += ">" + escape_html(proposal->text);
  if (!is_chosen_instead(proposal))
    out += " <button type=\"button\" class=\"quiet\" data-action=\"choose-model\""
      + attribute("data-model", proposal->id) + ">Use " + escape_html(proposal->label) + "</button>";
  return out + "</div>\n";
}

} // namespace varro
