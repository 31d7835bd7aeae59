"""What a look at containers may not do without."""

from pathlib import Path

#: What a look needs of the kernel's capabilities (capabilities(7)), by number, and why.
_NEEDED = {
    2: ("CAP_DAC_READ_SEARCH", "reads files of every owner"),
    19: ("CAP_SYS_PTRACE", "sees what processes of others run, and their mounts"),
    21: ("CAP_SYS_ADMIN", "reads overlay's marks, which are attributes named trusted.*"),
}


def lacking_rights() -> tuple[str, ...]:
    """Gives what this process may not do and must, each with the reason; empty where all is well.

    Without them a look would find less, and not say so.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    held = int(line.split()[1], 16)
    lacking = [f"{name} ({why})" for at, (name, why) in _NEEDED.items() if not held >> at & 1]
    users = Path("/proc/self/uid_map").read_text(encoding="ascii").split()
    if users != ["0", "0", str(2**32 - 1)]:
        lacking.append("the machine's own users (it is in a user namespace)")
    return tuple(lacking)
