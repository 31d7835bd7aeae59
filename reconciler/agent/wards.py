"""The containers in which executions are asked about: found, marked, and told apart."""

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from time import monotonic
from typing import Final

from reconciler.agent.arrivals import Runtime
from reconciler.agent.census import Census
from reconciler.agent.cgroups import memberships
from reconciler.agent.comparing import Comparison
from reconciler.agent.containers import (
    Container,
    coming_container,
    containers_of,
    unsupported,
)
from reconciler.agent.covering import Cover, Marking
from reconciler.agent.executable_mounts import mount_number
from reconciler.agent.mounts import Mount, mount_at
from reconciler.agent.opening import opened_in
from reconciler.agent.processes import Process, ProcessTable
from reconciler.agent.roots import open_root, opened
from reconciler.agent.warded import UnseenError, Ward
from reconciler.core.enforcing import EnforcementRule, Mode, ruled

#: So often a container is looked for at once that only a control group's name tells of; then every
#: so many rounds.
_TRIES: Final = 8
_RARELY: Final = 50
#: Seconds within which a container that is about to start has a process.
_COMING: Final = 10.0
#: Of a process's control groups so much is read.
_GROUPS: Final = 1 << 16
#: Every so many rounds all processes are asked for their mount namespace, else those that came.
_ALL: Final = 5


class Wards:
    """Knows the containers that a rule matches.

    Args:
        gate: Marks them.
        table: Reads processes.
        node: The machine's name.
        rules: Gives the rules, as they are by now.
        labels: Gives what is known of pods' labels, by the pod's uid.
    """

    def __init__(
        self,
        gate: Marking,
        table: ProcessTable,
        node: str,
        rules: Callable[[], Sequence[EnforcementRule]],
        labels: Callable[[], Mapping[str, Mapping[str, str]]],
    ) -> None:
        self._gate = gate
        self._table = table
        self._node = node
        self._rules = rules
        self._labels = labels
        self._census = Census(table)
        self._seen: dict[str, Container] = {}
        self._rounds = 0
        self._tries: Counter[str] = Counter()
        self._wards: dict[str, Ward] = {}
        self._closing: list[ExitStack] = []
        me = table.process(os.getpid())
        self._own = frozenset(each.container_id for each in me.members) if me is not None else ()
        self._foreseen: dict[str, float] = {}
        self._lock = threading.Lock()
        #: What isn't enforced though a rule matches, by container: why.
        self.unenforced: dict[str, str] = {}
        self.doubts: dict[str, str] = {}

    @property
    def count(self) -> int:
        """In how many containers executions are asked about."""
        return sum(ward.rule is not None for ward in self._wards.values())

    def renew(self) -> None:
        """Takes in what came, changed and ended since; reads only what is new.

        Raises:
            OSError: Processes can't be listed.
        """
        with self._lock:
            self._renew()

    def runtimes(self) -> frozenset[Runtime]:
        """Gives where the runtimes of known containers keep their bundles."""
        found: dict[str, Runtime] = {}
        for container in tuple(self._seen.values()):
            folder, _, name = self._table.link(container.watcher, "cwd").rpartition("/")
            # The shim's own is in a bundle: this one's, or that of another container of the pod.
            if len(name) == len(container.ref.container_id):
                space = self._table.link(container.watcher, "ns/mnt")
                found[f"{space} {folder}"] = (container.watcher, folder)
        return frozenset(found.values())

    def foresee(self, runtime: Runtime, container_id: str) -> bool:
        """Takes in a container that is about to start.

        Args:
            runtime: A process that sees what the runtime sees, and the folder of the bundles.
            container_id: The container's.

        Returns:
            Whether that is done: not before its root is mounted.
        """
        with self._lock:
            if container_id in self._seen:
                return True
            container = None
            for each in (runtime, *self.runtimes()):  # the first may have ended since
                if each[1] == runtime[1] and container is None:
                    with suppress(OSError):
                        container = coming_container(self._table, self._node, each, container_id)
            if container is None:
                return False
            self._foreseen[container_id] = monotonic() + _COMING
            rule = ruled(
                self._rules(), container.ref.namespace, self._labels().get(container.ref.pod_uid)
            ).rule
            if rule is not None and rule.mode is not Mode.OFF:
                self._enclose(container, rule)
            return True

    def _renew(self) -> None:
        for stack in self._closing:
            stack.close()  # whoever compared when it ended has had time since
        self._closing = []
        news = self._census.renew()
        ids = self._census.container_ids()
        self._rounds += 1
        patience = _TRIES
        if self._rounds % _RARELY == 0:
            patience = self._rounds
            self._seen = {name: each for name, each in self._seen.items() if each.certain}
        if any(self._tries[each] < patience for each in ids - self._seen.keys()):
            self._discover(ids)
        now = monotonic()
        self._foreseen = {
            each: until
            for each, until in self._foreseen.items()
            if until > now and each not in self._seen
        }
        for gone in (self._seen.keys() | self._wards.keys()) - ids - self._foreseen.keys():
            self._seen.pop(gone, None)
            self._forget(gone)
        for gone in self._tries.keys() - ids:
            del self._tries[gone]
        self._rule()
        self._cover(news)

    def _cover(self, news: Iterable[Process]) -> None:
        """Has what is mounted marked, in the mount namespaces of what came, too."""
        come = {each.pid: each for each in news}
        if self._rounds % _ALL == 0:
            come = self._census.known
        members: dict[str, list[int]] = defaultdict(list)
        for process in come.values():
            for each in process.members:
                members[each.container_id].append(process.pid)
        for container_id, ward in self._wards.items():
            # Nothing came that could have mounted something.
            if ward.cover.mounts and come is not self._census.known and container_id not in members:
                continue
            if not ward.cover.renew(ward.container, members[container_id]):
                # It wasn't the container's first, or its parent was only to start it; or it ends.
                self._seen.pop(container_id, None)

    def _discover(self, ids: set[str]) -> None:
        self._table.renew()
        self._census.read_anew(ids - self._seen.keys())
        found, _ = containers_of(self._table, self._node, self._census.known)
        for container in found:
            container_id = container.ref.container_id
            # What the runtime says of it may be to be had a moment later.
            if container.certain or self._tries[container_id] + 1 >= _TRIES:
                self._seen[container_id] = container
            if container.certain and container_id in self._wards:
                self._wards[container_id].container = container
        # Where containers are in a container, only the innermost is found by its processes.
        self._tries.update(ids - self._seen.keys())

    def _rule(self) -> None:
        rules, labels = self._rules(), self._labels()
        for container_id, container in self._seen.items():
            if container_id in self._own:
                continue
            ref = container.ref
            answer = ruled(rules, ref.namespace, labels.get(ref.pod_uid))
            self._note(self.doubts, container_id, answer.doubt)
            rule = answer.rule if answer.rule and answer.rule.mode is not Mode.OFF else None
            ward = self._wards.get(container_id)
            if ward is not None:
                ward.rule = rule
            elif rule is not None:
                self._enclose(container, rule)

    def _enclose(self, container: Container, rule: EnforcementRule) -> None:
        container_id = container.ref.container_id
        why = unsupported(container) or self._foreign(container)
        if not why and container.root is not None:
            stack = ExitStack()
            try:
                top = opened(stack, self._table.path(container.watcher, "root"))
                root = open_root(stack, self._table, container, top)
                self._mark_root(container, container.root)
            except OSError as error:
                stack.close()
                why = f"it can't be watched: {error.strerror}"
            else:
                comparison = Comparison(root)
                cover = Cover(self._gate, self._table, container.root)
                ward = Ward(container, rule, container.root, comparison, stack, cover)
                self._wards[container_id] = ward
        self._note(self.unenforced, container_id, why)

    def _foreign(self, container: Container) -> str:
        """Says why a container's root may be the machine's own; empty where it can't be."""
        if not container.certain:
            return "the runtime's files don't say what its root is"
        machine = mount_at(self._table.shared_mounts(container.watcher), "/")
        root = container.root
        if root is None or machine is None or root.device == machine.device:
            return "its root is the machine's own"
        return ""

    def _mark_root(self, container: Container, root: Mount) -> None:
        """Marks the overlay as the runtime mounted it: nothing in the container can change that."""
        with opened_in(self._table.path(container.watcher, "root"), root.point) as handle:
            if mount_number(handle) != root.number:
                raise OSError(116, "its root isn't where it was mounted")
            self._gate.mark_filesystem(f"/proc/self/fd/{handle}")

    def _forget(self, container_id: str) -> None:
        """Lets go of a container that ended; its marks went with its mounts."""
        self.unenforced.pop(container_id, None)
        self.doubts.pop(container_id, None)
        ward = self._wards.pop(container_id, None)
        if ward is not None:
            ward.is_open = False
            self._closing.append(ward.stack)

    def _note(self, notes: dict[str, str], container_id: str, why: str) -> None:
        if why:
            notes[container_id] = why
        else:
            notes.pop(container_id, None)

    def place(self, handle: int, pid: int) -> tuple[Ward, Mount | None] | None:
        """Says in which container, and on which of its mounts, a file is.

        Args:
            handle: The file.
            pid: Of who executes it.

        Returns:
            None for no container that is asked about; no mount where none of the container's, and
            none of who executes it, holds the file.

        Raises:
            UnseenError: Its container is too new to be known.
            OSError: It can't be told.
        """
        number = mount_number(handle)
        ids = [each.container_id for each in memberships(self._table.text(pid, "cgroup", _GROUPS))]
        ward = next((found for each in ids if (found := self._wards.get(each)) is not None), None)
        if ward is not None and (held := ward.cover.mounts.get(number)) is not None:
            return ward, held
        # Somebody from outside, or a mount that was made since, perhaps in a namespace of its own.
        mounts = self._table.mounts(pid)
        mount = next((each for each in mounts if each.number == number), None)
        if mount is None:
            return (ward, None) if ward is not None else None
        for each in tuple(self._wards.values()):
            if each.root.device == mount.device:
                return each, mount
        if ward is None and ids and not any(each in self._seen for each in ids):
            raise UnseenError
        return (ward, mount) if ward is not None else None

    def close(self) -> None:
        """Closes what it holds open."""
        for ward in self._wards.values():
            ward.stack.close()
        for stack in self._closing:
            stack.close()
