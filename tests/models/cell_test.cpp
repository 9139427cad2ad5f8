#include "base/base64.hpp"
#include "models/cell.hpp"
#include "models/cell_json.hpp"
#include "models/message_json.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

cell_result every_output() {
  cell_result result;
  result.status = cell_status::failed;
  result.duration = std::chrono::microseconds{1234};
  result.outputs.push_back(stream_output{"stdout", "héllo\n"});
  result.outputs.push_back(image_output{"image/png", std::string("\x89PNG\0\xff", 6)});
  result.outputs.push_back(stream_output{"stderr", "careful"});
  result.outputs.push_back(table_output{{"", "a", "b"}, {"int64", "int64", "object"}, {{"0", "1", "x"}}, 10, 2});
  result.outputs.push_back(image_output{"image/svg+xml", "<svg/>"});
  result.outputs.push_back(value_output{"42"});
  result.outputs.push_back(rich_output{"text/html", "<b>bold</b>", "bold"});
  result.outputs.push_back(error_output{"ZeroDivisionError", "division by zero", "Traceback\nZeroDivisionError: …"});
  return result;
}

// As a tool return holds it: a text, then the files in their written form.
tool_return_part as_tool_return(const cell_result& result) {
  tool_return_part part;
  part.content = json::array({cell_text(result)});
  for (const auto& image : cell_images(result))
    part.content.push_back({{"data", base64url_encode(image.data)},
                            {"media_type", image.media_type},
                            {"vendor_metadata", nullptr},
                            {"kind", "binary"},
                            {"identifier", image.identifier}});
  part.metadata = cell_metadata(result);
  return part;
}

} // namespace

TEST_CASE("a cell's result comes back from its tool return as it was") {
  auto result = every_output();
  auto read = cell_from_tool_return(as_tool_return(result));
  REQUIRE(read);
  CHECK(read->status == cell_status::failed);
  CHECK(read->duration == result.duration);
  REQUIRE(read->outputs.size() == result.outputs.size());
  CHECK(std::get<image_output>(read->outputs[1]).data == std::get<image_output>(result.outputs[1]).data);
  CHECK(std::get<image_output>(read->outputs[4]).media_type == "image/svg+xml");
  CHECK(cell_metadata(*read) == cell_metadata(result));
  CHECK(cell_text(*read) == cell_text(result));
}

TEST_CASE("what a cell used is read from its tool return without its outputs") {
  auto result = every_output();
  auto use = cell_use_of(as_tool_return(result));
  REQUIRE(use);
  CHECK(use->status == cell_status::failed);
  CHECK(use->duration == result.duration);
  CHECK_FALSE(use->processor);
  result.processor = std::chrono::microseconds{900};
  CHECK(cell_use_of(as_tool_return(result))->processor == result.processor);
  CHECK(cell_from_tool_return(as_tool_return(result))->processor == result.processor);
  for (json metadata : {json(nullptr), json{{"cell", 7}}, json{{"cell", json::object()}}, json{{"other", 1}}}) {
    tool_return_part part;
    part.metadata = metadata;
    CHECK_FALSE(cell_use_of(part));
  }
}

TEST_CASE("pictures of the types that a browser shows are read") {
  for (const auto* type : {"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}) {
    auto read = output_from_json({{"type", "image"}, {"media_type", type}});
    REQUIRE(read);
    CHECK(std::get<image_output>(*read).media_type == type);
  }
  for (const auto* type : {"image/tiff", "image/", "text/html", ""})
    CHECK_FALSE(output_from_json({{"type", "image"}, {"media_type", type}}));
}

TEST_CASE("the metadata does not repeat the images") {
  auto outputs = cell_metadata(every_output())["cell"]["outputs"];
  CHECK_FALSE(outputs[1].contains("data"));
  CHECK(outputs[4]["file"] == 1);
}

TEST_CASE("the model reads the outputs in order and then the reason") {
  auto result = every_output();
  result.reason = "It was stopped.";
  auto text = cell_text(result);
  auto at = [&](std::string_view part) { return text.find(part); };
  REQUIRE(at("héllo\n[figure 1: image/png, 6 bytes]\ncareful\n") != std::string::npos);
  CHECK(at("careful") < at("[10 rows x 2 columns; the first 1 rows are shown]"));
  CHECK(at("dtypes: a int64, b object") < at("[figure 2: image/svg+xml"));
  CHECK(at("42\nbold\nTraceback\nZeroDivisionError") < at("It was stopped."));
}

TEST_CASE("a cell without outputs says so, one with an output does not") {
  cell_result result;
  CHECK(cell_text(result) == "(no output)");
  result.outputs.push_back(value_output{"1"});
  CHECK(cell_text(result) == "1");
}

TEST_CASE("a tool return that is no cell, or a damaged one, is refused") {
  auto part = as_tool_return(every_output());
  REQUIRE(cell_from_tool_return(part));
  SUBCASE("no metadata") {
    part.metadata = nullptr;
  }
  SUBCASE("unknown status") {
    part.metadata["cell"]["status"] = "odd";
  }
  SUBCASE("a file that is not there") {
    part.metadata["cell"]["outputs"][1]["file"] = 2;
  }
  SUBCASE("a negative file") {
    part.metadata["cell"]["outputs"][1]["file"] = -1;
  }
  SUBCASE("a file that is not base64") {
    part.content[1]["data"] = "!!";
  }
  SUBCASE("a row that is shorter than the columns") {
    part.metadata["cell"]["outputs"][3]["rows"][0] = json::array({"0"});
  }
  SUBCASE("a number where a text belongs") {
    part.metadata["cell"]["outputs"][0]["text"] = 7;
  }
  SUBCASE("a display of a type that is none") {
    part.metadata["cell"]["outputs"][6]["media_type"] = "text/javascript";
  }
  SUBCASE("a display without its data") {
    part.metadata["cell"]["outputs"][6].erase("data");
  }
  SUBCASE("an image of a type that is none") {
    part.metadata["cell"]["outputs"][1]["media_type"] = "text/html";
  }
  CHECK_FALSE(cell_from_tool_return(part));
}

TEST_CASE("the model reads a display's text, its Markdown, or at least its size") {
  cell_result result;
  result.outputs = {rich_output{"text/markdown", "# Title", ""}, rich_output{"text/html", "<p>x</p>", "x"},
                    rich_output{"text/html", "<svg></svg>", ""}, rich_output{"application/json", "[1]", "short"}};
  CHECK(cell_text(result) == "# Title\nx\n[text/html, 11 bytes]\nshort");
}

TEST_CASE("only HTML and the data of charts are files of their own") {
  cell_result result;
  for (auto type : {"text/markdown", "text/latex", "application/json", "text/html", "application/vnd.plotly.v1+json",
                    "application/vnd.vegalite.v5+json"})
    result.outputs.push_back(rich_output{type, std::string{"data of "} + type, ""});
  auto files = cell_display_files(cell_metadata(result));
  REQUIRE(files.size() == 3);
  CHECK(files[0].data == "data of text/html");
  CHECK(files[1].media_type == "application/vnd.plotly.v1+json");
  CHECK(cell_images(result).empty()); // the model does not get them
  for (const auto& metadata :
       {json{}, json::array(), json{{"cell", 1}}, json{{"cell", {{"outputs", {1, "x", nullptr}}}}}})
    CHECK(cell_display_files(metadata).empty());
}

TEST_CASE("every status has a name that reads back") {
  for (auto status :
       {cell_status::ok, cell_status::failed, cell_status::interrupted, cell_status::killed, cell_status::lost})
    CHECK(cell_status_from(to_string(status)) == status);
  CHECK_FALSE(cell_status_from("OK"));
}

TEST_CASE("a tool return is a cell by its metadata, whatever its tool is called") {
  cell_result result;
  result.outputs = {value_output{"1"}};
  CHECK(is_cell(make_tool_return("python", "c1", as_tool_result(result))));
  CHECK(is_cell(make_tool_return("another", "c1", as_tool_result(result))));
  CHECK_FALSE(is_cell(make_tool_return("python", "c1", {"1", {}, nullptr})));
  CHECK_FALSE(is_cell(make_tool_return("python", "c1", {"1", {}, {{"rows", 1}}})));
  CHECK_FALSE(is_cell({}));
}

TEST_CASE("what a tool produced becomes the return of its call: text, files, metadata, and whether it failed") {
  auto plain = make_tool_return("look_up", "c1", {"found", {}, nullptr});
  CHECK(plain.tool_name == "look_up");
  CHECK(plain.tool_call_id == "c1");
  CHECK(plain.content == "found");
  CHECK(plain.metadata.is_null());
  CHECK(plain.outcome == "success");
  CHECK_FALSE(plain.timestamp.empty());
  auto rich = make_tool_return("look_up", "c2", {"", {{"bytes", "image/png", nullptr, {}}}, {{"rows", 1}}, true});
  REQUIRE(rich.content.is_array());
  CHECK(rich.content.size() == 1);
  CHECK(rich.metadata == json{{"rows", 1}});
  CHECK(rich.outcome == "failed");
}

TEST_CASE("a cell's result is what its tool produced, and reads back") {
  cell_result result;
  result.outputs = {image_output{"image/png", "bytes"}, value_output{"1"}};
  auto part = make_tool_return("python", "c1", as_tool_result(result));
  CHECK(part.outcome == "success");
  auto read = cell_from_tool_return(part);
  REQUIRE(read);
  CHECK(cell_metadata(*read) == cell_metadata(result));
  for (auto status : {cell_status::failed, cell_status::interrupted, cell_status::killed, cell_status::lost}) {
    result.status = status;
    CHECK(make_tool_return("python", "c1", as_tool_result(result)).outcome == "failed");
  }
}

TEST_CASE("the code of a cell is told by its call alone, where the call has some") {
  auto call = [](std::string name, json arguments) {
    tool_call_part part;
    part.tool_name = std::move(name);
    part.args = std::move(arguments);
    return part;
  };
  CHECK(cell_code(call("python", {{"code", "1 + 1"}})) == "1 + 1");
  CHECK(cell_code(call("python", R"({"code": "1 + 1"})")) == "1 + 1");
  CHECK(cell_code(call("python", {{"code", ""}})) == "");
  CHECK_FALSE(cell_code(call("other", {{"code", "1 + 1"}})));
  for (const json& arguments :
       {json{}, json(""), json("{\"code"), json::array({"code"}), json{{"code", 1}}, json{{"x", "y"}}})
    CHECK_FALSE(cell_code(call("python", arguments)));
}
