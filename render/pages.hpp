// Whole pages and the fragments that routes answer with. Pure functions, any thread.
#pragma once

#include "config/config.hpp"
#include "models/catalog.hpp"
#include "render/blocks.hpp"
#include "render/chat_list.hpp"
#include "workspace/listed_file.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace varro {

// What every page needs to know about who looks at it.
struct page_viewer {
  std::string user_name;
  bool accounts = false;       // show logout
  std::string csrf;            // goes into every form as a hidden field and into a meta tag; empty in local mode
  bool admin = false;          // shows the way to the pages of admins
  std::string logout_url = {}; // where somebody else's logout is; empty: there is none
};

struct chat_page {
  chat_record chat;
  std::vector<block> blocks;
  int64_t last_seq = 0;
  bool running = false;
  std::string progress;    // text of the newest progress line, when running
  std::string notice;      // beside the message box; may be empty
  bool old_prefix = false; // the chat began with other instructions than one that begins now: it can take those
};

struct page_context {
  page_viewer viewer;
  std::vector<chat_record> chats;                        // sidebar, newest first
  const config* settings = nullptr;                      // Pythons to choose from, sandbox off warning
  std::shared_ptr<const model_choices> models = nullptr; // to choose from; without it, those of the settings
  std::string older = {};     // the place after these chats, where more stand; empty: these are all
  std::string allowance = {}; // which of the user's limits is reached or nearly used; empty: none
};

html::markup new_chat_page(const page_context& context);
html::markup chat_page_html(const page_context& context, const chat_page& page);
html::markup error_page(const page_viewer& viewer, int status, std::string_view message, std::string_view request = {});

// Fragments.
html::markup chat_form(const page_context& context, const chat_record* chat, bool enabled);
html::markup file_list(int64_t chat_id, const std::vector<listed_file>& files);
// Reply of POST /chat/send: UserMessage, StreamContainer (after page.last_seq), disabled ChatForm (hx-swap-oob); for a
// new chat also its entry for the sidebar's list (hx-swap-oob), so that a message costs the same with many chats.
html::markup send_reply(const page_context& context, const chat_page& page, const std::vector<block>& user_blocks,
                        bool new_chat);

// Files of web/ that the binary carries: "app.css", "vendor/htmx.min.js"… nullptr when there is none.
struct asset {
  std::string_view bytes;
  std::string_view media_type;
  std::string_view etag;    // 16 hex digits; the header wants quotes around them
  std::string_view gzipped; // the same bytes; empty where that would save nothing
};
const asset* find_asset(std::string_view path);

} // namespace varro
