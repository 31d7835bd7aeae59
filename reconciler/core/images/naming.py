"""Names of images, as manifests and container runtimes write them."""

import re
from dataclasses import dataclass, replace
from typing import Final

#: Where a name without a host is from, and the folder of one without a folder there
#: (github.com/distribution/reference: normalize.go).
DEFAULT_HOST: Final = "docker.io"
_DEFAULT_FOLDER: Final = "library"
_DEFAULT_TAG: Final = "latest"

# github.com/distribution/reference/regexp.go, whose names these are.
_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(
    rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?\Z"
)
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PATH_PART}(?:/{_PATH_PART})*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
#: The two algorithms that the OCI image specification registers, with as many digits as they have.
_DIGEST = re.compile(r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\Z")
#: distribution/reference: NameTotalLengthMax.
_LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's full name.

    Attributes:
        host: The registry, with its port, if any: `registry.example:5000`, `docker.io`.
        path: The repository there, such as `library/nginx`.
        tag: Such as `1.27`; empty where only a digest is given.
        digest: Such as `sha256:…`; empty where none is given.
        implied: Whether the tag was left out, and is `latest` for that.
    """

    host: str
    path: str
    tag: str = ""
    digest: str = ""
    implied: bool = False

    @property
    def repository(self) -> str:
        """The name without tag and digest."""
        return f"{self.host}/{self.path}"

    @property
    def reference(self) -> str:
        """What a registry is asked for: the digest, where there is one, as a node does."""
        return self.digest or self.tag

    def at(self, reference: str) -> "ImageName":
        """Gives the image of the same repository that a tag or a digest names."""
        if is_digest(reference):
            return ImageName(self.host, self.path, digest=reference)
        return replace(self, tag=reference, digest="", implied=False)

    def __str__(self) -> str:
        """Writes it as people do: without what Docker Hub's names leave out."""
        path = self.path
        if self.host == DEFAULT_HOST:
            name = path.removeprefix(f"{_DEFAULT_FOLDER}/")
        else:
            name = f"{self.host}/{path}"
        tag = f":{self.tag}" if self.tag and not self.implied else ""
        return f"{name}{tag}" + (f"@{self.digest}" if self.digest else "")


def renamed(text: str, name: ImageName) -> str:
    """Writes an image's name as a text has it, with another one's tag and digest.

    Args:
        text: The name as declared: `docker.io/library/nginx:1` stays that long.
        name: Whose tag and digest are wanted.
    """
    rest = text.partition("@")[0]
    host, slash, last = rest.rpartition("/")
    tag = f":{name.tag}" if name.tag and not name.implied else ""
    digest = f"@{name.digest}" if name.digest else ""
    return f"{host}{slash}{last.partition(':')[0]}{tag}{digest}"


def is_digest(text: str) -> bool:
    """Whether a text is a digest that a registry could give."""
    return _DIGEST.match(text) is not None


def image_name(text: str) -> ImageName | None:
    """Reads an image's name as a node does; None where it is none."""
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        return None
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        name, tag = rest, ""
    elif not _TAG.match(tag):
        return None
    host, path = _place(name)
    if not _HOST.match(host) or not _PATH.match(path) or len(host) + len(path) >= _LONGEST:
        return None
    implied = not tag and not digest
    return ImageName(host, path, _DEFAULT_TAG if implied else tag, digest, implied)


def _place(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    # A first part that could be no folder of Docker Hub's is a host.
    is_host = first == "localhost" or "." in first or ":" in first or first.lower() != first
    if not slash or not is_host:
        return DEFAULT_HOST, name if slash else f"{_DEFAULT_FOLDER}/{name}"
    if first in ("index.docker.io", "registry-1.docker.io"):
        first = DEFAULT_HOST
    if first == DEFAULT_HOST and "/" not in rest:
        rest = f"{_DEFAULT_FOLDER}/{rest}"
    return first, rest


@dataclass(frozen=True, slots=True)
class RunningId:
    """What a container runtime says that it runs (`containerStatuses[].imageID`).

    Attributes:
        digest: A digest; empty where it says nothing that can be read.
        repository: Where the runtime pulled it from; empty where it doesn't say, and then the
            digest is that of the image's configuration, such as of an image that was loaded.
    """

    digest: str = ""
    repository: str = ""


def running_id(text: str) -> RunningId:
    """Reads an `imageID`: `HOST/PATH@DIGEST`, with or without a runtime's own prefix, or a digest.

    k8s.io/kubernetes: pkg/kubelet/kuberuntime, where `docker-pullable://` and `docker://` were the
    prefixes of Docker; containerd and CRI-O write none.
    """
    text = text.rpartition("://")[2]
    if is_digest(text):
        return RunningId(text)
    name = image_name(text)
    if name is None or not name.digest:
        return RunningId()
    return RunningId(name.digest, name.repository)


def short_digest(digest: str) -> str:
    """Shortens a digest for people: `sha256:4f0c12ab34cd`."""
    kind, colon, digits = digest.partition(":")
    return f"{kind}{colon}{digits[:12]}"
