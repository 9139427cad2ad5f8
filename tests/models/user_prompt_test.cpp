#include "models/user_prompt.hpp"

#include "models/message_json.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

std::vector<user_content> picture_upload() {
  return {uploads_note({"a.csv", "b.png"}), upload_label("b.png"), binary_content{"bytes", "image/png", nullptr, "aa"}};
}

} // namespace

TEST_CASE("A message without files is its text, and one with files is text, note, label and bytes") {
  CHECK(std::get<std::string>(make_user_prompt("hello", {}, "").content) == "hello");
  auto prompt = make_user_prompt("look", picture_upload(), "");
  const auto& items = std::get<std::vector<user_content>>(prompt.content);
  REQUIRE(items.size() == 4);
  CHECK(std::get<std::string>(items[0]) == "look");
  CHECK(std::get<text_content>(items[1]).content == "Uploaded files: a.csv, b.png");
  CHECK(std::get<text_content>(items[2]).content == "/workspace/b.png:");
  CHECK(labelled_upload(items[2]) == "b.png");
  for (size_t i : {0, 1, 3})
    CHECK_FALSE(labelled_upload(items[i]));
}

TEST_CASE("Text and files come apart again, also after the way through a row") {
  for (const std::string text : {"look", ""}) {
    model_request request;
    request.parts.push_back(make_user_prompt(text, picture_upload(), "2026-11-28T00:00:00Z"));
    auto read = message_from_text(to_json_text(message{request}));
    REQUIRE(read);
    const auto& prompt = std::get<user_prompt_part>(std::get<model_request>(*read).parts.front());
    CHECK(typed_text(prompt) == text);
    auto files = attached_items(prompt);
    REQUIRE(files.size() == 3);
    CHECK(labelled_upload(files[1]) == "b.png");
    CHECK(std::get<binary_content>(files[2]).data == "bytes");
    request.parts.front() = make_user_prompt(text, files, "2026-11-28T00:00:00Z");
    CHECK(to_json_text(message{request}) == to_json_text(*read));
  }
}

TEST_CASE("A prompt of white space and files has no text, and a list that is not ours keeps what it holds") {
  auto prompt = make_user_prompt(" \n", picture_upload(), "");
  CHECK(std::get<std::vector<user_content>>(prompt.content).size() == 3);
  CHECK(first_text(" \n", picture_upload()) == "Uploaded files: a.csv, b.png");
  CHECK(first_text("look", picture_upload()) == "look");
  CHECK(first_text("", {}).empty());

  user_prompt_part foreign{std::vector<user_content>{text_content{"marked", nullptr}, std::string{"then"}}, ""};
  CHECK(typed_text(foreign).empty());
  CHECK(attached_items(foreign).size() == 2);
  CHECK_FALSE(labelled_upload(text_content{"x", {{"upload", 5}}}));
  CHECK_FALSE(labelled_upload(text_content{"x", "upload"}));
}
