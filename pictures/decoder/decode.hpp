// Decoding one file and making it anew. Only for a confined process (shell/confine.hpp): the libraries below see
// hostile bytes.
#pragma once

#include "pictures/picture_header.hpp"
#include "pictures/picture_job.hpp"

#include <string>
#include <vector>

namespace varro {

struct looked_at {
  picture_result::verdict what = picture_result::verdict::unreadable;
  picture_format type = picture_format::none;
  std::string bytes;              // of a changed picture, or a document's text
  int pages = 0;                  // of a document
  std::vector<std::string> drawn; // pages of a document, PNG or JPEG
};

// libgd decodes and scales (decode.cpp). Bounds the pixels by the header before anything is decoded.
looked_at look_at_picture(const std::string& bytes, const picture_target& target);

// Before the process is confined: what poppler asks the C library for is in files.
void prepare_for_documents();

// poppler counts the pages, reads as much of their text as is wanted, and draws the first ones (document.cpp). No font
// file can be opened here: letters of a font that the document does not bring along are missing in a drawn page.
looked_at look_at_document(const std::string& bytes, const picture_target& target);

} // namespace varro
