"""What was learned is remembered beside the profiles."""

import pytest

from reconciler.core.errors import ConfigError
from reconciler.core.learned import Window, windows_of
from reconciler.core.learning import Evidence, LeftOut
from reconciler.core.profiles import Profiles
from reconciler.render.profile_documents import profiles_document

WINDOW = Window(
    "vm",
    "2026-11-25T12:00:00Z",
    "2026-11-25T13:00:00Z",
    (Evidence("web", ("shop/web/app",), 3, 1),),
    (LeftOut("web", "/opt/x", "executable"),),
    ("shop/web/app: not read",),
)


def test_it_comes_back_as_it_was() -> None:
    assert windows_of(profiles_document(Profiles(), [WINDOW])) == (WINDOW,)
    assert windows_of(profiles_document(Profiles())) == ()
    assert len(profiles_document(Profiles(), [WINDOW] * 60)["learned"]) == 50


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"learned": {}}, "learned: a list is wanted"),
        ({"learned": [{}]}, r"learned\[0\]\.node: it is missing"),
    ],
)
def test_what_is_wrong_is_named(document: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        windows_of(document)
