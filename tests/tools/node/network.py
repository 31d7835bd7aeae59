"""A node's place in the network: a namespace, joined to this machine by a pair of devices."""

import fcntl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_NODES = 200


@dataclass(frozen=True, slots=True)
class Network:
    """The names and addresses of one node; the number keeps nodes apart.

    Attributes:
        number: Which of the nodes on this machine, from 0.
    """

    number: int

    @property
    def name(self) -> str:
        """The namespace's name, while it has one."""
        return f"plumbline-node-{self.number}"

    @property
    def machine(self) -> str:
        """This machine's address, as the node and its pods reach it."""
        return f"10.123.{self.number}.1"

    @property
    def node(self) -> str:
        """The node's address."""
        return f"10.123.{self.number}.2"

    @property
    def pods(self) -> str:
        """The addresses of its pods."""
        return f"10.245.{self.number}.0/24"

    @property
    def _device(self) -> str:
        return f"plumb{self.number}"

    def create(self) -> None:
        """Makes the namespace and the devices; what a killed run has left goes first.

        Raises:
            subprocess.CalledProcessError: We may not, or the kernel can't.
        """
        self.remove()
        self._ip("netns", "add", self.name)
        self._ip("link", "add", self._device, "type", "veth", "peer", "eth0", "netns", self.name)
        self._ip("address", "add", f"{self.machine}/24", "dev", self._device)
        self._ip("link", "set", self._device, "up")
        inside = ("-netns", self.name)
        self._ip(*inside, "link", "set", "lo", "up")
        self._ip(*inside, "address", "add", f"{self.node}/24", "dev", "eth0")
        self._ip(*inside, "link", "set", "eth0", "up")
        self._ip(*inside, "route", "add", "default", "via", self.machine)
        self._ip("route", "add", self.pods, "via", self.node)

    def unpin(self) -> None:
        """Has the namespace go with the last process in it, and the devices with it."""
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)

    def remove(self) -> None:
        """Removes it; does nothing if it isn't there."""
        self.unpin()
        subprocess.run(["ip", "link", "delete", self._device], check=False, capture_output=True)

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """A number that no other run on this machine has.

    Attributes:
        network: What the number stands for.
    """

    network: Network
    _held: IO[str]

    @classmethod
    def take(cls) -> "Claim":
        """Takes the first number that is free.

        Raises:
            RuntimeError: There is none.
        """
        for number in range(_NODES):
            path = Path(tempfile.gettempdir(), f"plumbline-node-{number}.lock")
            held = path.open("w")
            try:
                # The kernel gives it back when its holder dies.
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.close()
                continue
            return cls(Network(number), held)
        raise RuntimeError(f"{_NODES} nodes run on this machine already")

    def give_back(self) -> None:
        """Lets others have it."""
        self._held.close()
