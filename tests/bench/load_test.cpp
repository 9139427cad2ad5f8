#include "bench/load.hpp"

#include "tests/support/scripted_server.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::bench;

namespace {

stream_event content(const std::string& id, const std::string& element, const std::string& attributes,
                     const std::string& inside = "") {
  return {id, "content", "<div id=\"" + element + "\" " + attributes + ">" + inside + "</div>"};
}
const std::string text = "data-block=\"text\"";
const std::string running = "data-block=\"tool-call\" data-state=\"running\"";
const std::string finished = "data-block=\"tool-call\" data-state=\"done\"";
const stream_event done{"", "done", R"({"chat_id":1,"status":"completed","error":false})"};

turn_check checked(const std::vector<stream_event>& events, int64_t after = 1) {
  turn_check check{after};
  int64_t now = 1000;
  for (auto& event : events)
    check.take(event, now += 1000);
  check.end();
  return check;
}

// The wire form of events.
std::string wire(const std::vector<stream_event>& events) {
  std::string bytes;
  for (auto& event : events)
    bytes
      += (event.id.empty() ? "" : "id: " + event.id + "\n") + "event: " + event.name + "\ndata: " + event.data + "\n\n";
  return bytes;
}

// A Varro of one chat: the streams are given, the page has the blocks that are given.
class fake_varro {
public:
  fake_varro(std::string stream, std::string page, std::string of_programs = {})
    : server([stream = std::move(stream), page = std::move(page),
              of_programs = std::move(of_programs)](const std::string& request) {
        using namespace varro::test;
        if (request.starts_with("POST /chat/send")) {
          auto reply
            = "<div id=\"m1-p0\" data-block=\"user\"></div><div data-stream-url=\"/chat/stream/7?after=1\"></div>";
          return std::vector{send_bytes(http_response(200, "text/html", reply))};
        }
        if (request.starts_with("GET /chat/stream/7?after=1 "))
          return std::vector{send_bytes("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + stream),
                             close_connection()};
        if (request.starts_with("GET /api/v1/chats/7/events?after=1 "))
          return std::vector{send_bytes("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + of_programs),
                             close_connection()};
        if (request.starts_with("GET /chat/7 "))
          return std::vector{send_bytes(http_response(200, "text/html", page))};
        auto form = "<form><input type=\"hidden\" name=\"csrf\" value=\"token-1\"></form>";
        return std::vector{send_bytes(http_response(200, "text/html", form, "set-cookie: a=b; Path=/\r\n"))};
      }) {}

  load_result run(int users, int turns, bool programs = false) {
    load_options options;
    options.server = {"127.0.0.1", server.port()};
    options.users = users;
    options.turns = turns;
    options.programs = programs;
    options.message = "a & b = c?";
    event_loop loop;
    load virtual_users{loop, options};
    virtual_users.start();
    loop.run();
    return virtual_users.result();
  }

  test::scripted_server server;
};

} // namespace

TEST_CASE("percentiles are the nearest rank") {
  samples values;
  CHECK(values.percentile(50) == 0);
  for (int i = 10; i >= 1; --i)
    values.add(i * 1000);
  CHECK(values.percentile(50) == 5000);
  CHECK(values.percentile(90) == 9000);
  CHECK(values.percentile(91) == 10'000);
  CHECK(values.percentile(99) == 10'000);
  CHECK(values.percentile(100) == 10'000);
  CHECK(values.percentile(0.1) == 1000);
  samples one;
  one.add(7);
  CHECK(one.percentile(1) == 7);
  CHECK(one.percentile(99) == 7);
  CHECK(values.summary()["p90_ms"] == 9.0);
  CHECK(in_ms(1234) == "1.23");
  CHECK(in_ms(1'234'567) == "1234.6");
}

TEST_CASE("an event stream is read whole, however it is cut") {
  std::string stream
    = ": keep-alive\n\nid: 17\r\nevent: content\r\ndata: <p>\r\ndata:  x\r\n\r\nevent: done\ndata: {}\n\n";
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    event_reader reader;
    auto events = reader.feed(stream.substr(0, cut));
    for (auto& event : reader.feed(stream.substr(cut)))
      events.push_back(event);
    REQUIRE(events.size() == 2);
    CHECK(events[0].id == "17");
    CHECK(events[0].name == "content");
    CHECK(events[0].data == "<p>\n x");
    CHECK(events[1].id == "");
    CHECK(events[1].name == "done");
  }
}

TEST_CASE("a turn in good order has no fault") {
  auto check = checked({{"", "progress", "Thinking…"},
                        content("2", "m2-p0", "data-block=\"thinking\""),
                        content("2", "m2-p1", running, "# t=500us"),
                        content("3", "m2-p1", finished, "# t=500us"),
                        content("4", "m4-p0", text, "t=1us … t=5500us"),
                        done});
  CHECK(check.faults().sum() == 0);
  CHECK(check.first_problem() == "");
  CHECK(check.completed());
  CHECK(check.first_node_us() == 3000);
  CHECK(check.done_us() == 7000);
  CHECK(check.block_ids() == std::vector<std::string>{"m2-p0", "m2-p1", "m4-p0"});
  CHECK(check.added_us() == std::vector<int64_t>{3500, 500}); // the replaced block is not measured again
}

TEST_CASE("faults of a turn are told apart") {
  auto block = content("2", "m2-p0", text);
  CHECK(checked({block}).faults().lost == 1);
  CHECK(checked({content("2", "m2-p0", running), done}).faults().lost == 1);
  CHECK(checked({block, block, done}).faults().repeated == 1);
  CHECK(checked({block, content("3", "m2-p0", text), done}).faults().sum() == 0); // replaced
  CHECK(checked({content("3", "m3-p0", text), block, done}).faults().out_of_order == 1);
  CHECK(checked({block, done}, 5).faults().out_of_order == 1); // before where the stream was to begin
  CHECK(checked({done, block}).faults().out_of_order == 1);
  CHECK(checked({content("", "m2-p0", text), done}).faults().malformed == 1);
  CHECK(checked({{"", "surprise", ""}, done}).faults().malformed == 1);
  CHECK(checked({{"", "done", "{}"}}).faults().malformed == 1);
  stream_event failed{"", "done", R"({"status":"failed","error":true})"};
  CHECK(checked({failed}).faults().sum() == 0);
  CHECK(!checked({failed}).completed());
}

TEST_CASE("what a client needs is found in the HTML") {
  auto html
    = "<meta name=\"csrf\" content=\"other\"><form class=\"x\"><input value=\"a&amp;b\" type=\"hidden\" name=\"csrf\"></form>\n"
      "<div\n data-id=\"no\" id=\"yes\" data-stream-url=\"/chat/stream/42?after=7&amp;x=1\">";
  CHECK(csrf_field(html) == "a&b");
  CHECK(attribute(html, "id") == "yes");
  CHECK(attribute(html, "absent") == "");
  CHECK(stream_path(html) == "/chat/stream/42?after=7&x=1");
  CHECK(chat_of("/chat/stream/42?after=7&x=1") == 42);
  CHECK(after_of("/chat/stream/42?after=7&x=1") == 7);
  CHECK(chat_of("/elsewhere") == -1);
  CHECK(after_of("/chat/stream/42") == -1);
  CHECK(stream_path("nothing") == "");
  CHECK(!time_marker("t=us t=12ms at=x"));
  CHECK(time_marker("x t=12us") == 12);
}

TEST_CASE("addresses are numeric and http") {
  CHECK(parse_server_address("http://127.0.0.1:80/")->text() == "127.0.0.1:80");
  CHECK(parse_server_address("http://127.0.0.1")->port == 80);
  for (auto bad :
       {"https://127.0.0.1:80", "127.0.0.1:80", "http://127.0.0.1:x", "http://127.0.0.1:99999", "http://:80"})
    CHECK(!parse_server_address(bad));
}

TEST_CASE("responses are read whole, however they are framed and cut") {
  struct sample {
    std::string wire;
    bool keeps_alive;
  };
  for (auto& [bytes, keeps_alive] :
       {sample{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true},
        sample{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
               "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
               true},
        sample{"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", false},
        sample{"HTTP/1.1 200 OK\r\n\r\nhello", false}}) {
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      http_reader reader{http_reader::kind::response};
      reader.feed(bytes.substr(0, cut));
      reader.feed(bytes.substr(cut));
      if (bytes.find("\r\n\r\nhello") != std::string::npos && bytes.find("ength") == std::string::npos)
        reader.end();
      REQUIRE(reader.where() == http_reader::state::complete);
      CHECK(reader.status() == 200);
      CHECK(reader.body() == "hello");
      CHECK(reader.keeps_alive() == keeps_alive);
    }
  }
  http_reader broken{http_reader::kind::response};
  broken.feed("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel");
  broken.end();
  CHECK(broken.where() == http_reader::state::failed);
}

TEST_CASE("virtual users send, follow and check the page") {
  auto stream = wire({{"", "progress", "Thinking…"}, content("2", "m2-p0", text, "t=1us"), done});
  fake_varro varro{stream, "<div id=\"m2-p0\">"};
  auto result = varro.run(5, 3);
  INFO(result.table());
  CHECK(result.good());
  CHECK(result.turns_completed == 15);
  CHECK(result.first_node.count() == 15);
  CHECK(result.added.count() == 15);
  CHECK(result.wall_us > 0);
  int sends = 0, with_chat = 0;
  for (auto& request : varro.server.requests()) {
    if (!request.starts_with("POST /chat/send"))
      continue;
    ++sends;
    with_chat += request.find("chat_id=7") != std::string::npos;
    CHECK(request.find("message=a%20%26%20b%20%3D%20c%3F") != std::string::npos);
    CHECK(request.find("csrf=token-1") != std::string::npos);
    CHECK(request.find("cookie: a=b\r\n") != std::string::npos);
  }
  CHECK(sends == 15);
  CHECK(with_chat == 10);
}

TEST_CASE("a block that the page lacks is lost, and a stream without done fails its turn") {
  auto block = content("2", "m2-p0", text);
  CHECK(fake_varro{wire({block, done}), "<p>"}.run(1, 1).faults.lost == 1);
  auto cut = fake_varro{wire({block}), "<div id=\"m2-p0\">"}.run(1, 2);
  CHECK(cut.faults.lost == 1);
  CHECK(cut.turns_failed == 2);
  CHECK(!cut.good());
  REQUIRE(!cut.problems.empty());
  CHECK(cut.problems[0].find("the stream ended without done") != std::string::npos);
}

TEST_CASE("a program's stream is measured beside the page's, each part once, and has to end with done") {
  const auto page = wire({content("2", "m2-p0", text, "t=1us"), done});
  const stream_event part{"2", "content", R"({"id":"m2-p0","kind":"text","text":"t=1us"})"};
  const std::string shown = "<div id=\"m2-p0\">";
  const auto both = fake_varro{page, shown, wire({part, part, done})}.run(2, 2, true);
  CHECK(both.turns_completed == 4);
  CHECK(both.good());
  CHECK(both.added.count() == 4);
  CHECK(both.added_api.count() == 4);
  CHECK(fake_varro{page, shown, wire({part, done})}.run(1, 1).added_api.count() == 0);
  const auto cut = fake_varro{page, shown, wire({part})}.run(1, 1, true);
  CHECK(cut.faults.lost == 1);
  REQUIRE(!cut.problems.empty());
  CHECK(cut.problems[0].find("a program's stream") != std::string::npos);
}

TEST_CASE("a server that is not there fails every turn") {
  uint16_t port = 0;
  {
    fake_varro gone{"", ""};
    port = gone.server.port();
  }
  load_options options;
  options.server = {"127.0.0.1", port};
  options.users = 2;
  options.turns = 3;
  event_loop loop;
  load virtual_users{loop, options};
  virtual_users.start();
  loop.run();
  CHECK(virtual_users.result().turns_failed == 6);
  CHECK(!virtual_users.result().good());
}
