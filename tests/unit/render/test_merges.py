"""What merging would do, as people read it."""

import re
from dataclasses import replace

from reconciler.core.drift import Change, ChangeType
from reconciler.core.merge import Effect, Merge, MergeEffect
from reconciler.core.resource import ResourceKey
from reconciler.render.markdown import LIMIT
from reconciler.render.merges import merge_markdown, merge_text, merge_words
from reconciler.render.terminal import Style
from tests.unit.render.cases import DRIFTED, DRIFTS, EDIT, HEAD, HOSTILE, MERGING, NOW, REVISION
from tests.unit.render.test_markdown import outside_of_code, size


def test_the_worst_comes_first() -> None:
    assert MERGING.merge is not None
    text = merge_text(MERGING, MERGING.merge, Style(colour=False, width=0), NOW)
    assert text.startswith("✗ Deployment shop/web")
    order = [
        text.index(each)
        for each in ("overwrites what", "is unknown", "changes it", "declares what is live")
    ]
    assert order == sorted(order)
    assert "- spec.template.spec.containers[name=evil]" in text
    assert "~ spec.replicas 5 → 2 edited live by kubectl through scale" in " ".join(text.split())


def test_in_one_line() -> None:
    assert MERGING.merge is not None
    assert merge_words(MERGING.merge) == (
        "merging 4f0c12a..a1b2c3d changes 3 live objects, overwrites live drift of 3 objects, "
        "declares the drift of 1, leaves that of 1, and of 1 it is unknown"
    )
    assert merge_words(Merge("a" * 40, "b" * 40)) == (
        "merging aaaaaaa..bbbbbbb changes 0 live objects, overwrites no live drift"
    )


def test_nothing_from_a_cluster_is_read_as_markup() -> None:
    effects = tuple(MergeEffect(effect, drift) for effect in Effect for drift in HOSTILE.drifts)
    merge = Merge(HOSTILE.revision, HOSTILE.revision, effects)
    text = merge_markdown(replace(HOSTILE, merge=merge), merge, NOW)
    rest = outside_of_code(re.sub("(?m)^  ", "", text))
    for hostile in ("script", "@everyone", "javascript", "#1", "evil.example", "owned"):
        assert hostile not in rest


def test_a_long_comment_is_cut_between_objects_and_says_so() -> None:
    change = Change(("data", "x"), ChangeType.CHANGED, "a" * 900, "🚀" * 900, EDIT)
    drifts = [
        replace(
            DRIFTS[3],
            key=ResourceKey("", "ConfigMap", "shop", f"{'c' * 200}{n}"),
            changes=(change,) * 25,
            note="n" * 5_000,
        )
        for n in range(60)
    ]
    effects = tuple(MergeEffect(Effect.OVERWRITE, drift) for drift in drifts)
    merge = Merge(REVISION, HEAD, effects)
    text = merge_markdown(DRIFTED, merge, NOW)
    assert size(text) <= LIMIT
    left = re.search(r"\*\*(\d+) effects more, left out", text)
    assert left is not None
    assert int(left[1]) == 60 - text.count("```diff")
    assert "5 more changes" in text


def test_one_object_takes_no_more_than_its_part() -> None:
    change = Change(("data", "x" * 500), ChangeType.ADDED, None, "a" * 900, EDIT)
    drift = replace(DRIFTS[3], changes=(change,) * 50, note="n" * 20_000)
    merge = Merge(REVISION, HEAD, (MergeEffect(Effect.KEEP, drift),))
    text = merge_markdown(DRIFTED, merge, NOW)
    assert "  # …\n" in text
    assert size(text) < 20_000
