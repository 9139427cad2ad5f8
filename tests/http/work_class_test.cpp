#include "http/worker_pool.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <map>

using namespace varro;

namespace {

received_request request_of(std::string target, std::string session = "") {
  received_request request;
  request.method = "GET";
  request.target = std::move(target);
  if (!session.empty())
    request.headers.push_back({"cookie", "varro_session=" + session});
  return request;
}

// A pool whose answers wait until the test lets them go.
struct held_pool {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> begun; // targets
  bool open = false;
  uint64_t next = 0;
  worker_pool pool{8,
                   [this](received_request&& request) {
                     std::unique_lock lock{mutex};
                     begun.push_back(request.target);
                     changed.notify_all();
                     changed.wait(lock, [this] { return open; });
                     return composed_response{};
                   },
                   [] {}};

  ~held_pool() {
    release();
    pool.stop();
  }
  void release() {
    std::lock_guard lock{mutex};
    open = true;
    changed.notify_all();
  }
  void submit(std::string target, std::string session = "") {
    pool.submit(++next, request_of(std::move(target), std::move(session)));
  }
  void wait_for(size_t count) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return begun.size() >= count; });
  }
  size_t begun_of(std::string_view target) {
    std::lock_guard lock{mutex};
    return static_cast<size_t>(std::count(begun.begin(), begun.end(), target));
  }
};

} // namespace

TEST_CASE("what costs more with what a chat holds is costly, and what tells of the server is free") {
  for (auto target : {"/chat/42/export.md", "/chat/42/export.ipynb", "/chat/42/files/a.csv", "/chat/42/files",
                      "/chat/42/charts/m3-0", "/chats?q=a", "/chats?before=1-1&q=a"})
    CHECK(work_class_of(request_of(target)).costly);
  for (auto target : {"/chats", "/chats?q=", "/chat/42", "/", "/chat/stream/42", "/login"}) {
    CHECK_FALSE(work_class_of(request_of(target)).costly);
    CHECK_FALSE(work_class_of(request_of(target)).free);
  }
  for (auto target : {"/healthz", "/readyz", "/metrics", "/assets/app.css?v=1", "/favicon.ico"}) {
    CHECK(work_class_of(request_of(target, "s")).free);
    CHECK(work_class_of(request_of(target, "s")).visitor.empty());
  }
  CHECK(work_class_of(request_of("/", "s")).visitor == "s");
}

TEST_CASE("another spelling of an address or another method makes nothing cheaper, or free") {
  for (auto target : {"/chat/42/export%2Emd", "/%63hat/42/e%78port.json", "/chat/42%2Ffiles", "/chat/4%32/files/a.csv",
                      "/chats?%71=a", "/%63hats?q=a"})
    CHECK_MESSAGE(work_class_of(request_of(target)).costly, target);
  auto head = request_of("/chat/42/export.md");
  head.method = "HEAD";
  CHECK(work_class_of(head).costly);
  auto upload = request_of("/chat/42/files");
  upload.method = "POST";
  CHECK(work_class_of(upload).costly);
  for (auto target : {"/healthz/x", "/assets/", "/assets", "/metrics%00", "/%", "/no/such/page"})
    CHECK_FALSE_MESSAGE(work_class_of(request_of(target)).free, target);
}

TEST_CASE("everybody has at least one worker, whatever there are") {
  CHECK(shares_of(1).of_visitor == 1);
  CHECK(shares_of(1).costly_of_visitor == 1);
  CHECK(shares_of(8).of_visitor == 6);
  CHECK(shares_of(8).costly == 4);
  CHECK(shares_of(8).costly_of_visitor == 2);
}

TEST_CASE("one visitor's requests leave workers for the others, and go on when some are done") {
  held_pool held;
  for (int i = 0; i < 20; ++i)
    held.submit("/chat/1", "mallory");
  held.wait_for(6);
  held.submit("/", "ada");
  held.submit("/healthz");
  held.wait_for(8); // they went past fourteen
  CHECK(held.begun_of("/chat/1") == 6);
  CHECK(held.begun_of("/") == 1);
  CHECK(held.begun_of("/healthz") == 1);
  held.release();
  held.wait_for(22);
  CHECK(held.begun_of("/chat/1") == 20);
}

TEST_CASE("costly requests leave workers for all others, whoever asks") {
  held_pool held;
  for (int i = 0; i < 20; ++i)
    held.submit("/chat/1/export.md", "mallory");
  held.wait_for(2);
  for (auto who : {"a", "b", "c", "d"})
    held.submit("/chats?q=a", who);
  held.wait_for(4);
  for (int i = 0; i < 4; ++i)
    held.submit("/", "ada");
  held.wait_for(8);
  CHECK(held.begun_of("/chat/1/export.md") == 2);
  CHECK(held.begun_of("/chats?q=a") == 2);
  CHECK(held.begun_of("/") == 4);
  held.release();
  held.wait_for(28);
}
