#include "render/chat_path.hpp"

namespace varro {

std::string chat_path(int64_t chat_id, chat_audience audience) {
  return (audience == chat_audience::admin ? "/admin/chat/" : "/chat/") + std::to_string(chat_id);
}

} // namespace varro
