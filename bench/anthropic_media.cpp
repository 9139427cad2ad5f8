#include "bench/anthropic_rules.hpp"
#include "bench/model_names.hpp"

namespace varro::bench {

namespace {

constexpr size_t image_base64_bytes_max = 5 * 1024 * 1024;
constexpr int pixels_max = 8000;
constexpr int many_images = 20; // with more than so many, each may have only:
constexpr int many_pixels_max = 2000;

} // namespace

void claude_media::add(const json& block, const std::string& type, const std::string& where) {
  auto* source = member(block, "source");
  if (!source)
    refuse(where + "." + type + ".source: Field required");
  ++(type == "image" ? image_count_ : document_count_);
  if (member_text(*source, "type") != "base64")
    return;
  auto at = where + "." + type + ".source.base64";
  auto data = member_text(*source, "data");
  if (type == "image") {
    static const std::set<std::string> images{"image/jpeg", "image/png", "image/gif", "image/webp"};
    if (!images.contains(member_text(*source, "media_type")))
      refuse(at + ".media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'");
  } else if (member_text(*source, "media_type") != "application/pdf") {
    refuse(at + ".media_type: Input should be 'application/pdf'");
  }
  if (!is_base64(data))
    refuse(at + ": invalid base64 data");
  if (type == "image")
    add_image(*source, at);
  else if (!is_pdf(data))
    refuse(at + ".data: The PDF specified was not valid.");
}

void claude_media::add_image(const json& source, const std::string& where) {
  auto data = member_text(source, "data");
  if (data.size() > image_base64_bytes_max)
    refuse(where + ": image exceeds 5 MB maximum: " + std::to_string(data.size()) + " bytes > "
           + std::to_string(image_base64_bytes_max) + " bytes");
  auto found = read_picture(data);
  if (!found)
    refuse("Could not process image");
  if (found->media_type != member_text(source, "media_type"))
    refuse(where + ".data: Image does not match the provided media type " + member_text(source, "media_type"));
  images_.emplace_back(where, *found);
}

void claude_media::finish(const std::string& model) const {
  if (auto most = claude_images_max(model); image_count_ + document_count_ > most)
    refuse("Too much media: " + std::to_string(document_count_) + " document pages + " + std::to_string(image_count_)
           + " images > " + std::to_string(most));
  bool many = image_count_ > many_images;
  for (auto& [where, one] : images_)
    if (auto most = many ? many_pixels_max : pixels_max; one.width > most || one.height > most)
      refuse(where + ".data: At least one of the image dimensions exceed max allowed size"
             + (many ? " for many-image requests" : "") + ": " + std::to_string(most) + " pixels");
}

} // namespace varro::bench
