"""What hostile cells do, as text in tables, each with the honest use beside it that has to work.

A cell says on stdout what the sandbox answered, in the words that the user reads; "ESCAPED" says that it got through.
Marks of the form @NAME@ stand for what the test puts in: where the data directory is, which secret to look for.
"""

import dataclasses

PRELUDE = r'''
import ctypes, errno, mmap, os, platform, signal, socket, stat, struct, subprocess, sys, threading, time
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = dict(ptrace=(101, 117), process_vm_readv=(310, 270), process_vm_writev=(311, 271), kcmp=(312, 272),
    pidfd_open=(434, 434), pidfd_getfd=(438, 438), mount=(165, 40), umount2=(166, 39), pivot_root=(155, 41),
    chroot=(161, 51), unshare=(272, 97), setns=(308, 268), open_tree=(428, 428), move_mount=(429, 429),
    fsopen=(430, 430), fsmount=(432, 432), fspick=(433, 433), mount_setattr=(442, 442), clone=(56, 220),
    clone3=(435, 435), open_by_handle_at=(304, 265), name_to_handle_at=(303, 264), bpf=(321, 280),
    perf_event_open=(298, 241), userfaultfd=(323, 282), kexec_load=(246, 104), init_module=(175, 105),
    finit_module=(313, 273), delete_module=(176, 106), io_uring_setup=(425, 425), io_uring_enter=(426, 426),
    io_uring_register=(427, 427), add_key=(248, 217), request_key=(249, 218), keyctl=(250, 219), reboot=(169, 142),
    sethostname=(170, 161), personality=(135, 92), memfd_create=(319, 279), memfd_secret=(447, 447),
    shmget=(29, 194), msgget=(68, 186), semget=(64, 190), swapon=(167, 224), clock_settime=(227, 112),
    acct=(163, 89), quotactl=(179, 60), syslog=(103, 116), fanotify_init=(300, 262), capset=(126, 91),
    mlockall=(151, 230), vmsplice=(278, 75), setuid=(105, 146), process_madvise=(440, 440),
    seccomp=(317, 277))
_place = {"x86_64": 0, "aarch64": 1}[platform.machine()]

def syscall(name, *arguments):
    """The result, and the error in words when there is one."""
    ctypes.set_errno(0)
    number = name if isinstance(name, int) else _numbers[name][_place]
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    plain += [ctypes.c_long(0)] * (6 - len(plain))
    result = _libc.syscall(ctypes.c_long(number), *plain)
    return result, os.strerror(ctypes.get_errno()) if result == -1 else None

def denied(name, *arguments):
    result, error = syscall(name, *arguments)
    print(f"{name}: " + (error or f"ESCAPED with {result}"))

def attempt(what, action):
    try:
        result = action()
    except Exception as error:
        print(f"{what}: {error}")
    else:
        print(f"{what}: ESCAPED with {str(result)[:200]}")

def content(path, size=1 << 16):
    with open(path, "rb") as file:
        return file.read(size)
'''


@dataclasses.dataclass
class Attack:
    name: str
    code: str
    told: tuple  # regular expressions of what the block says in words
    never: tuple = ("ESCAPED",)  # nowhere in what the cell shows
    twin: str = ""  # the honest use, run before in the same chat
    twin_says: tuple = ()
    stop_at: str = ""  # the file by which an endless cell says that it runs; then the user stops it
    ends_late: bool = False  # the shell may be gone only when the next cells are asked for: those may fail
    victim: str = ""  # what another chat does before, during and after; it has to see the same each time
    own_users: bool = False  # what it uses up is missing to others unless each shell has a host user of its own
    waits_for: str = ""  # why it is not asked yet; empty: it is

    def method(self):
        return "test_" + "_".join("".join(c if c.isalnum() else " " for c in self.name).split())
