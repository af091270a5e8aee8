"""The C library's allocator, set for a program that needs the same large tensors in every step."""

import ctypes
import os

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of malloc.h
# Bytes from which a block is mapped by itself, and given back when freed: more than a tensor has, or the most that an
# older glibc takes. With the limit of trimming alone it would stay at 128 KiB.
MAPPED = 1 << 30, 32 << 20


def keep_freed_memory() -> None:
    """Lets this process keep what it frees for what it allocates next, in one arena; by glibc alone.

    Otherwise the freed tensors of a step go back to the system, and the next step gets pages that the system fills with
    zeros: a quarter of the processor time of a small network's training. To be called before threads are
    started. Does nothing with another C library, nor where the environment has settings of it, MALLOC_... or
    GLIBC_TUNABLES.
    """
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        glibc = None
    given = "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "")
    if not glibc or given or any(name.startswith("MALLOC_") for name in os.environ):
        return
    mallopt = ctypes.CDLL(None).mallopt
    for option, *values in ((M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, *MAPPED), (M_TRIM_THRESHOLD, 2**31 - 1)):
        any(mallopt(option, value) for value in values)  # until one is taken
