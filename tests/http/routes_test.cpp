#include "http/search_turns.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"
#include "models/user_prompt.hpp"
#include "tests/http/routes_world.hpp"
#include "tests/support/sample_pictures.hpp"

#include <fstream>
#include <future>
#include <iterator>
#include <sys/stat.h>
#include <thread>
#include <tuple>

using namespace varro;
using namespace varro::test;

namespace {

const std::string multipart = "Content-Type: multipart/form-data; boundary=XX";

std::string part(std::string_view disposition, std::string_view bytes) {
  return "--XX\r\nContent-Disposition: form-data; " + std::string{disposition} + "\r\n\r\n" + std::string{bytes}
  + "\r\n";
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

TEST_CASE("pages are HTML with every security header and are not stored") {
  routes_world world;
  for (std::string target : {"/", "/chat/42"}) {
    auto answer = world.get(target);
    CHECK(answer.status == 200);
    CHECK(answer.field("Content-Type") == "text/html; charset=utf-8");
    CHECK(answer.field("Cache-Control") == "no-store");
    CHECK(answer.field("Content-Security-Policy")
          == "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
             "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'");
    CHECK(answer.field("X-Content-Type-Options") == "nosniff");
    CHECK(answer.field("Referrer-Policy") == "same-origin");
    CHECK(answer.field("X-Frame-Options") == "DENY");
    CHECK(answer.field("Cross-Origin-Opener-Policy") == "same-origin");
    CHECK(answer.field("Cross-Origin-Resource-Policy") == "same-origin");
    CHECK(answer.field("Keep-Alive").empty());
  }
}

TEST_CASE("errors carry the security headers too") {
  routes_world world;
  for (std::string target : {"/nothing", "/chat/99", "/chat/42?%", "/%"}) {
    auto answer = world.get(target);
    CHECK(answer.field("X-Frame-Options") == "DENY");
  }
}

TEST_CASE("the page of somebody else's chat, of none, and of a number too large are the same 404") {
  routes_world world;
  CHECK(world.get("/chat/42").status == 200);
  for (std::string target : {"/chat/43", "/chat/99", "/chat/99999999999999999999", "/chat/abc", "/chat/-1"}) {
    CAPTURE(target);
    CHECK(world.get(target).status == 404);
  }
  world.script->view.history.chat.created_at = 0; // its first message has yet to create it
  CHECK(world.get("/chat/42").status == 404);
}

TEST_CASE("unknown paths are 404, wrong methods 405 with what is allowed, malformed paths 400, long ones 414") {
  routes_world world;
  CHECK(world.get("/nothing").status == 404);
  auto wrong = world.post("/healthz");
  CHECK(wrong.status == 405);
  CHECK(wrong.field("Allow") == "GET, HEAD");
  CHECK(world.get("/chat/send").status == 405);
  CHECK(ask(world.port, "PUT", "/chat/42").field("Allow") == "GET, PATCH, DELETE, HEAD");
  CHECK(ask(world.port, "OPTIONS", "/chat/42").status == 405);
  CHECK(ask(world.port, "TRACE", "/").status == 405);
  CHECK(ask(world.port, "BREW", "/nothing").status == 404);
  for (std::string target : {"/%", "/%zz", "/chat/%00", "/chat/%0a", "/%u0041", "/%ff"})
    CHECK(world.get(target).status == 400);
  CHECK(world.get("/" + std::string(1'999, 'a')).status == 404);
  CHECK(world.get("/" + std::string(2'000, 'a')).status == 414);
  CHECK(world.get("/chats?q=" + std::string(8'000, 'a')).status == 414);
}

TEST_CASE("HEAD answers as GET without a body") {
  routes_world world;
  raw_client client{world.port};
  client.send(request_text("HEAD", "/healthz"));
  auto head = client.read_answer(true);
  CHECK(head.status == 200);
  CHECK(head.field("Content-Length") == "3");
  client.send(request_text("GET", "/healthz"));
  CHECK(client.read_answer().body == "ok\n");
}

TEST_CASE("a message starts a turn: 200 with the fragment, and the new chat's address") {
  routes_world world;
  auto answer = world.post("/chat/send", "message=hi&chat_id=42");
  CHECK(answer.status == 200);
  CHECK(answer.field("Content-Type") == "text/html; charset=utf-8");
  CHECK(answer.body.find("id=\"m5-p0\"") != std::string::npos);
  CHECK(answer.body.find("/chat/stream/42?after=5") != std::string::npos);
  CHECK(answer.field("HX-Push-Url").empty());
  world.script->on_send = [](const user_message&) { return routes_world::started(true); };
  auto created = world.post("/chat/send", "message=a%20b&model=offline");
  CHECK(created.status == 200);
  CHECK(created.field("HX-Push-Url") == "/chat/42");
  REQUIRE(world.script->sent.size() == 2);
  CHECK(world.script->sent[1].text == "a b");
  CHECK(world.script->sent[1].model == "offline");
}

TEST_CASE("a message that cannot be sent says why") {
  routes_world world{auth_mode::local, [](config& settings) { settings.server.message_bytes_max = 100; }};
  CHECK(world.post("/chat/send", "message=hi&chat_id=43").status == 404);
  CHECK(world.post("/chat/send", "message=hi&chat_id=x").status == 404);
  CHECK(world.post("/chat/send", "message=").status == 422);
  CHECK(world.post("/chat/send", "message=+%0a%09").status == 422);
  CHECK(world.post("/chat/send", "").status == 422);
  CHECK(world.post("/chat/send", "message=hi&model=nonsense").status == 422);
  CHECK(world.post("/chat/send", "message=hi&python=nonsense").status == 422);
  CHECK(world.post("/chat/send", "message=%ff").status == 400);
  CHECK(ask(world.port, "POST", "/chat/send", {"Content-Type: text/plain"}, "hi").status == 400);
  CHECK(world.post("/chat/send", "message=" + std::string(100, 'a')).status == 200);
  CHECK(world.post("/chat/send", "message=" + std::string(101, 'a')).status == 413);
  world.script->on_send = [](const user_message&) -> caf::expected<turn_started> {
    return fail(errc::run_in_progress, "Run 7 is still on.");
  };
  auto busy = world.post("/chat/send", "message=hi&chat_id=42", {"HX-Request: true"});
  CHECK(busy.status == 409);
  CHECK(busy.body.find("Run 7") != std::string::npos);
  CHECK(busy.body.find("<html") == std::string::npos); // a fragment
  CHECK(world.post("/chat/send", "message=hi&chat_id=42").body.find("<html") != std::string::npos);
  world.script->on_send = [](const user_message&) -> caf::expected<turn_started> {
    return fail(errc::storage_failed, "The disk is full.");
  };
  CHECK(world.post("/chat/send", "message=hi&chat_id=42").status == 500);
}

TEST_CASE("a message of a megabyte fits into a form") {
  routes_world world;
  CHECK(world.post("/chat/send", "message=" + std::string(1u << 20, 'a')).status == 200);
  CHECK(world.script->sent.back().text.size() == 1u << 20);
}

TEST_CASE("files of a message are in the workspace before the model hears of them") {
  routes_world world;
  auto body = part("name=\"message\"", "look") + part("name=\"chat_id\"", "42")
    + part("name=\"files\"; filename=\"../a.csv\"", "1,2") + part("name=\"files\"; filename=\"\"", "") + "--XX--";
  world.script->on_send = [&](const user_message&) {
    CHECK(read_file(world.scratch / "workspaces" / "42" / "a.csv") == "1,2");
    return routes_world::started(false);
  };
  CHECK(ask(world.port, "POST", "/chat/send", {multipart}, body).status == 200);
  REQUIRE(world.script->sent.size() == 1);
  CHECK(world.script->sent[0].text == "look\n\nUploaded files: a.csv");
}

TEST_CASE("pictures and documents go to the model with the message, known by their bytes and up to a size") {
  routes_world world{auth_mode::local, [](config& settings) { settings.chat.attachment_bytes_max = 2'000; }};
  auto picture = test::png_picture(30, 20);
  auto document = test::pdf_document(1);
  auto body = part("name=\"message\"", "look") + part("name=\"chat_id\"", "42")
    + part("name=\"files\"; filename=\"a.csv\"", "1,2") + part("name=\"files\"; filename=\"plot.jpg\"", picture)
    + part("name=\"files\"; filename=\"fake.png\"", "no picture")
    + part("name=\"files\"; filename=\"large.png\"", test::png_picture(40, 40, true))
    + part("name=\"files\"; filename=\"paper.pdf\"", document) + "--XX--";
  CHECK(ask(world.port, "POST", "/chat/send", {multipart}, body).status == 200);
  REQUIRE(world.script->sent.size() == 1);
  CHECK(world.script->sent[0].text == "look");
  const auto& files = world.script->sent[0].files;
  REQUIRE(files.size() == 5);
  CHECK(std::get<text_content>(files[0]).content == "Uploaded files: a.csv, plot.jpg, fake.png, large.png, paper.pdf");
  CHECK(labelled_upload(files[1]) == "plot.jpg");
  CHECK(std::get<binary_content>(files[2]).data == picture);
  CHECK(std::get<binary_content>(files[2]).media_type == "image/png");
  CHECK(labelled_upload(files[3]) == "paper.pdf");
  CHECK(std::get<binary_content>(files[4]).data == document);
  CHECK(std::get<binary_content>(files[4]).media_type == "application/pdf");
  CHECK(read_file(world.scratch / "workspaces" / "42" / "large.png") == test::png_picture(40, 40, true));
}

TEST_CASE("files need no text, and nothing at all is no message") {
  routes_world world;
  auto chat = part("name=\"message\"", " ") + part("name=\"chat_id\"", "42");
  auto table = part("name=\"files\"; filename=\"a.csv\"", "1,2");
  auto picture = part("name=\"files\"; filename=\"b.png\"", test::png_picture(8, 8));
  CHECK(ask(world.port, "POST", "/chat/send", {multipart}, chat + table + "--XX--").status == 200);
  CHECK(ask(world.port, "POST", "/chat/send", {multipart}, chat + picture + "--XX--").status == 200);
  REQUIRE(world.script->sent.size() == 2);
  CHECK(world.script->sent[0].text == "Uploaded files: a.csv");
  CHECK(world.script->sent[0].files.empty());
  CHECK(world.script->sent[1].files.size() == 3);
  CHECK(ask(world.port, "POST", "/chat/send", {multipart}, chat + part("name=\"files\"; filename=\"\"", "") + "--XX--")
          .status
        == 422);
}

TEST_CASE("uploads are refused beyond what the user's other chats leave, and counted when they are stored") {
  routes_world world{auth_mode::local, [](config& settings) { settings.shell.user_bytes_max = 10u << 20; }};
  auto message = part("name=\"message\"", "look") + part("name=\"chat_id\"", "42");
  auto file = part("name=\"files\"; filename=\"a.csv\"", std::string(1u << 20, '1')) + "--XX--";
  world.script->other_workspaces_bytes = 9 << 20;
  CHECK(ask(world.port, "POST", "/chat/42/files", {multipart}, file).status == 201);
  REQUIRE(world.script->wait_for([&] { return world.script->usages.size() == 1; }));
  CHECK(world.script->usages[0] == std::tuple{ada, int64_t{42}, int64_t{1 << 20}});
  std::filesystem::remove(world.scratch / "workspaces" / "42" / "a.csv");
  world.script->other_workspaces_bytes = (9 << 20) + 1;
  for (const auto& refused : {ask(world.port, "POST", "/chat/42/files", {multipart}, file),
                              ask(world.port, "POST", "/chat/send", {multipart}, message + file)}) {
    CHECK(refused.status == 413);
    CHECK(refused.body.find("all chats of a user may hold 10 MiB together (shell.user_bytes_max)")
          != std::string::npos);
  }
  CHECK(std::filesystem::is_empty(world.scratch / "workspaces" / "42"));
  CHECK(world.script->sent.empty());
  world.script->other_workspaces_bytes = 9 << 20;
  CHECK(ask(world.port, "POST", "/chat/send", {multipart}, message + file).status == 200);
  CHECK(world.script->wait_for([&] { return world.script->usages.size() == 2; }));
}

TEST_CASE("uploads are counted before they are stored, and refused beyond what the user may upload in a day") {
  routes_world world;
  const auto file = part("name=\"files\"; filename=\"a.csv\"", std::string(1'000, '1'))
    + part("name=\"files\"; filename=\"b.csv\"", std::string(500, '2')) + "--XX--";
  const auto message = part("name=\"message\"", "look") + part("name=\"chat_id\"", "42") + file;
  const auto workspace = world.scratch / "workspaces" / "42";
  std::atomic<int64_t> used = 500;
  world.script->on_allowance = [&](int64_t user) -> caf::expected<allowance_ptr> {
    auto allowance = std::make_shared<user_allowance>();
    allowance->settings = std::make_shared<config>(world.settings);
    allowance->limits.upload_bytes_per_day = 2'000;
    allowance->used.upload_bytes = user == ada ? used.load() : 0;
    return allowance_ptr{std::move(allowance)};
  };
  std::vector<int64_t> counted;
  caf::error outcome;
  world.script->on_upload = [&](const upload_counted& upload) -> caf::expected<done_atom> {
    CHECK_FALSE(std::filesystem::exists(workspace / "a.csv"));
    CHECK(upload.user_id == ada);
    CHECK(upload.at > 0);
    CHECK(upload.most == 2'000);
    counted.push_back(upload.bytes);
    if (outcome)
      return outcome;
    return done_atom_v;
  };
  SUBCASE("what the limit leaves exactly is stored") {
    CHECK(ask(world.port, "POST", "/chat/42/files", {multipart}, file).status == 201);
    CHECK(counted == std::vector<int64_t>{1'500});
    CHECK(std::filesystem::exists(workspace / "a.csv"));
  }
  SUBCASE("one byte more is not, with a message neither") {
    used = 501;
    for (const auto& [path, body] : {std::pair{"/chat/42/files", file}, std::pair{"/chat/send", message}}) {
      const auto refused = ask(world.port, "POST", path, {multipart}, body);
      CHECK(refused.status == 413);
      CHECK(refused.body.find("501 bytes of 2.0 KiB for uploads of today are used (upload_bytes_per_day), and these "
                              "files have 1.5 KiB.")
            != std::string::npos);
    }
    CHECK(counted.empty());
    CHECK(world.script->sent.empty());
    CHECK_FALSE(std::filesystem::exists(workspace / "a.csv"));
  }
  SUBCASE("another upload that comes between is seen when it is counted") {
    outcome = fail(errc::too_large, "these files are more than may be uploaded on this day");
    const auto refused = ask(world.port, "POST", "/chat/42/files", {multipart}, file);
    CHECK(refused.status == 413);
    CHECK(refused.body.find("may be uploaded on this day") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(workspace / "a.csv"));
  }
  SUBCASE("what cannot be counted is not stored") {
    outcome = fail(errc::storage_failed, "the disk is full");
    CHECK(ask(world.port, "POST", "/chat/42/files", {multipart}, file).status == 500);
    CHECK_FALSE(std::filesystem::exists(workspace / "a.csv"));
  }
}

TEST_CASE("uploads and forks are refused where the user's chats take all that they may of the disk") {
  routes_world world;
  const auto file = part("name=\"files\"; filename=\"a.csv\"", std::string(1 << 20, '1')) + "--XX--";
  const auto message = part("name=\"message\"", "look") + part("name=\"chat_id\"", "42") + file;
  std::atomic<int64_t> snapshots = 4 << 20;
  world.script->on_allowance = [&](int64_t) -> caf::expected<allowance_ptr> {
    auto allowance = std::make_shared<user_allowance>();
    allowance->settings = std::make_shared<config>(world.settings);
    allowance->limits.disk_bytes = 10 << 20;
    // The files of this chat are gone since they were measured.
    allowance->disk = {(4 << 20) + 500, snapshots, 1 << 20, 0, 500};
    return allowance_ptr{std::move(allowance)};
  };
  CHECK(ask(world.port, "POST", "/chat/42/files", {multipart}, file).status == 201);
  CHECK(world.post("/chat/42/fork", "turn=1").status != 413);
  std::filesystem::remove(world.scratch / "workspaces" / "42" / "a.csv");
  snapshots = (4 << 20) + 1;
  for (const auto& [path, body] : {std::pair{"/chat/42/files", file}, std::pair{"/chat/send", message}}) {
    const auto refused = ask(world.port, "POST", path, {multipart}, body);
    CHECK(refused.status == 413);
    CHECK(refused.body.find("9.0 MiB of 10.0 MiB of the disk are used (disk_bytes), 4.0 MiB by files, 4.0 MiB by "
                            "snapshots of variables, 1.0 MiB by earlier files and 0 bytes by messages, and this would "
                            "take 1.0 MiB more.")
          != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(world.scratch / "workspaces" / "42" / "a.csv"));
  snapshots = 5 << 20;
  const auto refused = world.post("/chat/42/fork", "turn=1");
  CHECK(refused.status == 413);
  CHECK(refused.body.find("(disk_bytes)") != std::string::npos);
}

TEST_CASE("of a message that is refused because a run is on, no file is kept") {
  routes_world world;
  world.script->refusal = fail(errc::run_in_progress, "This chat is still answering.");
  auto body = part("name=\"message\"", "look") + part("name=\"chat_id\"", "42")
    + part("name=\"files\"; filename=\"a.csv\"", "1,2") + "--XX--";
  const std::vector<std::string> fields{multipart};
  CHECK(ask(world.port, "POST", "/chat/send", fields, body).status == 409);
  CHECK_FALSE(std::filesystem::exists(world.scratch / "workspaces" / "42"));
  CHECK(world.script->sent.empty());
}

TEST_CASE("files of a first message go into the workspace of the chat that it creates") {
  routes_world world;
  world.script->view = {};
  world.script->view.history.chat.id = 77; // drawn, not created
  auto body = part("name=\"message\"", "look") + part("name=\"files\"; filename=\"a.csv\"", "1,2") + "--XX--";
  CHECK(ask(world.port, "POST", "/chat/send", {multipart}, body).status == 200);
  CHECK(read_file(world.scratch / "workspaces" / "77" / "a.csv") == "1,2");
}

TEST_CASE("a stream is handed to the gateway with where it starts") {
  routes_world world;
  auto start = [&](std::string_view target, std::vector<std::string> fields = {}) {
    raw_client client{world.port};
    client.send(request_text("GET", target, fields));
    CHECK(client.read_all().ends_with("adopted"));
    std::lock_guard lock{world.script->mutex};
    CHECK(std::get<1>(world.script->adopted.back()) == 42);
    return std::get<2>(world.script->adopted.back());
  };
  CHECK(start("/chat/stream/42") == -1);
  CHECK(start("/chat/stream/42?after=17") == 17);
  CHECK(start("/chat/stream/42?after=17", {"Last-Event-ID: 19"}) == 19);
  CHECK(start("/chat/stream/42?after=17", {"Last-Event-ID: junk"}) == 17);
  CHECK(world.get("/chat/stream/42?after=junk").status == 400);
  CHECK(world.get("/chat/stream/42?after=-1").status == 400);
  CHECK(world.get("/chat/stream/43").status == 404);
  CHECK(world.get("/chat/stream/42", {"Sec-Fetch-Site: cross-site"}).status == 403);
  CHECK(ask(world.port, "HEAD", "/chat/stream/42").status == 200);
  CHECK(world.script->adopted.size() == 4);
}

TEST_CASE("cancel, edit and regenerate reach the session and map its answers") {
  routes_world world;
  auto cancelled = world.post("/chat/42/cancel");
  CHECK(cancelled.status == 204);
  CHECK(cancelled.field("Content-Length").empty());
  CHECK(world.post("/chat/43/cancel").status == 404);
  world.script->on_cancel = []() -> caf::expected<done_atom> { return fail(errc::no_run, "No run is on."); };
  CHECK(world.post("/chat/42/cancel").status == 409);
  std::pair<int64_t, std::string> edited;
  world.script->on_edit = [&](int64_t turn, const user_message& input) {
    edited = {turn, input.text};
    return routes_world::started(false);
  };
  CHECK(world.post("/chat/42/edit", "turn=2&message=again").status == 200);
  CHECK(edited == std::pair<int64_t, std::string>{2, "again"});
  CHECK(world.post("/chat/42/edit", "turn=0&message=again").status == 422);
  CHECK(world.post("/chat/42/edit", "turn=2&message=").status == 422);
  CHECK(world.post("/chat/43/edit", "turn=2&message=again").status == 404);
  CHECK(world.post("/chat/42/regenerate").status == 200);
  CHECK(edited == std::pair<int64_t, std::string>{0, ""});
}

TEST_CASE("the list of chats is a fragment, filtered by the store") {
  routes_world world;
  world.script->listed = {world.script->view.history.chat};
  auto answer = world.get("/chats?q=%20su+m");
  CHECK(answer.status == 200);
  CHECK(answer.body.find("Sums") != std::string::npos);
  CHECK(answer.body.find("<html") == std::string::npos);
  CHECK(world.script->searched.back() == "su m");
}

TEST_CASE("the list of chats is paged by place: 200 are a page, 201 are two, also of the same time") {
  routes_world world;
  auto& listed = world.script->listed;
  auto chat = world.script->view.history.chat;
  chat.updated_at = 5;
  for (chat.id = 1'200; chat.id > 1'000; --chat.id)
    listed.push_back(chat);
  CHECK(world.get("/chats").body.find("before=") == std::string::npos);
  CHECK(world.get("/").body.find("before=") == std::string::npos);
  listed.push_back(chat); // 1000, of the same time
  auto place = std::to_string(chat.updated_at) + "-1001";
  for (auto path : {"/chats", "/", "/chat/42"})
    CHECK(world.get(path).body.find("/chats?before=" + place) != std::string::npos);
  auto rest = world.get("/chats?before=" + place);
  CHECK(rest.status == 200);
  CHECK(rest.body.find("data-chat=\"1000\"") != std::string::npos);
  CHECK(rest.body.find("data-chat=\"1001\"") == std::string::npos);
  CHECK(rest.body.find("before=") == std::string::npos);
  CHECK(rest.body.find("<ul") == std::string::npos); // it takes the place of the link
  auto without_scripts = world.get("/?before=" + place);
  CHECK(without_scripts.body.find("<html") != std::string::npos);
  CHECK(without_scripts.body.find("data-chat=\"1000\"") != std::string::npos);
  for (auto wrong : {"x", "1", "1-", "-1", "1-x", "99999999999999999999-1"})
    CHECK(world.get(std::string{"/chats?before="} + wrong).status == 400);
}

TEST_CASE("a newer search of a user ends the one before, and others search meanwhile") {
  search_turns turns;
  auto first = turns.take(1);
  REQUIRE(first);
  CHECK_FALSE(first->dropped()->load());
  CHECK(turns.take(2)); // somebody else's
  std::promise<void> took;
  std::thread second{[&] {
    auto turn = turns.take(1);
    CHECK(turn);
    took.set_value();
  }};
  while (!first->dropped()->load())
    std::this_thread::yield();
  CHECK_FALSE(turns.take(1)); // one waits already
  first.reset();
  second.join();
  took.get_future().get();
  CHECK(turns.take(1));
}

TEST_CASE("a title is renamed by form or JSON, with its limits") {
  routes_world world;
  std::string title;
  world.script->on_rename = [&](const std::string& text) {
    title = text;
    return done_atom_v;
  };
  auto patch = [&](std::string type, std::string body, std::string target = "/chat/42") {
    return ask(world.port, "PATCH", target, {"Content-Type: " + type}, body).status;
  };
  const std::string form = "application/x-www-form-urlencoded", object = "application/json";
  CHECK(patch(form, "title=+New+name+") == 204);
  CHECK(title == "New name");
  CHECK(patch(object, R"({"title":"Über"})") == 204);
  CHECK(title == "Über");
  CHECK(patch(form, "title=") == 422);
  CHECK(patch(object, R"({"title":" "})") == 422);
  CHECK(patch(object, "{}") == 422);
  CHECK(patch(object, R"({"title":1})") == 400);
  CHECK(patch(object, "[") == 400);
  CHECK(patch(object, std::string(60'000, '[')) == 400);
  CHECK(patch(object, "{\"title\":\"" + std::string(40, '[') + "\"}") == 204);
  CHECK(title == std::string(40, '['));
  std::string longest;
  for (size_t i = 0; i < world.settings.chat.title_characters_max; ++i)
    longest += "é";
  CHECK(patch(object, "{\"title\":\"" + longest + "\"}") == 204);
  CHECK(patch(object, "{\"title\":\"" + longest + "e\"}") == 422);
  CHECK(patch(form, "title=x", "/chat/43") == 404);
}

TEST_CASE("a chat is deleted by its owner only") {
  routes_world world;
  CHECK(ask(world.port, "DELETE", "/chat/42").status == 204);
  CHECK(ask(world.port, "DELETE", "/chat/43").status == 404);
}

TEST_CASE("files go into the workspace and come out as downloads") {
  routes_world world;
  auto body = part("name=\"files\"; filename=\"a b.csv\"", "1,2") + part("name=\"files\"; filename=\"p.png\"", "png")
    + part("name=\"files\"; filename=\"x.svg\"", "<svg/>") + "--XX--";
  auto answer = ask(world.port, "POST", "/chat/42/files", {multipart}, body);
  CHECK(answer.status == 201);
  CHECK(answer.field("Location") == "/chat/42/files/a%20b.csv");
  auto table = world.get("/chat/42/files/a%20b.csv");
  CHECK(table.status == 200);
  CHECK(table.body == "1,2");
  CHECK(table.field("Content-Disposition").starts_with("attachment; "));
  CHECK(table.field("X-Content-Type-Options") == "nosniff");
  CHECK(world.get("/chat/42/files/p.png").field("Content-Disposition").starts_with("inline; "));
  CHECK(world.get("/chat/42/files/p.png").field("Content-Type") == "image/png");
  CHECK(world.get("/chat/42/files/x.svg").field("Content-Disposition").starts_with("attachment; "));
  CHECK(world.get("/chat/42/files").body.find("a b.csv") != std::string::npos);
  raw_client client{world.port};
  client.send(request_text("HEAD", "/chat/42/files/a%20b.csv") + request_text("GET", "/healthz"));
  CHECK(client.read_answer(true).field("Content-Length") == "3");
  CHECK(client.read_answer().body == "ok\n");
  CHECK(ask(world.port, "POST", "/chat/42/files", {multipart}, "--XX--").status == 422);
  CHECK(ask(world.port, "POST", "/chat/42/files", {multipart}, "junk").status == 400);
  CHECK(ask(world.port, "POST", "/chat/43/files", {multipart}, body).status == 404);
  CHECK(world.get("/chat/43/files").status == 404);
  CHECK(world.get("/chat/43/files/a%20b.csv").status == 404);
}

TEST_CASE("no path leads out of the workspace") {
  routes_world world;
  auto root = world.scratch / "workspaces";
  std::filesystem::create_directories(root / "42");
  std::filesystem::create_directories(root / "43");
  std::ofstream{root / "43" / "secret"} << "secret";
  std::filesystem::create_symlink("../43/secret", root / "42" / "link");
  for (std::string name :
       {"../43/secret", "..%2f43%2fsecret", "%2e%2e/43/secret", "link", "/etc/passwd", "%2fetc%2fpasswd"}) {
    CAPTURE(name);
    CHECK(world.get("/chat/42/files/" + name).status == 404);
  }
}

TEST_CASE("attachments come out of the history under exactly their name") {
  routes_world world;
  message_row row;
  row.chat_id = 42;
  row.seq = 6;
  user_prompt_part prompt;
  binary_content picture;
  picture.data = "\x89PNG bytes";
  picture.media_type = "image/png";
  prompt.content = std::vector<user_content>{picture};
  model_request request;
  request.parts.push_back(prompt);
  row.content = request;
  world.script->contents.messages.push_back(row);
  auto answer = world.get("/chat/42/files/m6-0.png");
  CHECK(answer.status == 200);
  CHECK(answer.body == picture.data);
  CHECK(answer.field("Content-Type") == "image/png");
  for (std::string name : {"m6-1.png", "m7-0.png", "m6-0.html", "m6-0.svg"})
    CHECK(world.get("/chat/42/files/" + name).status == 404);
  CHECK(world.get("/chat/43/files/m6-0.png").status == 404);
}

TEST_CASE("a file of the workspace may be named like an attachment, and never stands for one") {
  routes_world world;
  for (std::string name : {"m1-2.csv", "m1-2.png", "m6-0.html", "m1-2.json", "m1-2.bin", "m1-2.wav", "m6-0.txt"}) {
    CAPTURE(name);
    auto body = part("name=\"files\"; filename=\"" + name + "\"", "mine") + "--XX--";
    auto stored = ask(world.port, "POST", "/chat/42/files", {multipart}, body);
    REQUIRE(stored.status == 201);
    CHECK(stored.field("Location") == "/chat/42/files/" + name + "?workspace");
    CHECK(stored.body.find("href=\"/chat/42/files/" + name + "?workspace\"") != std::string::npos);
    for (std::string query : {"", "?workspace"}) {
      auto file = world.get("/chat/42/files/" + name + query);
      CHECK(file.status == 200);
      CHECK(file.body == "mine");
      CHECK(file.field("Cache-Control") == "private, no-cache");
    }
    CHECK(world.get("/chat/43/files/" + name + "?workspace").status == 404);
  }
  CHECK(world.get("/chat/42/files/m6-0.html").field("Content-Disposition").starts_with("attachment; "));
  // The attachment has the address alone, the file the one of its links.
  world.script->contents.messages = rows_of_cell({rich_output{"text/html", "<b>x</b>", ""}});
  auto display = world.get("/chat/42/files/m6-0.html");
  CHECK(display.body.starts_with("<b>x</b>"));
  CHECK(display.field("Content-Security-Policy").starts_with("sandbox"));
  CHECK(world.get("/chat/42/files/m6-0.html?workspace").body == "mine");
  CHECK(world.get("/chat/42/files/m6-0.txt").body == "mine");
  CHECK(world.get("/chat/42/files/m1-9.csv").status == 404);
  CHECK(world.get("/chat/42/files/m1-9.csv?workspace").status == 404);
}

TEST_CASE("HTML that a cell displayed is served as a stranger to the page, and the data of a chart as a download") {
  routes_world world;
  cell_result cell;
  cell.outputs = {rich_output{"text/html", "<script>steal()</script>", ""},
                  rich_output{"application/vnd.plotly.v1+json", "{}", "A plot"}};
  tool_return_part returned;
  returned.tool_name = "python";
  returned.metadata = cell_metadata(cell);
  model_request request;
  request.parts.push_back(returned);
  message_row row;
  row.chat_id = 42;
  row.seq = 6;
  row.content = request;
  world.script->contents.messages.push_back(row);
  auto page = world.get("/chat/42/files/m6-0.html");
  CHECK(page.status == 200);
  CHECK(page.body.starts_with("<script>steal()</script>"));
  CHECK(page.field("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.field("Content-Disposition").starts_with("inline"));
  auto policy = page.field("Content-Security-Policy");
  CHECK(policy.starts_with("sandbox allow-scripts; default-src 'none';"));
  CHECK(policy.find("allow-same-origin") == std::string::npos);
  CHECK(policy.find("; media-src data: blob:;") != std::string::npos); // a player plays what it holds
  for (auto network : {"connect-src", "'self';", "http", "*", "ws:"})
    CHECK(policy.find(network) == std::string::npos);
  CHECK(page.body.find("displayHeight") != std::string::npos);
  CHECK(page.field("X-Frame-Options") == "SAMEORIGIN");
  CHECK(world.get("/chat/42/files/m6-1.json").field("Content-Disposition").starts_with("attachment"));
  CHECK(world.get("/chat/42/files/m6-1.html").status == 404);
  CHECK(world.get("/chat/42").field("X-Frame-Options") == "DENY");
}

TEST_CASE("a notebook holds rich displays as notebooks do") {
  routes_world world;
  world.script->contents.messages
    = rows_of_cell({rich_output{"text/html", "<b>x</b>", "x"}, rich_output{"application/json", "{\"a\": [1]}", "{}"},
                    rich_output{"application/vnd.plotly.v1+json", "broken", "A plot"}});
  auto book = json::parse(world.get("/chat/42/export.ipynb").body);
  json outputs;
  for (const auto& one : book["cells"])
    if (one["cell_type"] == "code")
      outputs = one["outputs"];
  REQUIRE(outputs.size() == 3);
  CHECK(outputs[0]["data"] == json{{"text/plain", "x"}, {"text/html", "<b>x</b>"}});
  CHECK(outputs[1]["data"]["application/json"]["a"][0] == 1);
  CHECK(outputs[2]["data"] == json{{"text/plain", "A plot"}});
}

TEST_CASE("a chat is exported in three forms") {
  routes_world world;
  message_row question, answer;
  question.seq = 1;
  model_request request;
  user_prompt_part prompt;
  prompt.content = "what is **1+1**?";
  prompt.timestamp = timestamp_now();
  request.parts.push_back(prompt);
  question.content = request;
  answer.seq = 2;
  model_response response;
  response.timestamp = timestamp_now();
  tool_call_part call;
  call.tool_name = "python";
  call.tool_call_id = "c1";
  call.args = "{\"code\": \"print(1+1)\"}";
  response.parts.push_back(call);
  text_part text;
  text.content = "It is 2.";
  response.parts.push_back(text);
  answer.content = response;
  world.script->contents.messages = {question, answer};
  auto exported = world.get("/chat/42/export.json");
  CHECK(exported.status == 200);
  CHECK(exported.field("Content-Type") == "application/json");
  CHECK(exported.body == to_json_text(message_history{question.content, answer.content}));
  CHECK(exported.field("Content-Disposition").starts_with("attachment; filename=\"Sums.json\""));
  auto book = json::parse(world.get("/chat/42/export.ipynb").body);
  CHECK(book["nbformat"] == 4);
  CHECK(book["cells"][2]["cell_type"] == "code");
  CHECK(book["cells"][2]["source"] == "print(1+1)");
  CHECK(book["cells"][3]["source"] == "It is 2.");
  CHECK(world.get("/chat/42/export.md").body.find("```python\nprint(1+1)\n```") != std::string::npos);
  CHECK(world.get("/chat/43/export.json").status == 404);
  CHECK(world.get("/chat/42/export.exe").status == 404);
}

TEST_CASE("liveness, readiness and metrics are answered for machines") {
  routes_world world;
  CHECK(world.get("/healthz").body == "ok\n");
  CHECK(world.get("/readyz").status == 200);
  world.get("/nothing");
  auto metrics = world.get("/metrics");
  CHECK(metrics.status == 200);
  for (std::string line :
       {"\nvarro_sessions 3\n", "\nvarro_runs 2\n", "\nvarro_viewers 5\n", "\nvarro_shells 4\n",
        "\nvarro_runs_waiting 1\n", "\nvarro_shells_waiting 6\n", "varro_requests_total{status=\"404\"} 1\n"}) {
    CAPTURE(line);
    CHECK(metrics.body.find(line) != std::string::npos);
  }
  world.script->ready = false;
  CHECK(world.get("/readyz").status == 503);
}

TEST_CASE("assets are found by name, checked by ETag, and kept when their address has a version") {
  routes_world world;
  auto asset = world.get("/assets/app.css");
  REQUIRE(asset.status == 200);
  CHECK(asset.field("Content-Type").starts_with("text/css"));
  CHECK(asset.field("Cache-Control") == "no-cache");
  auto again = world.get("/assets/app.css", {"If-None-Match: " + asset.field("ETag")});
  CHECK(again.status == 304);
  CHECK(again.body.empty());
  CHECK(world.get("/assets/app.css?v=1").field("Cache-Control").find("immutable") != std::string::npos);
  CHECK(world.get("/assets/../main.cpp").status == 404);
  CHECK(world.get("/assets/missing.css").status == 404);
}

TEST_CASE("a foreign Host or page is refused before any route") {
  routes_world world;
  CHECK(world.get("/healthz", {"Host: evil.example"}).status == 421);
  CHECK(world.post("/chat/send", "message=hi", {"Origin: http://evil.example"}).status == 403);
  CHECK(world.post("/chat/send", "message=hi", {"Sec-Fetch-Site: same-site"}).status == 403);
  CHECK(world.script->sent.empty());
  CHECK(world.post("/chat/send", "message=hi", {"Origin: http://127.0.0.1"}).status == 200);
}

TEST_CASE("an actor that is gone is a 503 and not a hang") {
  routes_world world;
  caf::anon_send_exit(world.session, caf::exit_reason::kill);
  CHECK(world.get("/chat/42").status == 503);
}

TEST_CASE("a session that ended between being found and being asked is looked for again") {
  routes_world world;
  auto dead = world.system.spawn(twin_session, world.script);
  caf::anon_send_exit(dead, caf::exit_reason::kill);
  int found = 0;
  world.script->on_find
    = [&](int64_t, int64_t) -> caf::expected<chat_session_actor> { return found++ == 0 ? dead : world.session; };
  CHECK(world.get("/chat/42").status == 200);
  CHECK(found == 2);
}

TEST_CASE("a deletion finds its session once, and then waits until that one is gone") {
  routes_world world;
  auto dead = world.system.spawn(twin_session, world.script);
  caf::anon_send_exit(dead, caf::exit_reason::kill);
  int found = 0;
  bool first_is_dead = false;
  world.script->on_find = [&](int64_t, int64_t) -> caf::expected<chat_session_actor> {
    return found++ == 0 && first_is_dead ? dead : world.session;
  };
  CHECK(ask(world.port, "DELETE", "/chat/42").status == 204);
  CHECK(found == 2);
  found = 0;
  first_is_dead = true;
  CHECK(ask(world.port, "DELETE", "/chat/42").status == 204);
  CHECK(found == 3);
}

TEST_CASE("without accounts only loopback is listened on, and nobody is believed who is not configured") {
  routes_world world;
  auto bind = [&](auth_mode mode, const std::string& host) {
    config settings = world.settings;
    settings.auth.mode = mode;
    settings.server.host = host;
    http_server server{{world.system, settings, {}, {}, {}, {}, {}, {}}};
    return server.bind();
  };
  CHECK(bind(auth_mode::local, "127.0.0.1"));
  auto refused = bind(auth_mode::local, "0.0.0.0");
  REQUIRE_FALSE(refused);
  CHECK(code_of(refused.error()) == errc::config_invalid);
  CHECK(bind(auth_mode::accounts, "0.0.0.0"));
  CHECK_FALSE(bind(auth_mode::proxy, "127.0.0.1"));
}
