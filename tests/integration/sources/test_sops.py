"""Encrypted manifests, by the real sops with age keys, rendered by the real kustomize and helm."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.sources.kept import HeldRendering, RenderedCache, digest
from reconciler.adapters.sources.sops import Sops
from reconciler.adapters.sources.source import GitSource
from reconciler.core.errors import ConfigError, ManifestError, SourceError
from reconciler.core.redact import mask
from reconciler.core.resource import ResourceKey
from tests.integration.sources.conftest import Repository, config_map
from tests.tools.ages import Age, keep_key
from tests.tools.controlplane.plane import ControlPlane

Make = Callable[..., GitSource]

SECRET = """\
# Whose it is.
apiVersion: v1
kind: Secret
metadata:
  name: db
  labels: {team: payments}
stringData:
  # why it is so
  password: correct-horse
  port: "8081"
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  greeting: battery-staple
  flag: "on"
"""
BINARY = b"\xff\xfe correct-horse " * 9
VALUES = ("correct-horse", "8081", "battery-staple")


@pytest.fixture(scope="module")
def keys(sops_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Age]:
    def make(name: str) -> Age:
        return keep_key(sops_path, tmp_path_factory.mktemp("age") / name)

    return make


@pytest.fixture(scope="module")
def age(keys: Callable[[str], Age]) -> Age:
    return keys("key.txt")


@pytest.fixture
def encrypted(repository: Repository, age: Age) -> Repository:
    content = age.encrypted("db.yaml", SECRET, "--encrypted-regex", "^(data|stringData)$")
    repository.write("deploy/db.yaml", b"# first line\n" + content)
    repository.write("deploy/web.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
    repository.commit()
    return repository


def shown(rendered: Any) -> str:
    return str(
        [
            mask(ResourceKey("", each.kind, "", each.name), (), each.body, each.seals)
            for each in rendered.manifests
        ]
    )


def kept_under(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())


def test_plain_manifests_come_decrypted_with_their_places_and_their_values_sealed(
    encrypted: Repository, source: Make, age: Age, tmp_path: Path
) -> None:
    rendered = source(encrypted.folder, path="deploy", sops=age.decrypts).fetch()
    db, settings, web = rendered.manifests
    assert db.body["stringData"] == {"password": "correct-horse", "port": "8081"}
    assert settings.body["data"]["greeting"] == "battery-staple"
    assert "sops" not in db.body
    text = (encrypted.folder / "deploy/db.yaml").read_text().splitlines()
    assert [text[each.source.line - 1] for each in (db, settings)] == ["apiVersion: v1"] * 2
    assert db.source.line < settings.source.line
    assert web.seals == ()
    masked = mask(ResourceKey("", "ConfigMap", "", "settings"), (), settings.body, settings.seals)
    assert masked["data"] == {"greeting": "***", "flag": "***"}
    assert masked["metadata"] == {"name": "settings"}
    assert not any(each in shown(rendered) for each in VALUES)
    # Nothing decrypted was kept, and nothing of it lies about.
    assert not any(each.encode() in kept_under(tmp_path / "cache") for each in VALUES)


def test_a_folder_s_revision_is_no_digest_of_plain_text(
    source: Make, age: Age, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    file = tmp_path / "plain" / "db.yaml"
    revisions = set()
    for text in (SECRET, SECRET.replace("8081", "8082")):
        file.write_bytes(age.encrypted("db.yaml", text, "--encrypted-regex", "^(data|stringData)$"))
        rendered = source(file.parent, sops=age.decrypts).fetch()
        assert rendered.revision != f"sha256:{digest(rendered.manifests)}"
        assert source(file.parent, sops=age.decrypts).fetch().revision == rendered.revision
        revisions.add(rendered.revision)
    assert len(revisions) == 2


def test_what_is_decrypted_is_held_in_memory_by_who_looks_again(
    encrypted: Repository, source: Make, age: Age, tmp_path: Path
) -> None:
    files = RenderedCache(tmp_path / "cache" / "rendered")
    looking = source(
        encrypted.folder, path="deploy", sops=age.decrypts, renderings=HeldRendering(files)
    )
    first = looking.fetch()
    assert looking.fetch().manifests is first.manifests
    assert not list(tmp_path.rglob("*.bin"))


def test_an_encrypted_file_is_an_error_where_nothing_decrypts_it(
    encrypted: Repository, source: Make
) -> None:
    with pytest.raises(ManifestError) as told:
        source(encrypted.folder, path="deploy").fetch()
    problems = told.value.problems
    assert [each.path for each in problems] == ["deploy/db.yaml"] * 2
    assert "source.decrypt" in problems[0].fix
    assert "ciphertext" in problems[0].message


def test_what_cant_be_decrypted_fails_the_whole_target(
    encrypted: Repository, source: Make, age: Age, keys: Callable[[str], Age], tmp_path: Path
) -> None:
    def problem(sops: Sops) -> str:
        with pytest.raises(ManifestError) as told:
            source(encrypted.folder, path="deploy", sops=sops).fetch()
        assert not any(each in str(told.value) for each in VALUES)
        return str(told.value)

    assert "no key that is at hand" in problem(keys("other.txt").decrypts)
    assert "no key that is at hand" in problem(Sops(str(age.sops), dict(os.environ)))

    file = encrypted.folder / "deploy/db.yaml"
    honest = file.read_text()
    file.write_text(honest.replace("name: db", "name: other"))
    encrypted.commit()
    said = problem(age.decrypts)
    assert "deploy/db.yaml" in said
    assert "MAC doesn't match" in said
    # sops itself prints a digest of the plain text.
    assert "expected" not in said

    with pytest.raises(ConfigError, match="age_key_file"):
        missing = Sops(str(age.sops), dict(os.environ), tmp_path / "none")
        source(encrypted.folder, path="deploy", sops=missing).fetch()
    with pytest.raises(ConfigError, match="no age identity"):
        (tmp_path / "empty").write_text("")
        empty = Sops(str(age.sops), dict(os.environ), tmp_path / "empty")
        source(encrypted.folder, path="deploy", sops=empty).fetch()
    with pytest.raises(SourceError, match="isn't there"):
        absent = Sops("no-such-sops", dict(os.environ), age.file)
        source(encrypted.folder, path="deploy", sops=absent).fetch()


def test_a_key_service_that_an_author_names_gets_no_token(
    encrypted: Repository, source: Make, age: Age
) -> None:
    file = encrypted.folder / "deploy/db.yaml"
    theirs = "sops:\n    hc_vault:\n        - vault_address: http://127.0.0.1:8200\n"
    file.write_text(file.read_text().replace("sops:\n", theirs))
    encrypted.commit()
    environ = {**os.environ, "VAULT_ADDR": "https://vault.example", "VAULT_TOKEN": "t"}
    with pytest.raises(ManifestError, match=r"key service 127\.0\.0\.1"):
        sops = Sops(str(age.sops), environ, age.file, ("vault",))
        source(encrypted.folder, path="deploy", sops=sops).fetch()


def test_json_is_decrypted_and_what_a_cluster_is_to_hold_encrypted_is_left(
    repository: Repository, source: Make, age: Age
) -> None:
    body = config_map("j", "staple")
    repository.write(
        "j.json",
        age.encrypted("j.json", json.dumps(yaml.safe_load(body)), "--encrypted-regex", "^data$"),
    )
    meant = (
        "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret\nmetadata: {name: s}\n"
        "spec: {token: staple}\n"
    )
    repository.write("s.yaml", age.encrypted("s.yaml", meant, "--encrypted-regex", "^token$"))
    repository.commit()
    plain, sops_secret = source(repository.folder, sops=age.decrypts).fetch().manifests
    assert plain.body["data"] == {"value": "staple"}
    assert sops_secret.body["spec"]["token"].startswith("ENC[")


def test_a_kustomization_builds_of_decrypted_files(
    repository: Repository,
    source: Make,
    age: Age,
    keys: Callable[[str], Age],
    control_plane: ControlPlane,
) -> None:
    regex = ("--encrypted-regex", "^(data|stringData)$")
    repository.write("app/db.yaml", age.encrypted("db.yaml", SECRET, *regex))
    repository.write("app/pass.env", age.encrypted("pass.env", "TOKEN=correct-horse\n"))
    repository.write("app/conf.yaml", age.encrypted("conf.yaml", "inner: battery-staple\n"))
    repository.write("app/key.bin", age.encrypted("key.bin", BINARY))
    others = keys("others.txt").encrypted("db.yaml", SECRET, *regex)
    repository.write("app/not-ours.yaml", others)
    repository.write(
        "app/kustomization.yaml",
        "namePrefix: p-\nresources: [db.yaml]\n"
        "configMapGenerator:\n- {name: gen, envs: [pass.env], files: [conf.yaml, key.bin]}\n"
        "secretGenerator:\n- {name: sec, envs: [pass.env]}\n",
    )
    repository.commit()
    kubectl = {"kustomize": str(control_plane.kubectl_path)}
    rendered = source(repository.folder, path="app", sops=age.decrypts, **kubectl).fetch()
    (generated,) = [m for m in rendered.manifests if m.name.startswith("p-gen")]
    assert generated.body["data"]["TOKEN"] == "correct-horse"
    assert generated.body["data"]["conf.yaml"] == "inner: battery-staple\n"
    assert base64.b64decode(generated.body["binaryData"]["key.bin"]) == BINARY
    masked = mask(ResourceKey("", "ConfigMap", "", ""), (), generated.body, generated.seals)
    assert set(masked["data"].values()) | set(masked["binaryData"].values()) == {"***"}
    (db,) = [m for m in rendered.manifests if m.name == "p-db"]
    assert db.source.path == "app/db.yaml"
    assert not any(each in shown(rendered) for each in VALUES)

    with pytest.raises(ManifestError) as told:
        source(repository.folder, path="app", **kubectl).fetch()
    assert "source.decrypt" in told.value.problems[0].fix


def test_a_chart_is_rendered_with_decrypted_values(
    repository: Repository, source: Make, age: Age, helm_path: Path
) -> None:
    repository.write("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    repository.write(
        "chart/templates/web.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n"
        "    spec:\n      containers:\n      - name: web\n        image: nginx\n        env:\n"
        '        - {name: URL, value: "http://u/{{ .Values.part }}/x"}\n'
        "        - {name: PLAIN, value: seen}\n"
        "        args: [{{ .Values.part | b64enc | quote }}]\n",
    )
    repository.write(
        "secrets.yaml", age.encrypted("secrets.yaml", "part: correct-horse\nnone: 1\n")
    )
    repository.commit()
    options: dict[str, Any] = {
        "path": "chart", "helm": str(helm_path), "values": ("secrets.yaml",),
    }  # fmt: skip
    (web,) = source(repository.folder, sops=age.decrypts, **options).fetch().manifests
    (container,) = web.body["spec"]["template"]["spec"]["containers"]
    assert container["env"][0]["value"] == "http://u/correct-horse/x"
    masked = mask(ResourceKey("apps", "Deployment", "", "web"), (), web.body, web.seals)
    (container,) = masked["spec"]["template"]["spec"]["containers"]
    assert [each["value"] for each in container["env"]] == ["***", "seen"]
    assert container["args"] == ["***"]
    assert container["image"] == "nginx"

    with pytest.raises(ManifestError, match="ciphertext"):
        source(repository.folder, **options).fetch()
    repository.write("chart/templates/web.yaml", "{{ fail .Values.part }}")
    repository.commit()
    with pytest.raises(SourceError) as told:
        source(repository.folder, sops=age.decrypts, **options).fetch()
    assert "correct-horse" not in str(told.value)


def test_an_encrypted_file_is_never_edited(encrypted: Repository, source: Make, age: Age) -> None:
    looking = source(encrypted.folder, path="deploy", sops=age.decrypts)
    revision = looking.fetch().revision
    with looking.draft(revision) as draft:
        assert draft.text("deploy/web.yaml")
        with pytest.raises(ManifestError, match="never edited"):
            draft.text("deploy/db.yaml")
        again = draft.rendered({"deploy/web.yaml": None})
        assert [each.name for each in again.manifests] == ["db", "settings"]
        assert all(each.seals for each in again.manifests)
