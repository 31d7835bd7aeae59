"""Fixes of manifests: of images, of what an audit found, and of what somebody hostile made."""

from collections.abc import Mapping

from reconciler.core.desired import SourceLocation
from reconciler.core.fixes import Fix, Fixed, Fixing, Purpose, Unfixed
from reconciler.core.path import Item, Path
from reconciler.core.resource import ResourceKey
from tests.unit.render.adopting import REVISION

WEB = ResourceKey("apps", "Deployment", "shop", "web")
SOURCE = SourceLocation("apps/web.yaml", 1)
APP: Path = ("spec", "template", "spec", "containers", Item((("name", "app"),)))
DIGEST = f"sha256:{'a' * 64}"
_TEXT = "image: web:1.2.0   # pinned\npassword: hunter2\n"

IMAGE = Fix(
    key=WEB,
    source=SOURCE,
    container="app",
    path=(*APP, "image"),
    value=f"web:1.3.0@{DIGEST}",
    rule="newer",
    reason="1.3.0 is newer (minor)",
    before="web:1.2.0",
    age="41 days",
)
DROP = Fix(
    key=WEB,
    source=SOURCE,
    container="app",
    path=(*APP, "securityContext", "capabilities", "drop"),
    value=["ALL"],
    rule="capabilities-kept",
    reason="it keeps capabilities, such as NET_RAW, that most programs never use",
    before="not set",
    caution="a root program may need one",
)
TOKEN = Fix(
    key=WEB,
    source=SOURCE,
    container="",
    path=("spec", "template", "spec", "automountServiceAccountToken"),
    value=False,
    rule="token-mounted",
    reason="whoever gets in finds a token for the API server",
    before="not set",
)
_EVIL = "x|`@jane`\x1b[31m #1 [a](https://evil.example) <img src=x>"
HOSTILE = Fix(
    key=WEB._replace(name=_EVIL),
    source=SOURCE,
    container=_EVIL,
    path=(*APP, "image"),
    value=_EVIL,
    rule="newer",
    reason=_EVIL,
    before=_EVIL,
)
LEFT = Unfixed(WEB, "side", "newer", "the template decides, and no value was found that does")

FIXINGS: Mapping[str, Fixing] = {
    "images": Fixing(
        Purpose.IMAGES,
        "shop",
        REVISION,
        files={"apps/web.yaml": _TEXT.replace("1.2.0", f"1.3.0@{DIGEST}")},
        before={"apps/web.yaml": _TEXT},
        fixed=(Fixed(IMAGE, ("apps/web.yaml",)),),
        left=(LEFT,),
        others={"old": 2},
        secrets=frozenset({"hunter2"}),
    ),
    "hardened": Fixing(
        Purpose.HARDEN,
        "shop",
        REVISION,
        files={"apps/web.yaml": "automountServiceAccountToken: false\n"},
        before={"apps/web.yaml": ""},
        fixed=(Fixed(DROP, ("apps/web.yaml",)), Fixed(TOKEN, ("apps/web.yaml",))),
        left=(Unfixed(WEB, "", "token-mounted", "its service account has rights"),),
        others={"run-as-root": 1},
    ),
    "hostile": Fixing(
        Purpose.IMAGES,
        f"shop {_EVIL}",
        REVISION,
        files={"a.yaml": "a: 1\n"},
        before={"a.yaml": "a: 0\n"},
        fixed=(Fixed(HOSTILE, ("a.yaml",)),),
        left=(Unfixed(HOSTILE.key, _EVIL, "newer", _EVIL),),
        others={},
    ),
    "nothing": Fixing(Purpose.HARDEN, "shop", REVISION, {}, {}, (), (), {}),
}
