"""How much memory is free, in a container as well."""

from pathlib import Path

SMALL = 2e8  # bytes that are not worth a look
# A container sees its own limits here, of version 2 or 1.
_CGROUP = Path("/sys/fs/cgroup")
_LIMITS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


def free_memory():
    """Return the bytes that this process may still take."""
    import psutil

    free = psutil.virtual_memory().available
    for limit, used in _LIMITS:
        try:
            most, now = (int((_CGROUP / name).read_text()) for name in (limit, used))
        except (OSError, ValueError):  # none here, or "max"
            continue
        free = min(free, most - now)
    return max(free, 0)
