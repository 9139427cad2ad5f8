// What a server sets for its own process, before its first thread.
#pragma once

namespace varro {

// Memory of what is large goes back to the system when it is freed.
void return_large_memory();

// As many open files as this process may have.
void raise_file_limit();

} // namespace varro
