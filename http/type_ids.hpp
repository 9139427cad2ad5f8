// CAF's registration of what only the actors of this folder send each other; the block of actors/type_ids.hpp comes
// before it.
#pragma once

#include "actors/interfaces.hpp"
#include "render/presenter.hpp"
#include "render/response_values.hpp"

#include <vector>

CAF_BEGIN_TYPE_ID_BLOCK(varro_http, caf::id_block::varro::end)
CAF_ADD_TYPE_ID(varro_http, (varro::stream_event))
CAF_ADD_TYPE_ID(varro_http, (std::vector<varro::stream_event>))
CAF_ADD_TYPE_ID(varro_http, (varro::response_view))
CAF_END_TYPE_ID_BLOCK(varro_http)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::stream_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<varro::stream_event>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(varro::response_view)
