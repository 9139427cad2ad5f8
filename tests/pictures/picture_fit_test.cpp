// Histories and what becomes of them, with looks that are made up: what varro-pictures finds is in its own test.
#include "base/base64.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/wire_content.hpp"
#include "pictures/picture_fit.hpp"
#include "tests/support/sample_pictures.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <map>
#include <random>
#include <set>

using namespace varro;
using verdict = picture_result::verdict;

namespace {

model_config claude() {
  model_config model;
  model.kind = provider_kind::anthropic;
  model.provider = "anthropic";
  model.name = "claude-sonnet-5";
  return model;
}

binary_content file(std::string data, std::string media_type = "image/png") {
  auto identifier = content_identifier(data);
  return {std::move(data), std::move(media_type), nullptr, std::move(identifier)};
}

message prompt(std::vector<user_content> items) {
  model_request request;
  request.parts.push_back(user_prompt_part{std::move(items), "2026-11-28T00:00:00Z"});
  return request;
}

message cell_return(const std::vector<binary_content>& files, std::string text = "printed") {
  tool_return_part part;
  part.tool_name = "python";
  part.tool_call_id = "call";
  part.timestamp = "2026-11-28T00:00:00Z";
  part.content = json::array({std::move(text)});
  for (const auto& each : files)
    part.content.push_back(json{{"kind", "binary"},
                                {"data", base64url_encode(each.data)},
                                {"media_type", each.media_type},
                                {"identifier", each.identifier},
                                {"vendor_metadata", nullptr}});
  model_request request;
  request.parts.push_back(std::move(part));
  return request;
}

message_list history_of(message_history messages) {
  return std::make_shared<const message_history>(std::move(messages));
}

// Answers as varro-pictures would for sound files, and counts.
struct looker {
  int looks = 0;
  int pages = 10; // 0: some, by the bytes
  std::string text;
  verdict of_documents = verdict::document;
  std::optional<verdict> of_pictures;
  std::set<uint32_t> changed_limits;

  picture_result_ptr look(const picture_job& job) {
    ++looks;
    auto bytes = job.is_base64 ? base64_decode(job.data).value_or("") : std::string{job.data};
    picture_result result;
    if (job.what == picture_job::kind::document) {
      result.what = of_documents;
      result.pages = pages > 0 ? pages : 1 + static_cast<int>(bytes.size() % 7);
      result.data = text.substr(0, job.target.text_bytes_max);
      for (int i = 0; i < std::min<int>(result.pages, job.target.pages_drawn_max); ++i)
        result.drawn.push_back({base64url_encode(test::png_picture(100, 141) + std::to_string(i)), "image/png"});
    } else {
      auto header = read_picture_header(bytes);
      bool whole = header.has_size() && std::max(header.width, header.height) <= job.target.edge_px_max
        && bytes.size() <= job.target.whole_bytes_max;
      result.what = of_pictures.value_or(whole ? verdict::whole : verdict::changed);
      result.media_type = media_type_of(header.type);
      changed_limits.insert(job.target.changed_bytes_max);
      if (result.what == verdict::changed) {
        result.media_type = "image/jpeg";
        result.data = base64url_encode(std::string(job.target.changed_bytes_max, 'j'));
      }
    }
    return std::make_shared<const picture_result>(std::move(result));
  }

  message_list fit(const message_list& history, const model_config& model) {
    picture_fit fit{history, picture_limits_of(model)};
    for (auto needs = fit.needs(); !needs.empty(); needs = fit.needs())
      for (auto i : needs)
        fit.give(i, look(fit.job(i)));
    return fit.fitted();
  }
};

std::string text_of_history(const message_list& history) {
  return to_json_text(*history);
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

} // namespace

TEST_CASE("A history without files, or with fitting ones, is the same afterwards") {
  looker look;
  auto words = history_of({prompt({std::string{"hello"}}), cell_return({})});
  CHECK(look.fit(words, claude()) == words);
  CHECK(look.looks == 0);
  auto plots
    = history_of({cell_return({file(test::png_picture(640, 480))}), prompt({file(test::png_picture(10, 10))})});
  CHECK(look.fit(plots, claude()) == plots);
  CHECK(look.looks == 2);
}

TEST_CASE("A plot of 300 dpi becomes a smaller picture with the same identifier; the rest stays") {
  looker look;
  auto plot = file(test::png_picture(2905, 1977));
  auto history = history_of({cell_return({plot}), prompt({std::string{"what?"}, plot})});
  auto fitted = look.fit(history, claude());
  REQUIRE(fitted != history);
  for (size_t i = 0; i < 2; ++i) {
    auto files = files_of(*fitted);
    CHECK(files[i].media_type == "image/jpeg");
    CHECK(files[i].is_base64 == (i == 0));
  }
  auto text = text_of_history(fitted);
  CHECK(count_of(text, "\"identifier\":\"" + plot.identifier + "\"") == 2);
  CHECK(count_of(text, "printed") == 1);
  CHECK(count_of(text, "what?") == 1);
}

TEST_CASE("Bytes that are no picture, and types that no vendor takes, become words") {
  looker look;
  auto history = history_of({cell_return({file("cut off"), file("<svg/>", "image/svg+xml"), file("x", "image/heic")})});
  auto text = text_of_history(look.fit(history, claude()));
  CHECK(look.looks == 0);
  CHECK(count_of(text, "[picture left out: its bytes cannot be read as one]") == 1);
  CHECK(count_of(text, "[picture left out: image/svg+xml is not a type that can be sent]") == 1);
  CHECK(count_of(text, "[picture left out: image/heic is not a type that can be sent]") == 1);
  CHECK(count_of(text, "\"kind\":\"binary\"") == 0);
  CHECK(count_of(text, "\"content\":\"printed\\n[picture left out") == 1); // no list any more, which would be data

  look.of_pictures = verdict::unreadable; // a header is right, what follows is not
  text = text_of_history(look.fit(history_of({cell_return({file(test::png_picture(10, 10))})}), claude()));
  CHECK(count_of(text, "[picture left out: its bytes cannot be read as one]") == 1);
}

TEST_CASE("A picture under the wrong type goes under its own") {
  looker look;
  auto fitted = look.fit(history_of({cell_return({file(test::png_picture(10, 10), "image/jpeg")}),
                                     prompt({file(test::png_picture(10, 10), "image/webp")})}),
                         claude());
  for (const auto& each : files_of(*fitted)) {
    CHECK(each.media_type == "image/png");
    CHECK(read_picture_header(each.is_base64 ? *base64_decode(each.data) : std::string{each.data}).width == 10);
  }
}

TEST_CASE("A model that sees nothing gets the history as it is") {
  looker look;
  auto model = claude();
  model.vision = false;
  auto history = history_of({cell_return({file("cut off"), file(test::png_picture(2905, 1977))})});
  CHECK(look.fit(history, model) == history);
}

TEST_CASE("Of 1,000 plots only those that go are looked at, and a turn later mostly the same go") {
  looker look;
  message_history messages;
  for (uint32_t i = 0; i < 1'000; ++i)
    messages.push_back(
      cell_return({file(i % 10 == 0 ? test::png_picture(2905, 1977) : test::png_picture(600 + i, 400))}));
  auto fitted = look.fit(history_of(messages), claude());
  const auto looks = look.looks;
  CHECK(looks >= 25);
  CHECK(looks <= 100);
  auto text = text_of_history(fitted);
  CHECK(count_of(text, "\"kind\":\"binary\"") == static_cast<size_t>(looks));
  CHECK(count_of(text, "[picture left out: older ones are not sent any more]") == 1'000 - static_cast<size_t>(looks));

  messages.push_back(cell_return({file(test::png_picture(64, 48))}));
  auto next = look.fit(history_of(messages), claude());
  const bool same = to_json_text(message_history(next->begin(), next->end() - 1)) == text;
  CHECK(same);
}

TEST_CASE("A message whose files all go as they are is shared, not copied") {
  looker look;
  auto history = history_of({prompt({std::string{"hi"}}), cell_return({file(test::png_picture(64, 48))}),
                             cell_return({file("no picture")}), cell_return({file(test::png_picture(64, 48))})});
  auto fitted = look.fit(history, claude());
  REQUIRE(fitted->size() == 4);
  CHECK((*fitted)[0].is_same_as((*history)[0]));
  CHECK((*fitted)[1].is_same_as((*history)[1]));
  CHECK_FALSE((*fitted)[2].is_same_as((*history)[2]));
  CHECK((*fitted)[3].is_same_as((*history)[3]));
}

TEST_CASE("Documents go with their pages counted; what does not fit is told in words") {
  looker look;
  auto history = history_of({prompt({std::string{"read"}, file(test::pdf_document(2), "application/pdf")})});
  CHECK(look.fit(history, claude()) == history);
  look.pages = 101;
  CHECK(count_of(text_of_history(look.fit(history, claude())), "it has 101 pages, more than fit") == 1);
  look.of_documents = verdict::locked;
  CHECK(count_of(text_of_history(look.fit(history, claude())), "it needs a password") == 1);
  look.of_documents = verdict::unreadable;
  CHECK(count_of(text_of_history(look.fit(history, claude())), "cannot be read as a PDF") == 1);
}

TEST_CASE("A model that neither sees nor takes documents reads their text, as much of it as there is room for") {
  looker look;
  model_config local;
  local.kind = provider_kind::openai;
  local.provider = "ollama";
  auto history = history_of({prompt({std::string{"read"}, file(test::pdf_document(2), "application/pdf")})});
  local.vision = false;
  look.text = "Quarterly figures\n";
  auto text = text_of_history(look.fit(history, local));
  CHECK(count_of(text, "[The text of this document of 10 pages:]\\nQuarterly figures\\n[The end") == 1);
  CHECK(count_of(text, "binary") == 0);
  look.text = " \n\f";
  CHECK(count_of(text_of_history(look.fit(history, local)), "10 pages without text") == 1);
  look.text.assign(10u << 20, 'x');
  CHECK(count_of(text_of_history(look.fit(history, local)), ", its beginning:]") == 1);
  auto many = message_history(30, history->front());
  look.text.assign(5'000, 'x');
  auto fitted = text_of_history(look.fit(history_of(many), local));
  CHECK(count_of(fitted, "[The text of") > 0);
  CHECK(count_of(fitted, "[document left out: older ones") > 0);
  CHECK(fitted.size() < 100'000);
}

TEST_CASE("A model that sees but takes no documents gets their text and pictures of their first pages") {
  looker look;
  model_config local;
  local.kind = provider_kind::openai;
  local.provider = "ollama"; // 20 pictures
  local.vision = true;
  const auto paper = file(test::pdf_document(2), "application/pdf");
  look.text = "Quarterly figures\n";
  look.pages = 30;
  for (const auto& holder : {prompt({std::string{"read"}, paper}), cell_return({paper})}) {
    auto fitted = look.fit(history_of({holder}), local);
    auto text = text_of_history(fitted);
    CHECK(count_of(text, "Quarterly figures\\n[The end of the document's text. Pictures of its first 10 pages follow.]")
          == 1);
    CHECK(files_of(*fitted).size() == 10);
    CHECK(count_of(text, "application/pdf") == 0);
  }
  // In a tool's list they stand beside its text, where the encoders find them.
  auto list = look.fit(history_of({cell_return({paper, file(test::png_picture(10, 10))})}), local);
  const auto& content = std::get<tool_return_part>(std::get<model_request>(*list->front()).parts.front()).content;
  CHECK(content.size() == 13);
  CHECK(std::all_of(content.begin(), content.end(), [](const json& item) { return !item.is_array(); }));

  look.text = " \n";
  look.pages = 1;
  auto text = text_of_history(look.fit(history_of({prompt({paper})}), local));
  CHECK(count_of(text, "[This document has 1 page without text. A picture of its first page follows.]") == 1);
}

TEST_CASE("Plots push out the pictures of a document's pages, and leave it its text") {
  looker look;
  model_config local;
  local.kind = provider_kind::openai;
  local.provider = "ollama";
  local.vision = true;
  look.text = "Quarterly figures\n";
  message_history messages{prompt({std::string{"read"}, file(test::pdf_document(2), "application/pdf")})};
  for (int plots = 1; plots <= 60; ++plots) {
    messages.push_back(cell_return({file(test::png_picture(640, 480 + static_cast<uint32_t>(plots)))}));
    auto fitted = look.fit(history_of(messages), local);
    auto text = text_of_history(fitted);
    CHECK(files_of(*fitted).size() <= 20);
    CHECK(count_of(text, "Quarterly figures") == 1);
    CHECK(count_of(text, "pages follow") == (plots <= 10 ? 1 : 0));
  }
}

TEST_CASE("Without anybody to look, pictures are told in words") {
  looker look;
  look.of_pictures = verdict::unavailable;
  auto text = text_of_history(look.fit(history_of({cell_return({file(test::png_picture(10, 10))})}), claude()));
  CHECK(count_of(text, "this server cannot look into it") == 1);
}

TEST_CASE("Files deep inside a tool's JSON are fitted too, and what is no file stays") {
  looker look;
  tool_return_part part;
  part.tool_name = "other";
  part.tool_call_id = "call";
  part.content = {{"rows", json::array({1, 2, {{"kind", "binary"}, {"media_type", "image/png"}, {"data", "Y3V0"}}})},
                  {"kind", "binary"},
                  {"media_type", "text/csv"},
                  {"data", "YQ=="}};
  model_request request;
  request.parts.push_back(part);
  auto fitted = look.fit(history_of({request}), claude());
  auto content = std::get<tool_return_part>(std::get<model_request>(*fitted->front()).parts.front()).content;
  CHECK(content["rows"][2] == "[picture left out: its bytes cannot be read as one]");
  content["rows"][2] = part.content["rows"][2];
  CHECK(content == part.content);
}

TEST_CASE("Whatever a chat holds, no request passes a limit of its vendor, and none takes back what has left") {
  std::minstd_rand random{23};
  auto openai = claude();
  openai.kind = provider_kind::openai;
  for (const auto* provider : {"", "openai", "groq", "ollama", "mistral"}) {
    auto model = *provider ? openai : claude();
    if (*provider)
      model.provider = provider;
    const auto limits = picture_limits_of(model);
    looker look;
    look.pages = 0;
    message_history messages;
    size_t left_before = 0;
    for (int turn = 0; turn < 40; ++turn) {
      std::vector<binary_content> files;
      for (auto count = random() % 6; count > 0; --count)
        switch (random() % 6) {
        case 0:
          files.push_back(file(test::png_picture(1 + random() % 9'000, 1 + random() % 400)));
          break;
        case 1:
          files.push_back(file(test::png_picture(1 + random() % 500, 1 + random() % 500, true)));
          break;
        case 2:
          files.push_back(file("nothing", random() % 2 ? "image/png" : "image/svg+xml"));
          break;
        case 3:
          files.push_back(file(test::pdf_document(1 + random() % 3), "application/pdf"));
          break;
        default:
          files.push_back(file(test::png_picture(640, 480)));
        }
      messages.push_back(turn % 3 == 0 ? prompt({files.begin(), files.end()}) : cell_return(files));
      auto fitted = look.fit(history_of(messages), model);
      file_charge sum;
      for (const auto& each : files_of(*fitted)) {
        const auto encoded = each.is_base64 ? each.data.size() : (each.data.size() + 2) / 3 * 4;
        REQUIRE(encoded <= (each.media_type == "application/pdf" ? limits.request_bytes_max : limits.whole_bytes_max));
        sum.bytes += encoded;
        sum.images += each.media_type != "application/pdf";
      }
      REQUIRE(fits_alone(sum, limits));
      const auto left = count_of(text_of_history(fitted), "older ones are not sent any more");
      REQUIRE(left >= left_before);
      left_before = left;
    }
    CHECK(left_before > 0);
  }
}
