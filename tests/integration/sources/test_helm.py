"""Charts, rendered by the real helm."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.sources.rendering import RenderChoice
from reconciler.adapters.sources.source import GitSource
from reconciler.core.errors import ConfigError, ManifestError, SourceError
from tests.integration.sources.conftest import Repository

Make = Callable[..., GitSource]

CHART = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.dev}
"""
WEB = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
data:
  image: {{ .Values.image }}
  version: {{ .Capabilities.KubeVersion.Version }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-web
"""
HOOK = """\
apiVersion: v1
kind: Pod
metadata:
  name: hook
  annotations: {"helm.sh/hook": %s}
"""


@pytest.fixture
def helm(source: Make, helm_path: Path) -> Make:
    return lambda repo, path, **options: source(repo, path=path, helm=str(helm_path), **options)


@pytest.fixture
def chart(repository: Repository) -> Repository:
    repository.write("charts/shop/Chart.yaml", CHART)
    repository.write("charts/shop/values.yaml", "image: nginx\npassword: hunter2x\n")
    repository.write("charts/shop/templates/web.yaml", WEB)
    repository.write("charts/shop/templates/test.yaml", HOOK % "test")
    repository.write("charts/shop/templates/hook.yaml", HOOK % "pre-install")
    repository.write("charts/shop/crds/thing.yaml", CRD)
    repository.write("charts/shop/charts/sub/Chart.yaml", CHART.replace("shop", "sub"))
    repository.write(
        "charts/shop/charts/sub/templates/x.yaml", HOOK.replace("helm.sh/hook", "n") % "y"
    )
    repository.write("charts/shop/prod.yaml", "image: prod\n")
    repository.write("values/more.yaml", "image: more\n")
    repository.commit()
    return repository


def test_a_chart_with_the_places_of_its_objects(chart: Repository, helm: Make) -> None:
    rendered = helm(chart.folder, "charts/shop", namespace=lambda: "prod").fetch()
    assert {(m.kind, m.name, str(m.source)) for m in rendered.manifests} == {
        ("CustomResourceDefinition", "things.example.dev", "charts/shop/crds/thing.yaml"),
        ("Service", "shop-web", "charts/shop/templates/web.yaml"),
        ("Pod", "hook", "charts/shop/charts/sub/templates/x.yaml"),
        ("ConfigMap", "shop-web", "charts/shop/templates/web.yaml"),
    }
    assert len(rendered.manifests) == 4
    (web,) = [m for m in rendered.manifests if m.kind == "ConfigMap"]
    assert web.namespace == "prod"
    assert web.body["data"]["image"] == "nginx"


@pytest.mark.parametrize(
    ("values", "image"),
    [
        (("prod.yaml",), "prod"),
        (("values/more.yaml",), "more"),
        (("prod.yaml", "values/more.yaml"), "more"),
        (("charts/shop/prod.yaml",), "prod"),
    ],
)
def test_values_files(chart: Repository, helm: Make, values: tuple[str, ...], image: str) -> None:
    options = {"values": values, "release": "r1", "kube_version": "v1.30.1"}
    for _ in range(2):
        rendered = helm(chart.folder, "charts/shop", **options).fetch()
        (web,) = [m for m in rendered.manifests if m.kind == "ConfigMap"]
        assert web.name == "r1-web"
        assert web.body["data"] == {"image": image, "version": "v1.30.1"}


def test_values_that_change_are_rendered_again(chart: Repository, helm: Make) -> None:
    helm(chart.folder, "charts/shop", values=("values/more.yaml",)).fetch()
    chart.write("values/more.yaml", "image: newer\n")
    chart.commit()
    rendered = helm(chart.folder, "charts/shop", values=("values/more.yaml",)).fetch()
    assert "newer" in [m.body.get("data", {}).get("image") for m in rendered.manifests]


@pytest.mark.parametrize("name", ["nowhere.yaml", "../outside.yaml", "/etc/passwd", "values"])
def test_values_files_that_are_not_there(chart: Repository, helm: Make, name: str) -> None:
    with pytest.raises((ConfigError, SourceError)) as caught:
        helm(chart.folder, "charts/shop", values=(name,)).fetch()
    assert caught.value.fix


@pytest.mark.parametrize("target", ["../../../outside.yaml", "/etc/passwd"])
def test_a_values_file_that_is_a_link_out(chart: Repository, helm: Make, target: str) -> None:
    chart.link("values/link.yaml", target)
    chart.commit()
    with pytest.raises(ManifestError, match="leads out of the repository"):
        helm(chart.folder, "charts/shop", values=("values/link.yaml",)).fetch()


def test_a_template_that_is_a_link_out(chart: Repository, helm: Make) -> None:
    chart.link("charts/shop/files/secret", "../../../../../etc/passwd")
    chart.commit()
    with pytest.raises(ManifestError, match="leads out of the repository"):
        helm(chart.folder, "charts/shop").fetch()


def test_a_dependency_that_isnt_vendored(chart: Repository, helm: Make) -> None:
    chart.write(
        "charts/shop/Chart.yaml",
        CHART + "dependencies: [{name: redis, version: 1.0.0, repository: 'https://x.dev'}]\n",
    )
    chart.commit()
    with pytest.raises(ManifestError, match=r"charts/shop/Chart\.yaml:1: .*redis") as caught:
        helm(chart.folder, "charts/shop").fetch()
    assert "helm dependency update" in caught.value.problems[0].fix


@pytest.mark.parametrize(
    "template",
    [
        '{{ fail (printf "bad password %s" .Values.password) }}',
        '{{ required (printf "no %s" .Values.password) .Values.missing }}',
        "kind: Secret\nmetadata: {name: a}\nstringData: {{ .Values.password }}: : x\n",
        "{{ .Values.password | int64 | fail }}",
        "{{ .Values.nothing.password }}",
        '{{ include "nowhere" . }}',
    ],
)
def test_what_helm_says_shows_no_values(chart: Repository, helm: Make, template: str) -> None:
    chart.write("charts/shop/templates/bad.yaml", template)
    chart.commit()
    with pytest.raises(SourceError, match="charts/shop can't be rendered") as caught:
        helm(chart.folder, "charts/shop").fetch()
    assert "hunter2x" not in str(caught.value)
    assert "bad.yaml" in str(caught.value)
    assert "/tmp/" not in str(caught.value)
    assert caught.value.fix


def test_what_it_renders_is_no_object(chart: Repository, helm: Make) -> None:
    chart.write("charts/shop/templates/bad.yaml", "kind: X\nmetadata: {name: hunter2x}\n")
    chart.commit()
    with pytest.raises((ManifestError, SourceError)) as caught:
        helm(chart.folder, "charts/shop").fetch()
    assert "charts/shop/templates/bad.yaml" in str(caught.value)
    assert "hunter2x" not in str(caught.value)


@pytest.mark.parametrize("text", ["name: [", "version: 1\n", "- a\n", ""])
def test_a_broken_chart_file(chart: Repository, helm: Make, text: str) -> None:
    chart.write("charts/shop/Chart.yaml", text)
    chart.commit()
    with pytest.raises(ManifestError, match=r"charts/shop/Chart\.yaml:[12]: "):
        helm(chart.folder, "charts/shop").fetch()


@pytest.mark.parametrize(
    "options", [{"release": "--x"}, {"namespace": lambda: "-n"}, {"kube_version": "--y"}]
)
def test_options_that_helm_would_mistake(
    chart: Repository, helm: Make, options: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError):
        helm(chart.folder, "charts/shop", **options).fetch()


def test_asked_for_where_there_is_none(chart: Repository, helm: Make) -> None:
    with pytest.raises(ConfigError, match=r"no Chart\.yaml right in values"):
        helm(chart.folder, "values", render=RenderChoice.HELM).fetch()


def test_among_plain_manifests(chart: Repository, helm: Make) -> None:
    with pytest.raises(ManifestError) as caught:
        helm(chart.folder, "charts").fetch()
    assert [(p.path, p.line) for p in caught.value.problems] == [
        ("charts/shop/Chart.yaml", 0),
        ("charts/shop/charts/sub/Chart.yaml", 0),
    ]


def test_helm_is_missing(chart: Repository, source: Make) -> None:
    with pytest.raises(SourceError, match="no-such-helm isn't there") as caught:
        source(chart.folder, path="charts/shop", helm="no-such-helm").fetch()
    assert "install helm" in caught.value.fix


def test_nothing_of_the_users_helm_is_used(
    chart: Repository, helm: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELM_NAMESPACE", "elsewhere")
    monkeypatch.setenv("HELM_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HELM_DEBUG", "1")
    rendered = helm(chart.folder, "charts/shop").fetch()
    assert {m.namespace for m in rendered.manifests if m.kind == "ConfigMap"} == {"default"}
    assert not (tmp_path / "config").exists()
