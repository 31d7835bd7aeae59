"""Image names, as far as the pull policy's default depends on them."""

import re
from functools import lru_cache

# github.com/distribution/reference/regexp.go, whose names these are.
_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[(?:[a-fA-F0-9:]+)\])"
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_HOST}(?::[0-9]+)?/)?{_PATH_PART}(?:/{_PATH_PART})*"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?\Z"
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}\Z")


@lru_cache(maxsize=4096)
def pull_policy(image: str) -> str:
    """Gives the pull policy that the server fills in: `Always` for `latest`, given or implied.

    pkg/apis/core/v1/defaults.go, SetDefaults_Container, and pkg/util/parsers, ParseImageName: a
    name that can't be parsed has no tag.
    """
    first, slash, rest = image.partition("/")
    is_domain = bool(slash) and (
        first == "localhost" or "." in first or ":" in first or first.lower() != first
    )
    remote = (rest if is_domain else image).partition(":")[0]
    full = image if is_domain else f"docker.io/{image}"
    found = _REFERENCE.match(full)
    if found is None or _IDENTIFIER.match(image) or remote.lower() != remote:
        return "IfNotPresent"
    latest = found["tag"] == "latest" or (found["tag"] is None and found["digest"] is None)
    return "Always" if latest else "IfNotPresent"
