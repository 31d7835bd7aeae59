"""The image's lock names the very packages that the tests ran with."""

import re
import tomllib

from tests.tools.documents import ROOT

_PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def pinned(path: str) -> dict[str, str]:
    return dict(_PINNED.findall((ROOT / path).read_text(encoding="utf-8")))


def test_the_image_has_what_was_tested() -> None:
    tested, image = pinned("requirements.lock"), pinned("deploy/requirements.lock")
    assert image
    assert {name: tested.get(name) for name in image} == image


def test_the_image_has_all_that_the_program_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(each for extra in extras for each in extra)]
    names = {re.match(r"[A-Za-z0-9._-]+", each)[0].lower() for each in wanted}  # type: ignore[index]
    assert names <= set(pinned("deploy/requirements.lock"))
