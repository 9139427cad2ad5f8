#include "pictures/picture_fit.hpp"

#include "base/base64.hpp"
#include "models/message_json.hpp"

#include <algorithm>

namespace varro {

namespace {

// A picture that has to be made anew although it is small is squeezed into what it is charged with.
constexpr size_t charged_bytes_min = 4u << 10;

constexpr size_t short_head = 256, long_head = 64u << 10; // of a file's beginning that is read for its header

size_t base64_size(size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

uint32_t raw_size(size_t base64) {
  return static_cast<uint32_t>(base64 / 4 * 3);
}

// The first bytes of a file; empty when they are no base64.
std::string head_of(const history_file& file, size_t bytes) {
  if (!file.is_base64)
    return std::string{file.data.substr(0, bytes)};
  return base64_decode(file.data.substr(0, base64_size(bytes))).value_or("");
}

std::string note(std::string_view what, std::string_view why) {
  return "[" + std::string{what} + " left out: " + std::string{why} + "]";
}

std::string unreadable_picture() {
  return note("picture", "its bytes cannot be read as one");
}

// For a model that takes no documents. A scanned one has no text.
std::string document_text(const picture_result& result, size_t bytes_max, size_t drawn) {
  const auto pages = std::to_string(result.pages) + (result.pages == 1 ? " page" : " pages");
  const auto pictures = drawn == 0 ? std::string{}
    : drawn == 1                   ? std::string{" A picture of its first page follows."}
                                   : " Pictures of its first " + std::to_string(drawn) + " pages follow.";
  if (result.data.find_first_not_of(" \t\r\n\f") == result.data.npos)
    return drawn > 0 ? "[This document has " + pages + " without text." + pictures + "]"
                     : note("document", "it has " + pages + " without text, and this model takes no documents");
  return "[The text of this document of " + pages + (result.data.size() + 4 > bytes_max ? ", its beginning" : "")
    + ":]\n" + result.data + "[The end of the document's text." + pictures + "]";
}

// Some need more of the file than its first bytes: metadata of any length may stand before a JPEG's size.
picture_header header_of(const history_file& file, std::string_view head) {
  auto header = read_picture_header(head);
  for (auto bytes : {long_head, picture_file_bytes_max})
    if ((header.type == picture_format::jpeg || header.type == picture_format::tiff) && !header.has_size())
      header = read_picture_header(head_of(file, bytes));
  return header;
}

} // namespace

picture_fit::picture_fit(message_list history, const picture_limits& limits)
  : history_(std::move(history)), limits_(limits) {
  if (limits.images_max == 0 && limits.pages_max == 0 && limits.text_bytes_max == 0)
    return;
  files_ = files_of(*history_);
  states_.resize(files_.size());
  for (size_t i = 0; i < files_.size(); ++i)
    look(i, limits);
}

void picture_fit::look(size_t file, const picture_limits& limits) {
  const auto& found = files_[file];
  auto& state = states_[file];
  if (limits.images_max == 0 && (found.is_url || found.media_type != "application/pdf"))
    return;           // the encoder tells a model that sees nothing about its pictures
  if (found.is_url) { // of any size, which the vendor finds out
    state.charge = {1, 0, 0, tokens_of_picture(limits.edge_px_max, limits.edge_px_max, limits)};
    return;
  }
  const auto wire_bytes = found.is_base64 ? found.data.size() : base64_size(found.data.size());
  state.is_document = found.media_type == "application/pdf";
  const auto* what = state.is_document ? "document" : "picture";
  const auto head = head_of(found, state.is_document ? 1024 : short_head);
  if (wire_bytes > base64_size(picture_file_bytes_max)
      || (state.is_document && limits.pages_max > 0 && wire_bytes > limits.request_bytes_max))
    state.refusal = note(what, "it is too large for a request");
  else if (state.is_document && !looks_like_pdf(head))
    state.refusal = note(what, "its bytes cannot be read as a PDF");
  else if (state.is_document && limits.pages_max == 0) {
    state.target.edge_px_max = limits.edge_px_max;
    state.target.changed_bytes_max = raw_size(limits.scaled_bytes_max);
    state.target.text_bytes_max = static_cast<uint32_t>(limits.text_bytes_max);
    // Half of what may go, so that a plot does not push out the document that it was made of.
    state.target.pages_drawn_max = std::min(document_pages_drawn_max, static_cast<uint16_t>(limits.images_max / 2));
  } else if (state.is_document)
    state.charge.bytes = wire_bytes;
  else
    look_at_picture(file, head, wire_bytes);
}

void picture_fit::look_at_picture(size_t file, std::string_view head, size_t wire_bytes) {
  auto& state = states_[file];
  const auto header = header_of(files_[file], head);
  if (header.type == picture_format::none) {
    const auto type = std::string{files_[file].media_type.substr(0, 100)};
    const bool known = type == "image/png" || type == "image/jpeg" || type == "image/gif" || type == "image/webp";
    state.refusal = known ? unreadable_picture() : note("picture", type + " is not a type that can be sent");
    return;
  }
  if (uint64_t{header.width} * header.height > picture_pixels_max) {
    state.refusal = note("picture", "it has too many pixels");
    return;
  }
  state.is_picture = true;
  const auto edge = limits_.edge_px_max;
  const auto size = header.has_size() ? scaled_size(header.width, header.height, edge) : picture_size{edge, edge};
  const bool type_stays = header.type == picture_format::png || header.type == picture_format::jpeg
    || (header.type == picture_format::webp && limits_.webp);
  const bool fits = type_stays && header.has_size() && size.width == header.width && size.height == header.height
    && wire_bytes <= limits_.whole_bytes_max;
  state.charge = {1, 0, fits ? std::max(wire_bytes, charged_bytes_min) : limits_.scaled_bytes_max,
                  tokens_of_picture(size.width, size.height, limits_)};
  state.target = {edge, raw_size(limits_.whole_bytes_max), raw_size(state.charge.bytes), limits_.webp};
}

std::vector<size_t> picture_fit::needs() {
  std::vector<size_t> wanted;
  if (round_ == round::documents) {
    for (size_t i = 0; i < files_.size(); ++i)
      if (states_[i].is_document && states_[i].refusal.empty() && !states_[i].result)
        wanted.push_back(i);
    if (!wanted.empty())
      return wanted;
    settle_documents();
    round_ = round::pictures;
  }
  if (round_ == round::pictures)
    for (size_t i = files_.size(); i-- > first_;)
      if (states_[i].is_picture && !states_[i].result)
        wanted.push_back(i);
  if (wanted.empty())
    round_ = round::done;
  return wanted;
}

picture_job picture_fit::job(size_t file) const {
  const auto& state = states_[file];
  return {state.is_document ? picture_job::kind::document : picture_job::kind::picture, state.target, files_[file].data,
          files_[file].is_base64, history_};
}

void picture_fit::give(size_t file, picture_result_ptr result) {
  states_[file].result = std::move(result);
}

namespace {

file_charge charge_of_text(const picture_result& result) {
  return {0, 0, result.data.size(), static_cast<int64_t>(result.data.size() / bytes_per_token)};
}

} // namespace

// The text is within the limits by its size; of the pages as many go as leave half of each limit to others.
void picture_fit::charge_text(size_t file) {
  auto& state = states_[file];
  auto half = limits_;
  half.images_max /= 2;
  half.request_bytes_max /= 2;
  half.tokens_max /= 2;
  state.charge = charge_of_text(*state.result);
  for (const auto& page : state.result->drawn) {
    auto more = state.charge;
    ++more.images;
    more.bytes += page.data.size();
    history_file picture;
    picture.data = page.data;
    picture.is_base64 = true;
    const auto size = header_of(picture, head_of(picture, short_head));
    more.tokens += tokens_of_picture(size.width, size.height, limits_);
    if (!fits_alone(more, half))
      break;
    state.charge = more;
    ++state.drawn;
  }
}

void picture_fit::charge_document(size_t file) {
  using verdict = picture_result::verdict;
  auto& state = states_[file];
  switch (state.result->what) {
  case verdict::document:
    if (limits_.pages_max == 0) {
      charge_text(file);
      break;
    }
    state.charge.pages = state.result->pages;
    state.charge.tokens = page_tokens * state.result->pages;
    if (!fits_alone(state.charge, limits_))
      state.refusal = note("document",
                           "it has " + std::to_string(state.result->pages)
                             + " pages, more than fit into a request; Python can read it");
    break;
  case verdict::locked:
    state.refusal = note("document", "it needs a password");
    break;
  case verdict::unavailable:
    state.refusal = note("document", "this server cannot look into it; Python can read it");
    break;
  default:
    state.refusal = note("document", "its bytes cannot be read as a PDF");
  }
}

void picture_fit::settle_documents() {
  std::vector<file_charge> charges;
  for (size_t i = 0; i < files_.size(); ++i) {
    if (states_[i].is_document && states_[i].refusal.empty())
      charge_document(i);
    charges.push_back(states_[i].refusal.empty() ? states_[i].charge : file_charge{});
  }
  first_ = first_file_kept(charges, limits_);
  // When the pictures of a document leave, its text can stay: it takes less, and of other limits.
  auto limits_of_text = limits_;
  limits_of_text.tokens_max /= 2;
  for (size_t i = 0; i < files_.size(); ++i)
    charges[i] = charges[i].is_zero() || !states_[i].is_document || limits_.pages_max > 0
      ? file_charge{}
      : charge_of_text(*states_[i].result);
  first_text_ = first_file_kept(charges, limits_of_text);
}

file_replacement picture_fit::document_replacement(size_t file) const {
  using kind = file_replacement::kind;
  const auto& state = states_[file];
  const auto drawn = file < first_ ? 0 : state.drawn;
  if (file < std::min(first_, first_text_))
    return {kind::note, note("document", "older ones are not sent any more"), {}, {}, {}};
  const std::span<const drawn_page> pages{state.result->drawn.data(), drawn};
  return {
    drawn > 0 ? kind::pages : kind::note, document_text(*state.result, limits_.text_bytes_max, drawn), {}, {}, pages};
}

file_replacement picture_fit::replacement_of(size_t file) const {
  using kind = file_replacement::kind;
  using verdict = picture_result::verdict;
  const auto& state = states_[file];
  const auto* what = state.is_document ? "document" : "picture";
  if (limits_.images_max == 0 && !state.is_document)
    return {};
  if (!state.refusal.empty())
    return {kind::note, state.refusal, {}, {}, {}};
  if (state.is_document && limits_.pages_max == 0)
    return document_replacement(file);
  if (file < first_)
    return {kind::note, note(what, "older ones are not sent any more"), {}, {}, {}};
  if (!state.is_picture)
    return {};
  const auto& result = *state.result;
  switch (result.what) {
  case verdict::whole:
    if (result.media_type == files_[file].media_type)
      return {};
    return {kind::retyped, {}, {}, result.media_type, {}};
  case verdict::changed:
    return {kind::file, {}, result.data, result.media_type, {}};
  case verdict::unavailable:
    return {kind::note, note(what, "this server cannot look into it"), {}, {}, {}};
  default:
    return {kind::note, unreadable_picture(), {}, {}, {}};
  }
}

message_list picture_fit::fitted() {
  std::vector<file_replacement> replacements;
  bool changes = false;
  for (size_t i = 0; i < files_.size(); ++i) {
    replacements.push_back(replacement_of(i));
    changes = changes || replacements.back().what != file_replacement::kind::same;
  }
  if (!changes)
    return history_;
  return std::make_shared<const message_history>(
    with_files(*history_, files_, [&](size_t i) -> const file_replacement& { return replacements[i]; }));
}

} // namespace varro
