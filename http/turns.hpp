// Turns as a page or a program asks for them: what may be asked, and how it is begun. Any worker.
//
// The rules are here once; routes read requests and write answers.
#pragma once

#include "http/application.hpp"
#include "http/requests.hpp"
#include "storage/idempotency.hpp"

#include <optional>
#include <vector>

namespace varro {

// Sends a message to a chat, or begins one with it. `files` go into its workspace. `once`: the request has a key, which
// is committed with the turn; 409 where it was committed meanwhile.
or_refused<turn_started> begin_turn(application& app, const visitor& who, send_request asked,
                                    const std::vector<form_file>& files,
                                    std::optional<idempotency_note> once = std::nullopt);

// Replaces this turn (0: the newest) and what followed.
or_refused<turn_started> replace_by_message(application& app, const visitor& who, int64_t chat, edit_request asked,
                                            std::optional<idempotency_note> once = std::nullopt);
// The same with the message that it has.
or_refused<turn_started> ask_again(application& app, const visitor& who, int64_t chat, regenerate_request asked,
                                   std::optional<idempotency_note> once = std::nullopt);

// A new chat of the turns up to this one (0: the newest).
or_refused<chat_forked> fork_after(application& app, const visitor& who, int64_t chat, int64_t turn,
                                   std::optional<idempotency_note> once = std::nullopt);

// The events of the chat that the path names, from where the viewer was (Last-Event-ID, or ?after=): HTML, or JSON for
// programs.
reply event_stream(application& app, const route_call& call, const visitor& who, bool is_program);

} // namespace varro
