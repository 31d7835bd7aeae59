"""Finds what differs in a container's files: its own layer against the layers of its image.

Only what the container wrote is looked at: the upper directory of its overlay. Exact all the same:
what isn't there is as the image has it.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from reconciler.agent.bounds import Bounds
from reconciler.agent.contents import Contents
from reconciler.agent.findings import Findings, Root
from reconciler.agent.layers import Attributes, Found, Merged, Place, attribute_names
from reconciler.agent.opening import open_folder
from reconciler.agent.places import Folder, Ground, Places, files_below
from reconciler.agent.states import owner_of, same, same_but_content, state_of, with_content
from reconciler.core.containers import FileDrift, FileState
from reconciler.core.drift import ChangeType
from reconciler.core.grading import SET_ID, ExpectedRule, Profile

#: Files of a directory that is gone are counted up to this.
_COUNTED = 10_000


class FileScan:
    """Looks at the files of one container.

    Args:
        root: The container's root.
        profile: What is expected, and what matters.
        bounds: How much is looked at.
        contents: Reads files.
    """

    def __init__(self, root: Root, profile: Profile, bounds: Bounds, contents: Contents) -> None:
        self._root = root
        self._profile = profile
        self._bounds = bounds
        self._contents = contents
        self._attributes = Attributes(root.prefix)
        self._lowers = tuple(Place(each, "") for each in root.lowers)
        self._found = Findings()
        self._places = Places(self._attributes)

    def look(self) -> Findings:
        """Finds every difference, as far as the bounds allow."""
        self._contents.allow()
        if self._root.upper < 0:
            return self._found  # nobody can write there
        top = Ground("", self._lowers)
        folders = [Folder("", True, self._lowers, self._lowers, 0, top)]
        while folders:
            folder = folders.pop()
            try:
                folders += self._look_into(folder)
            except FileNotFoundError:
                continue  # it went while we looked
            except OSError as error:
                self._unknown(folder.path, f"could not be looked into: {error.strerror}")
            if self._found.entries > self._bounds.entries:
                reason = f"only {self._bounds.entries} files of its own layer were looked at"
                self._found.unknown.append(reason)
                break
        if words := self._found.unlisted_words():
            self._found.unknown.append(words)
        self._found.written = self._places.written()
        return self._found

    def _look_into(self, folder: Folder) -> list[Folder]:
        inner: list[Folder] = []
        with ExitStack() as stack:
            image = stack.enter_context(Merged(folder.image, self._attributes))
            visible = image
            if folder.visible != folder.image:
                visible = stack.enter_context(Merged(folder.visible, self._attributes))
            upper = -1
            if folder.written:
                upper = open_folder(self._root.upper, folder.path)
                stack.callback(os.close, upper)
            is_empty = True
            for name, now in self._entries(upper, visible, image):
                is_empty = False
                self._found.entries += 1
                if self._found.entries > self._bounds.entries:
                    break
                path = f"{folder.path}/{name}" if folder.path else name
                try:
                    inner += self._compare(folder, path, now, image.lookup(name), visible)
                except OSError as error:
                    self._unknown(path, f"could not be read: {error.strerror}")
            # It was copied from the image to write something there, of which nothing is left;
            # where something is mounted the runtime itself may have.
            is_copy = folder.written and folder.image and folder.path
            if is_empty and is_copy and f"/{folder.path}" not in self._root.points:
                self._trace(folder)
        return inner

    def _trace(self, folder: Folder) -> None:
        """Counts a directory in which something was written that is no difference any more."""
        rule = self._profile.expecting(f"/{folder.path}/-", ChangeType.ADDED, None)
        if rule is None or rule.needed:
            self._places.add(folder.ground, files=0, expected=rule is not None)

    def _entries(
        self, upper: int, visible: Merged, image: Merged
    ) -> Iterator[tuple[str, Found | None]]:
        """Gives the names of a directory that may differ, with what is there now."""
        written: set[str] = set()
        if upper >= 0:
            with os.scandir(upper) as entries:
                for entry in entries:
                    if visible is not image:
                        written.add(entry.name)
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    gone = self._attributes.is_whiteout(upper, entry.name, status)
                    yield entry.name, None if gone else Found(status, upper, entry.name)
        if visible is image:
            return
        for name in visible.names():
            if name not in written and (shown := visible.lookup(name)) is not None:
                written.add(name)
                yield name, shown
        for name in image.names():
            if name not in written:
                yield name, None

    def _compare(
        self, folder: Folder, path: str, now: Found | None, was: Found | None, visible: Merged
    ) -> list[Folder]:
        """Tells of one file, and gives the directory to be looked into, if it is one."""
        if now is None:
            if was is not None:
                self._removed(folder, path, was)
            return []
        if not stat.S_ISDIR(now.status.st_mode):
            self._file(folder, path, now, was, visible)
            return []
        self._directory(folder, path, now, was)
        if folder.depth >= self._bounds.depth:
            self._unknown(path, f"not looked into: deeper than {self._bounds.depth} directories")
            return []
        image = was.places if was is not None else ()
        written = not now.places
        shown = self._shown(now, visible, was) if written else now.places
        if not written and shown == image:
            return []
        ground = folder.ground.inner(path, image)
        return [Folder(path, written, shown, image, folder.depth + 1, ground)]

    def _shown(self, now: Found, visible: Merged, was: Found | None) -> tuple[Place, ...]:
        """Gives the layers that show through a directory of the container's own layer."""
        if self._attributes.is_opaque(now.folder, now.name):
            return ()
        redirect = self._attributes.mark(now.folder, now.name, "redirect")
        if redirect is not None:
            below = self._redirected(os.fsdecode(redirect), visible)
            return below.places if below is not None else ()
        if not visible.places:
            return ()
        below = visible.lookup(now.name)
        return below.places if below is not None else ()

    def _redirected(self, redirect: str, visible: Merged) -> Found | None:
        """Finds what was moved: by its name in the same directory, or from the root."""
        if not redirect.startswith("/"):
            return visible.lookup(redirect)
        places, found = self._lowers, None
        for name in redirect.strip("/").split("/"):
            with Merged(places, self._attributes) as folder:
                found = folder.lookup(name)
            if found is None:
                return None
            places = found.places
        return found

    def _directory(self, folder: Folder, path: str, now: Found, was: Found | None) -> None:
        if was is None:
            if f"/{path}" in self._root.points:
                return
        elif stat.S_ISDIR(was.status.st_mode) and owner_of(now) == owner_of(was):
            return
        change = ChangeType.ADDED if was is None else ChangeType.CHANGED
        after = state_of(now)
        rule = self._profile.expecting(f"/{path}", change, after)
        if rule is not None:
            self._expect(rule, folder, 0)
            return
        self._tell(path, state_of(was) if was is not None else None, after)

    def _file(
        self, folder: Folder, path: str, now: Found, was: Found | None, visible: Merged
    ) -> None:
        is_point = f"/{path}" in self._root.points and now.status.st_size == 0
        if was is None and is_point and stat.S_ISREG(now.status.st_mode):
            return  # made so that something can be mounted there
        change = ChangeType.ADDED if was is None else ChangeType.CHANGED
        names = attribute_names(now.folder, now.name) if stat.S_ISREG(now.status.st_mode) else ()
        after = state_of(now, names)
        rule = self._profile.expecting(f"/{path}", change, after)
        if rule is not None:
            self._expect(rule, folder, now.status.st_size)
            return
        content = self._content(now, visible, names)
        before = state_of(was) if was is not None else None
        if self._is_left_out(path, before, after, content):
            return
        after = with_content(after, content, self._contents)
        if was is not None and before is not None:
            before = with_content(before, was, self._contents)
            if same(before, after):
                if after.size and not after.sha256:
                    self._unknown(path, "too long to be compared with the image's")
                self._trace(folder)
                return
        self._tell(path, before, after, text=self._text(path, was, content))

    def _is_left_out(
        self, path: str, was: FileState | None, now: FileState, content: Found | None
    ) -> bool:
        """Whether a file differs for certain and won't be listed: what it holds matters little."""
        if len(self._found.drifts) < self._bounds.files:
            return False
        if was is not None:
            size = content.status.st_size if content is not None else now.size
            if same_but_content(was, now) and was.size == size:
                return False
            if now.mode & SET_ID or now.capabilities:
                return False  # content has a say in how much it matters
        severity = self._profile.grade(f"/{path}", was, now).severity
        return not self._found.has_room(severity, self._bounds.files)

    def _text(self, path: str, was: Found | None, now: Found | None) -> str:
        """Gives the difference of two small texts, unless it may show what is secret."""
        if was is None or now is None or self._profile.untold.match(f"/{path}") is not None:
            return ""
        if not stat.S_ISREG(was.status.st_mode) or not stat.S_ISREG(now.status.st_mode):
            return ""
        before = self._contents.text(was.folder, was.name, was.status)
        after = before and self._contents.text(now.folder, now.name, now.status)
        return self._contents.difference(before, after) if before and after else ""

    def _content(self, now: Found, visible: Merged, names: Sequence[str] | None) -> Found | None:
        """Finds the content: of one that has only other rights it is still the image's."""
        if self._attributes.mark(now.folder, now.name, "metacopy", names) is None:
            return now
        redirect = self._attributes.mark(now.folder, now.name, "redirect")
        if redirect is None:
            return visible.lookup(now.name)
        return self._redirected(os.fsdecode(redirect), visible)

    def _removed(self, folder: Folder, path: str, was: Found) -> None:
        rule = self._profile.expecting(f"/{path}", ChangeType.REMOVED, None)
        if rule is not None:
            self._expect(rule, folder, was.status.st_size)
            return
        count = files_below(was.places, self._attributes, _COUNTED)
        more = "more than " if count >= _COUNTED else ""
        files = "file" if count == 1 else "files"
        note = f"with {more}{count} {files} in it" if count else ""
        self._tell(path, with_content(state_of(was), was, self._contents), None, note=note)

    def _tell(
        self,
        path: str,
        was: FileState | None,
        now: FileState | None,
        *,
        text: str = "",
        note: str = "",
    ) -> None:
        change = ChangeType.CHANGED
        if was is None or now is None:
            change = ChangeType.ADDED if was is None else ChangeType.REMOVED
        grade = self._profile.grade(f"/{path}", was, now)
        drift = FileDrift(f"/{path}", change, grade.severity, grade.why, was, now, text, note)
        drift = self._profile.withholding(drift)
        self._found.tell(drift, self._bounds.files)

    def _expect(self, rule: ExpectedRule, folder: Folder, size: int) -> None:
        self._found.expected[rule] += 1
        self._found.sizes[rule] += size
        if rule.needed:
            self._places.add(folder.ground, files=1, expected=True)

    def _unknown(self, path: str, why: str) -> None:
        if len(self._found.unknown) < 100:
            self._found.unknown.append(f"/{path}: {why}")
