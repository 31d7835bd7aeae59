"""A drift adopted because somebody asked for it, in a real Gitea beside a real cluster."""

import json

import pytest

from reconciler.adopter import Adopter
from reconciler.bootstrap import How, open_target
from reconciler.controller import Look, check
from reconciler.core.drift import Drift
from reconciler.core.words import Hearing
from reconciler.settings import load_settings
from tests.integration.test_adopt_real import Office
from tests.integration.test_adopt_real import office as office  # the fixture

pytestmark = pytest.mark.xdist_group("gitea")


def ask(office: Office, name: str) -> Hearing:
    """Asks as a button does: for one drift, found by a look of the same moment."""
    flags = {
        "cluster": {"kubeconfig": str(office.target.plane.kubeconfig)},
        "cache_dir": str(office.home / "cache"),
        "state_dir": str(office.home / "state"),
    }
    settings = load_settings(str(office.home / "plumbline.yaml"), flags, {})
    (target,) = settings.targets
    with open_target(settings, target, How()) as opened:
        look = check(opened.target)
        return Adopter(settings, target, opened).adopt(look, drift_of(look, name))


def drift_of(look: Look, name: str) -> Drift:
    return next(each for each in look.report.drifts if each.key.name == name)


def test_each_drift_that_is_asked_for_joins_the_one_request(office: Office) -> None:
    office.patch("configmap/settings", {"data": {"colour": "red"}})
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    office.patch("role/reader", {"rules": rules}, "merge")
    heard = ask(office, "settings")
    (pull,) = office.pulls()
    assert heard == Hearing(True, f"Merge {pull['html_url']} to have Git say what is live")
    assert "reader" not in pull["body"]
    assert ask(office, "reader").heeded
    (pull,) = office.pulls()
    assert all(name in pull["body"] for name in ("settings", "reader"))
    office.await_mergeable(pull["number"], wanted=True)
    office.merge(pull["number"])
    assert office.run("check").code == 0


def test_what_cannot_be_adopted_is_said_to_who_asked(office: Office) -> None:
    office.patch("configmap/settings", {"data": {"password": "hunter2"}})
    heard = ask(office, "settings")
    assert not heard.heeded
    assert "Not data.password: its value is a secret" in heard.text
    assert "hunter2" not in json.dumps(heard.text)
    assert office.pulls() == []
