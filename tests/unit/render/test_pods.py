"""What drifted in pods, under what declares them."""

from dataclasses import replace

from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.resource import ResourceKey
from reconciler.render.findings import drift_lines
from reconciler.render.in_pods import by_object, worst_of
from reconciler.render.pod_text import pod_lines
from reconciler.render.pod_words import pod_title, seen_lines, seen_title
from reconciler.render.terminal import Style, painted
from reconciler.render.text import report_text
from tests.unit.render.cases import DRIFTS, NOW, REPORTS
from tests.unit.render.pods import CONF, EVIL, POD, PROCESS, SESSION, SPEC, STORE, WEB, seen

STYLE = Style(colour=False, width=100)


def shown(*pod: Drift, style: Style = STYLE) -> str:
    return painted(pod_lines(pod, style, NOW), style)


def test_pods_stand_under_what_declares_them() -> None:
    other = ResourceKey("", "Pod", "shop", "store-0")
    of_store, of_web = seen(EVIL, other, STORE), seen(EVIL)
    web = DRIFTS[0]
    assert web.key == WEB
    assert list(by_object([of_web, of_store, SPEC, web, DRIFTS[1]])) == [
        (web, ((of_web, SPEC),)),
        (None, ((of_store,),)),
        (DRIFTS[1], ()),
    ]


def test_an_object_of_two_drifts_is_told_twice() -> None:
    web = DRIFTS[0]
    twice = replace(web, id="d-2")
    assert list(by_object([web, twice, seen(EVIL)])) == [(web, ((seen(EVIL),),)), (twice, ())]


def test_a_pod_is_as_bad_as_the_worst_in_it() -> None:
    assert worst_of((seen(CONF), seen(EVIL))) is Severity.HIGH


def test_many_drifts_of_a_container_are_cut_short() -> None:
    many = [seen(replace(CONF, path=f"/etc/{number:02}")) for number in range(25)]
    assert "… (5 more: --full or -o json shows all)" in shown(*many)
    assert "more" not in shown(*many, style=replace(STYLE, full=True)).replace("more lines", "")


def test_what_has_no_field_is_told_by_its_state() -> None:
    image = replace(SPEC, type=DriftType.IMAGE, changes=(), note="the tag moved")
    assert "    it has a stale image; the tag moved\n" in shown(image)
    assert "it has a stale image\n" in shown(replace(image, note=""))


def test_a_container_that_isnt_known_is_left_unnamed() -> None:
    drift = replace(seen(EVIL), container=None)
    assert "in the container\n" in shown(drift)
    assert next(iter(seen_lines(drift, NOW))).startswith("high")
    assert list(seen_lines(replace(SPEC, note=""), NOW)) == []


def test_a_pod_without_a_time_has_none() -> None:
    assert "first seen" not in shown(replace(seen(EVIL), first_seen=""))
    assert "first seen 1 minute ago" in shown(seen(EVIL))


def test_titles_say_what_was_seen() -> None:
    assert seen_title(seen(EVIL)) == "added file web:/usr/bin/evil of Deployment shop/web"
    assert seen_title(seen(PROCESS, owner=None)) == (
        "runs what its image doesn't hold: web:/usr/bin/evil"
    )
    assert pod_title((seen(EVIL),)) == f"{POD} of Deployment shop/web — 1 drift, high"
    assert pod_title((seen(CONF, owner=None), seen(SESSION))) == f"{POD} — 2 drifts, medium"


def test_a_finding_tells_all_of_it() -> None:
    lines = list(drift_lines(seen(PROCESS), NOW))
    assert lines[0].startswith(f"in shop/{POD.name}/web, image shop/web:1 sha256:")
    assert "$ evil --password" in "\n".join(lines)
    bare = replace(seen(EVIL), container=None, note="why")
    assert next(iter(drift_lines(bare, NOW))) == "why"


def test_a_directory_is_left_out_where_what_is_in_it_is_told() -> None:
    folder = replace(EVIL, path="/usr", severity=Severity.LOW)
    assert "added /usr ·" not in shown(seen(EVIL), seen(folder))
    assert "added /usr ·" in shown(seen(EVIL), seen(folder), style=replace(STYLE, full=True))


def test_what_makes_pods_is_named_with_its_file_where_that_is_known() -> None:
    report = replace(REPORTS["pods"], drifts=(seen(EVIL),))
    named = report_text(report, STYLE, NOW).splitlines()[0]
    assert named.startswith(f"✗ {WEB}")
    assert named.endswith("apps/web.yaml:12")
    unknown = replace(report, drifts=(replace(seen(EVIL), source=None),))
    assert report_text(unknown, STYLE, NOW).splitlines()[0].endswith("drifted in its pods")
