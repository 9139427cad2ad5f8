// What a session changes of its chat beside its turns: the title, and what stands before its first message.
#include "actors/chat_parts.hpp"
#include "actors/chat_prefix.hpp"
#include "base/utf8.hpp"
#include "models/effort.hpp"

namespace varro {

namespace {

constexpr size_t title_characters = 30;

// Whether a line only opens or closes a block of code.
bool is_fence(std::string_view line) {
  auto begin = line.find_first_not_of(' ');
  return begin != line.npos && (line.substr(begin).starts_with("```") || line.substr(begin).starts_with("~~~"));
}

std::string first_characters(std::string_view text, bool with_fences) {
  std::string title;
  size_t characters = 0;
  bool space = false;
  for (size_t i = 0; i < text.size(); ++i) {
    bool begins_line = i == 0 || text[i - 1] == '\n';
    if (begins_line && !with_fences && is_fence(text.substr(i))) {
      i = text.find('\n', i);
      if (i == text.npos)
        break;
    }
    char c = text[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space = !title.empty();
      continue;
    }
    if (!is_continuation(c)) {
      characters += space ? 2 : 1;
      if (characters > title_characters)
        break;
    }
    if (space)
      title += ' ';
    space = false;
    title += c;
  }
  return title;
}

} // namespace

std::string title_of(const std::string& text) {
  auto title = first_characters(text, false);
  return title.empty() ? first_characters(text, true) : title;
}

caf::result<done_atom> renew_prefix(chat_session_pointer self) {
  auto& state = self->state;
  if (state.stopping)
    return stopping();
  if (busy(state))
    return run_is_on(state);
  auto prefix = prefix_of_today(state.services.settings_now()->agent, state.services.tools(state.history.chat()));
  write_batch batch;
  batch.chat_id = state.history.chat().id;
  batch.user_id = state.history.chat().user_id;
  batch.prefix = prefix;
  auto promise = self->make_response_promise<done_atom>();
  auto commit_prefix = [=](const continuation& then, const error_handler& otherwise) {
    self->state.commits.commit(batch, then, otherwise);
  };
  change(
    self, {commit_prefix},
    [=]() mutable {
      self->state.history.renew_prefix(prefix);
      promise.deliver(done_atom_v);
    },
    [=](const caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted) {
  return model_for(state, wanted, state.history.chat());
}

caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted,
                                      const chat_record& chat) {
  auto choices = state.services.catalog->now();
  auto id = wanted.empty() ? chat.model : wanted;
  if (id.empty())
    id = choices->default_model;
  const auto* model = choices->find(id);
  if (model == nullptr)
    return fail(errc::invalid_input, no_such_model(*choices, id));
  return with_effort(*model, chat.effort);
}

caf::result<done_atom> rename(chat_session_pointer self, const std::string& title) {
  auto& state = self->state;
  auto promise = self->make_response_promise<done_atom>();
  self
    ->request(state.services.store, caf::infinite, rename_atom_v, state.history.chat().user_id, state.history.chat().id,
              title)
    .then(
      [=](done_atom) mutable {
        self->state.history.rename(title);
        promise.deliver(done_atom_v);
      },
      [=](caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

} // namespace varro
