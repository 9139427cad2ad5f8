#include "http/attachments.hpp"

#include "http/file_types.hpp"
#include "http/security_headers.hpp"
#include "render/chart_frame.hpp"
#include "workspace/files.hpp"

namespace varro {

namespace {

constexpr auto for_ever = "private, max-age=31536000, immutable"; // rows never change

// Tells the page that frames it how high it would like to be.
html::markup height_script() {
  const html::trusted source{std::string{find_asset("display.js")->bytes}, html::because::embedded_asset};
  return html::fragment("\n", html::raw_element("script", {}, source), "\n");
}

// HTML that a cell displayed, for a frame of the page.
void describe_display(reply& result, std::string_view file_name) {
  describe(result, file_name, "text/html; charset=utf-8");
  result.headers.back().second = content_disposition("inline", file_name);
  for (const auto& [name, value] : display_headers)
    result.headers.emplace_back(name, value);
}

reply reply_of(binary_content file, std::string_view name) {
  reply result;
  result.body = std::move(file.data);
  if (file.media_type == "text/html") {
    describe_display(result, name);
    result.body += height_script().str();
  } else {
    describe(result, name, file.media_type);
  }
  result.cache_control = for_ever;
  return result;
}

} // namespace

void describe(reply& result, std::string_view file_name, std::string_view media_type) {
  result.content_type = media_type;
  const bool shown = is_shown_inline(media_type);
  result.headers.emplace_back("Content-Disposition", content_disposition(shown ? "inline" : "attachment", file_name));
}

caf::expected<binary_content> find_attachment(const application& app, int64_t owner, int64_t chat,
                                              const attachment_name& which) {
  auto contents = app.ask_chat<chat_contents>(owner, chat, history_atom_v);
  if (!contents)
    return contents.error();
  for (const auto& row : contents->messages) {
    if (row.seq != which.seq)
      continue;
    auto files = attachments_of(row.content);
    if (which.index < files.size())
      return std::move(files[which.index]);
  }
  return fail(errc::not_found, no_file);
}

caf::expected<reply> attachment_reply(const application& app, int64_t owner, int64_t chat, std::string_view name) {
  const auto which = parse_attachment_name(name);
  if (!which)
    return fail(errc::not_found, no_file);
  auto file = find_attachment(app, owner, chat, *which);
  if (!file)
    return std::move(file.error());
  // The extension is part of the name: it decides how a browser treats the bytes.
  if (!attachment_url(chat, which->seq, which->index, file->media_type).ends_with("/" + std::string{name}))
    return fail(errc::not_found, no_file);
  return reply_of(std::move(*file), name);
}

caf::expected<reply> chart_reply(const application& app, const received_request& request, int64_t owner, int64_t chat,
                                 std::string_view name) {
  const auto which = parse_attachment_name(std::string{name} + ".json");
  if (!which)
    return fail(errc::not_found, no_file);
  auto file = find_attachment(app, owner, chat, *which);
  if (!file)
    return std::move(file.error());
  if (!is_drawn_chart(file->media_type, file->data.size()))
    return fail(errc::not_found, "There is no chart that could be drawn.");
  reply result;
  result.body = chart_frame_html(file->media_type, file->data).str();
  result.headers.emplace_back("Content-Security-Policy", chart_frame_policy(file->media_type, request.header("host")));
  result.headers.emplace_back(framed_header);
  // The row never changes, but the policy and the scripts are those of this version of ours.
  result.cache_control = "private, no-cache";
  return result;
}

} // namespace varro
