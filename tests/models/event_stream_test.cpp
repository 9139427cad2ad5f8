#include "models/event_stream.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace varro;

namespace {

using events = std::vector<std::pair<std::string, std::string>>;

events read(std::string_view text, size_t piece = 0) {
  events seen;
  event_stream_parser parser([&seen](server_sent_event&& event) { seen.emplace_back(event.type, event.data); });
  for (size_t at = 0; at < text.size();) {
    const auto part = text.substr(at, piece ? piece : text.size());
    parser.feed(part);
    at += part.size();
  }
  parser.finish();
  return seen;
}

} // namespace

TEST_CASE("LF, CR and CRLF end lines, wherever the bytes are cut") {
  const events expected = {{"a", "1"}, {"", "2\n3"}, {"b", "4"}};
  for (const std::string_view text :
       {"event: a\ndata: 1\n\ndata: 2\ndata: 3\n\nevent: b\ndata: 4\n\n",
        "event: a\rdata: 1\r\rdata: 2\rdata: 3\r\revent: b\rdata: 4\r\r",
        "event: a\r\ndata: 1\r\n\r\ndata: 2\r\ndata: 3\r\n\r\nevent: b\r\ndata: 4\r\n\r\n",
        "event: a\r\ndata: 1\n\rdata: 2\ndata: 3\r\r\nevent: b\rdata: 4\n\n"})
    for (const size_t piece : {0, 1, 2, 3, 7})
      CHECK(read(text, piece) == expected);
}

TEST_CASE("comments, ids, retry times and unknown fields are dropped") {
  CHECK(read(": hello\nid: 7\nretry: 100\nfoo: bar\ndata: x\n:\n\n") == events{{"", "x"}});
}

TEST_CASE("an event without data is none") {
  CHECK(read("event: ping\n\n\n\ndata: x\n\n") == events{{"", "x"}});
}

TEST_CASE("an event with an empty data line is one") {
  CHECK(read("data\n\ndata:\n\n") == events{{"", ""}, {"", ""}});
}

TEST_CASE("one space after the colon is taken away, and no more") {
  CHECK(read("data:x\n\ndata: x\n\ndata:  x \n\n") == events{{"", "x"}, {"", "x"}, {"", " x "}});
}

TEST_CASE("a byte order mark at the very start is skipped, also in pieces") {
  for (const size_t piece : {0, 1, 2})
    CHECK(read("\xEF\xBB\xBF"
               "data: x\n\n",
               piece)
          == events{{"", "x"}});
}

TEST_CASE("a byte order mark further on belongs to the field's name") {
  CHECK(read("data: x\n\xEF\xBB\xBF"
             "data: y\n\n")
        == events{{"", "x"}});
}

TEST_CASE("the last event counts although the stream ends without its empty line") {
  CHECK(read("data: x") == events{{"", "x"}});
  CHECK(read("data: x\n") == events{{"", "x"}});
}

TEST_CASE("the type of an event does not stay for the next") {
  CHECK(read("event: a\n\ndata: x\n\n") == events{{"", "x"}});
}

TEST_CASE("an event at the limit passes, and one byte more is too large") {
  const auto feed = [](size_t bytes) {
    size_t seen = 0;
    event_stream_parser parser([&seen](server_sent_event&& event) { seen += event.data.size(); }, 100);
    parser.feed("data:" + std::string(bytes, 'x') + "\n\n");
    return std::pair(parser.too_large(), seen);
  };
  CHECK(feed(95) == std::pair(false, size_t{95}));
  CHECK(feed(96) == std::pair(true, size_t{0}));
}

TEST_CASE("many data lines of one event are bounded together") {
  event_stream_parser parser([](server_sent_event&&) {}, 100);
  for (int i = 0; i < 20; ++i)
    parser.feed("data: 123456789\n");
  CHECK(parser.too_large());
}
