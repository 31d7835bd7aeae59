"""Where a container listens, by its network's tables and its processes' descriptors (proc(5))."""

import ipaddress
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from reconciler.agent.processes import Process, ProcessTable
from reconciler.core.containers import Listener

_TABLES = {"tcp": "TCP", "tcp6": "TCP", "udp": "UDP", "udp6": "UDP"}
#: Socket states (include/net/tcp_states.h): a TCP socket that waits for others, a UDP one that is
#: bound and talks to nobody in particular.
_WAITING = {"TCP": "0A", "UDP": "07"}
#: From here on the kernel picks ports for clients (ip_local_port_range): a UDP client looks like a
#: server, but for its port.
_CLIENTS = 32768
_LIMIT = 8 << 20
_DESCRIPTORS = 4096


def listeners(table: ProcessTable, processes: Sequence[Process]) -> tuple[Listener, ...]:
    """Gives where processes listen, each socket once, by the process with the lowest number.

    Args:
        table: Reads processes.
        processes: Those of one container.
    """
    found: dict[tuple[str, str, int], Listener] = {}
    tables: dict[str, Mapping[str, tuple[str, str, int]]] = {}
    for process in sorted(processes, key=lambda each: each.pid):
        held = tuple(_sockets(table, process.pid))
        if not held:
            continue
        space = table.link(process.pid, "ns/net")
        if space not in tables:
            tables[space] = dict(_waiting(table, process.pid))
        for inode in held:
            if (place := tables[space].get(inode)) is not None:
                found.setdefault(place, Listener(*place, process.pid))
    return tuple(found[place] for place in sorted(found))


def _sockets(table: ProcessTable, pid: int) -> Iterator[str]:
    """Gives the numbers of a process's sockets."""
    with suppress(OSError), os.scandir(table.path(pid, "fd")) as entries:
        for count, entry in enumerate(entries):
            if count >= _DESCRIPTORS:
                return
            link = table.link(pid, f"fd/{entry.name}")
            if link.startswith("socket:["):
                yield link[8:-1]


def _waiting(table: ProcessTable, pid: int) -> Iterator[tuple[str, tuple[str, str, int]]]:
    """Gives the sockets of a network that wait for others, by number."""
    for name, protocol in _TABLES.items():
        for line in table.text(pid, f"net/{name}", _LIMIT).splitlines()[1:]:
            fields = line.split()
            if len(fields) < 10 or fields[3] != _WAITING[protocol]:
                continue
            address, _, port = fields[1].partition(":")
            number = int(port, 16)
            if protocol == "TCP" or number < _CLIENTS:
                yield fields[9], (protocol, _address(address), number)


def _address(text: str) -> str:
    """Reads an address: words of 32 bits in hex, each in the machine's order."""
    held = bytes.fromhex(text)
    if sys.byteorder == "little":
        words = (held[at : at + 4][::-1] for at in range(0, len(held), 4))
        held = b"".join(words)
    return str(ipaddress.ip_address(held))
