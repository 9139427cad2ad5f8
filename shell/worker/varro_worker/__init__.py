"""The Python side of a shell: runs inside the sandbox and speaks the frames of shell/frames.hpp."""
