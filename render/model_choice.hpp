// The list of models of a page, and what is said when a chat's model ends. Pure functions, any thread.
#pragma once

#include "render/pages.hpp"

namespace varro {

// What a page chooses from: the context's models, else those that its settings name.
std::shared_ptr<const model_choices> choices_of(const page_context& context);

// The list of models of the form. A chat's own model is chosen, or the one that is proposed when that is gone or over;
// models with an end that is near are marked.
html::markup model_choice(const model_choices& choices, const chat_record* chat, bool enabled);

// Why another model is proposed for this chat, with a button that chooses it; hidden when none is. chat: may be null.
// `more`: attributes beyond its own.
html::markup model_note(const model_choices& choices, const chat_record* chat, const html::attributes& more);

} // namespace varro
