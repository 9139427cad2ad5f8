#include "models/list_fetch.hpp"

#include "models/vendor_errors.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>

namespace varro {

namespace {

using reason = transport_end::reason;

// One page on its way: written by the transport's thread until it has ended.
struct page_transfer {
  int http_status = 0;
  std::string body;
  transport_end end;
};

// What the transport's thread and the caller share.
struct arrivals {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::vector<size_t> ended; // conversations whose page is complete; GUARDED_BY(mutex)
};

struct conversation {
  const provider_config* provider = nullptr;
  std::shared_ptr<page_transfer> page;
  http_transport::request_id request = 0;
  std::vector<listed_model> models;
  std::string cursor;
  int pages = 0;
  bool open = false;
};

struct list_asker {
  http_transport& transport;
  const list_limits& limits;
  const std::function<void(list_answer&&)>& on_answer;
  std::shared_ptr<arrivals> arrived = std::make_shared<arrivals>();
  std::vector<conversation> all{};
  bool given_up = false;

  void ask_page(size_t index) {
    auto& c = all[index];
    c.page = std::make_shared<page_transfer>();
    c.open = true;
    ++c.pages;
    transport_limits page_limits;
    page_limits.connect_max = limits.connect_max;
    page_limits.first_byte_max = page_limits.silence_max = page_limits.total_max = limits.page_max;
    page_limits.response_bytes_max = limits.page_bytes_max;
    transport_callbacks callbacks;
    callbacks.on_head = [page = c.page](int status, std::string_view) { page->http_status = status; };
    callbacks.on_bytes = [page = c.page](std::string_view bytes) { page->body += bytes; };
    callbacks.on_end = [page = c.page, arrived = arrived, index](const transport_end& end) {
      page->end = end;
      std::lock_guard guard{arrived->mutex};
      arrived->ended.push_back(index);
      arrived->changed.notify_all();
    };
    c.request = transport.start(list_request(*c.provider, c.cursor), page_limits, std::move(callbacks));
  }

  void finish(conversation& c, caf::expected<std::vector<listed_model>> models) {
    on_answer({c.provider, c.page->http_status, std::move(models)});
  }

  caf::error problem_of(const conversation& c) const {
    const auto& page = *c.page;
    if (given_up && page.end.why == reason::cancelled)
      return fail(errc::cancelled, "the list did not arrive in time");
    if (page.end.why != reason::complete)
      return fail(errc::model_unreachable, page.end.detail);
    auto told = read_error_body(page.http_status, page.body, c.provider->api_key);
    auto words = told.message.empty() ? std::string{} : ": " + told.message;
    return fail(errc::model_rejected, "status " + std::to_string(page.http_status) + words);
  }

  void take_page(size_t index) {
    auto& c = all[index];
    c.open = false;
    if (c.page->end.why != reason::complete || c.page->http_status < 200 || c.page->http_status > 299)
      return finish(c, problem_of(c));
    auto page = read_list(c.provider->kind, c.page->body);
    if (!page)
      return finish(c, page.error());
    auto room = list_models_max - c.models.size();
    auto count = std::min(page->models.size(), room);
    std::move(page->models.begin(), page->models.begin() + static_cast<std::ptrdiff_t>(count),
              std::back_inserter(c.models));
    // A list that goes round, or on for ever, is cut.
    bool more = !page->next.empty() && page->next != c.cursor && c.pages < limits.pages_max && count < room;
    if (more && given_up)
      return finish(c, fail(errc::cancelled, "the list did not arrive in time"));
    if (!more)
      return finish(c, std::move(c.models));
    c.cursor = std::move(page->next);
    ask_page(index);
  }

  void give_up() {
    given_up = true;
    for (auto& c : all)
      if (c.open)
        transport.cancel(c.request);
  }

  size_t open() const {
    return static_cast<size_t>(std::count_if(all.begin(), all.end(), [](const auto& c) { return c.open; }));
  }
};

} // namespace

void fetch_lists(http_transport& transport, std::span<const provider_config> providers, const list_limits& limits,
                 std::stop_token stop, const std::function<void(list_answer&&)>& on_answer) {
  list_asker asker{transport, limits, on_answer};
  for (const auto& provider : providers)
    asker.all.push_back({&provider, nullptr, 0, {}, {}, 0, false});
  for (size_t i = 0; i < asker.all.size(); ++i)
    asker.ask_page(i);
  auto deadline = std::chrono::steady_clock::now() + limits.total_max;
  while (asker.open() > 0) {
    std::vector<size_t> ended;
    {
      std::unique_lock lock{asker.arrived->mutex};
      auto some = [&] { return !asker.arrived->ended.empty(); };
      if (asker.given_up)
        asker.arrived->changed.wait(lock, some); // each request has its end, also a cancelled one
      else
        asker.arrived->changed.wait_until(lock, stop, deadline, some);
      ended.swap(asker.arrived->ended);
    }
    if (!asker.given_up && (stop.stop_requested() || std::chrono::steady_clock::now() >= deadline))
      asker.give_up();
    for (auto index : ended)
      asker.take_page(index);
  }
}

} // namespace varro
