"""The worker's part in C (shell/entry): what has to happen without a step of Python in between."""
import _imp
import ctypes

from .own import __builtins__

SETTLE = ctypes.cast(ctypes.pythonapi.PyOS_AfterFork_Child, ctypes.c_void_p)

loaded = None


def load(path):
    """By the warm interpreter, before it forks anything. The interpreter's lock is kept during each call."""
    global loaded
    loaded = ctypes.PyDLL(path)
    loaded.varro_fork.argtypes = [ctypes.c_void_p, ctypes.c_uint]
    loaded.varro_image_make.restype = loaded.varro_image_give_back.restype = ctypes.c_long


def fork(seconds):
    """os.fork() without the parent's handlers of os.register_at_fork: a cell's would run after every cell. The copy is
    ended by SIGALRM after these seconds."""
    _imp.acquire_lock()
    pid = loaded.varro_fork(SETTLE, seconds)
    if pid != 0:
        _imp.release_lock()  # the copy has a new one
    return pid
