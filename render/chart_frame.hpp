// A chart's frame: the document that draws one Plotly or Vega-Lite chart of a cell, for an <iframe> of our pages.
//
// The data is hostile. The document holds it as text that no browser runs, loads scripts of this binary only, and is
// served under chart_frame_policy(), which makes it a stranger to this origin without any network. web/chart.js tells
// the page how high the drawing is, or that there is none. Pure functions, any thread.
#pragma once

#include "render/chat_path.hpp"
#include "render/markup.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace varro {

// Data of a chart that is drawn. Of a larger one the page has the summary and the data: a frame shares the browser's
// memory with the page.
inline constexpr size_t chart_drawn_bytes_max = 768u << 10;

// Whether the page draws it. False for what is no chart.
bool is_drawn_chart(std::string_view media_type, size_t bytes) noexcept;

// "/chat/{chat_id}/charts/m{seq}-{n}", where attachment `n` of the message `seq` is the chart's data.
std::string chart_frame_url(int64_t chat_id, int64_t seq, size_t index, chat_audience audience = chat_audience::owner);

// REQUIRES: is_chart_type(media_type).
html::markup chart_frame_html(std::string_view media_type, std::string_view data);

// The Content-Security-Policy of the document. `host` is the request's Host field.
// REQUIRES: is_chart_type(media_type).
std::string chart_frame_policy(std::string_view media_type, std::string_view host);

// Whether a chart's frame loads this file below /assets/. For a browser that is a request of another origin.
bool is_chart_asset(std::string_view name) noexcept;

} // namespace varro
