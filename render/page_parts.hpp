// Pieces of the pages. Pure functions, any thread; all text is escaped.
#pragma once

#include "render/pages.hpp"

namespace varro {

// <!doctype html> … </html> around a body; scripts and styles from /assets only.
std::string document(const page_viewer& viewer, std::string_view title, std::string_view body_class,
                     std::string_view body);

// The hidden field of every form; nothing when there is no token.
std::string csrf_field(const page_viewer& viewer);

// A small drawing, hidden from screen readers: "menu", "plus", "send", "stop", "dots", "theme", "close", "search",
// "attach".
std::string icon(std::string_view name);

// The context's settings, or the defaults.
const config& settings_of(const page_context& context);

std::string chat_form_with(const page_context& context, const chat_record* chat, bool enabled,
                           std::string_view attributes);
std::string sidebar(const page_context& context, int64_t current_chat_id);
std::string welcome(const model_choices& choices);
std::string rename_dialog(const page_viewer& viewer);

// The form by which a message is edited in its place: web/page/editor.js copies it there, with the turn and its text.
std::string edit_form(const page_viewer& viewer);

} // namespace varro
