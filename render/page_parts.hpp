// Pieces of the pages. Pure functions, any thread. `more`: attributes of the element beyond its own.
#pragma once

#include "render/pages.hpp"

#include <functional>

namespace varro {

// Adds its part of a page, which may be large, to what is written already.
using write_html = std::function<void(html::markup& out)>;

// <!doctype html> … </html> around a body; scripts and styles from /assets only.
html::markup document(const page_viewer& viewer, std::string_view title, std::string_view body_class,
                      const write_html& body);

// The hidden field of every form; empty when there is no token.
html::markup csrf_field(const page_viewer& viewer);

// A moment as text, which the browser's script shows in the reader's own time.
html::markup time_html(int64_t unix_seconds);

// A small drawing, hidden from screen readers: "menu", "plus", "send", "stop", "dots", "theme", "close", "search",
// "attach".
html::markup icon(std::string_view name);

// The context's settings, or the defaults.
const config& settings_of(const page_context& context);

html::markup chat_form_with(const page_context& context, const chat_record* chat, bool enabled,
                            const html::attributes& more);
html::markup sidebar(const page_context& context, int64_t current_chat_id);
html::markup welcome(const model_choices& choices);
html::markup rename_dialog(const page_viewer& viewer);

// The form by which a message is edited in its place: web/page/editor.js copies it there, with the turn and its text.
html::markup edit_form(const page_viewer& viewer);

} // namespace varro
