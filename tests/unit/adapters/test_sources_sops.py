"""What sops is given, and what of a file is taken for encrypted; a stand-in shows what it gets."""

import base64
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.sources.ciphertext import holds_ciphertext, is_encrypted
from reconciler.adapters.sources.sops import Sops
from reconciler.core.errors import ManifestProblem, SourceError

ENC = "ENC[AES256_GCM,data:aa==,iv:bb==,tag:cc==,type:str]"
FILE = f"data: {{a: '{ENC}'}}\nsops: {{mac: '{ENC}'}}\n".encode()
OURS = {
    "PATH": "/bin",
    "AWS_SECRET_ACCESS_KEY": "s",
    "AWS_PROFILE": "p",
    "VAULT_ADDR": "https://vault.example/",
    "VAULT_TOKEN": "t",
    "HTTPS_PROXY": "http://proxy",
    "SLACK_TOKEN": "x",
    "SOPS_AGE_KEY": "AGE-SECRET-KEY-1",
}


def stand_in(folder: Path, script: str) -> str:
    program = folder / "sops"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def names(done: bytes | ManifestProblem) -> dict[str, str]:
    assert isinstance(done, bytes)
    pairs = (line.partition("=") for line in done.decode().splitlines())
    return {name: value for name, _, value in pairs}


def test_it_is_given_what_is_allowed_and_nothing_else(tmp_path: Path) -> None:
    program = stand_in(tmp_path, "/usr/bin/env")
    plain = names(Sops(program, OURS).decrypt("a.yaml", FILE, 1 << 16))
    assert not {"AWS_SECRET_ACCESS_KEY", "VAULT_TOKEN", "SLACK_TOKEN", "SOPS_AGE_KEY"} & set(plain)
    # Nothing listens there: a key service can't be asked.
    assert plain["HTTPS_PROXY"] == "http://127.0.0.1:1"
    assert plain["AWS_EC2_METADATA_DISABLED"] == "true"
    assert plain["HOME"] != "/nonexistent"
    assert plain["PATH"] == plain["HOME"]

    key = tmp_path / "key"
    key.write_text("AGE-SECRET-KEY-1\n")
    found = names(Sops(program, OURS, key, ("aws",)).decrypt("a.yaml", FILE, 1 << 16))
    assert found["SOPS_AGE_KEY_FILE"] == str(key)
    assert found["AWS_SECRET_ACCESS_KEY"] == "s"
    assert (found["HTTPS_PROXY"], found["AWS_EC2_METADATA_DISABLED"]) == ("http://proxy", "false")
    assert not {"AWS_PROFILE", "VAULT_TOKEN", "SLACK_TOKEN"} & set(found)


@pytest.mark.parametrize(
    ("metadata", "kms", "is_asked"),
    [
        ("hc_vault: [{vault_address: 'https://vault.example'}]", ("vault",), True),
        ("hc_vault: [{vault_address: 'https://evil.example'}]", ("vault",), False),
        ("hc_vault: [{vault_address: 'http://127.0.0.1:8200'}]", (), False),
        ("key_groups: [{hc_vault: [{vault_address: 'http://[::1]'}]}]", ("aws",), False),
        ("azure_kv: [{vault_url: 'https://a.vault.azure.net'}]", ("azure",), True),
        ("azure_kv: [{vault_url: 'https://a.vault.azure.net.evil'}]", ("azure",), False),
        ("hc_vault: [{vault_address: 'http://['}]", ("vault",), False),
        ("azure_kv: [{vault_url: 'http://a.vault.azure.net'}]", ("azure",), False),
        ("azure_kv: [{vault_url: 'https://a.vault.azure.net'}]", ("azure", "vault"), True),
    ],
)
def test_key_services_that_an_author_names(
    tmp_path: Path, metadata: str, kms: tuple[str, ...], is_asked: bool
) -> None:
    content = FILE.replace(b"sops: {", f"sops: {{{metadata}, ".encode())
    done = Sops(stand_in(tmp_path, "echo a"), OURS, kms=kms).decrypt("a.yaml", content, 1 << 16)
    assert isinstance(done, bytes) is is_asked
    flat = f"a={ENC}\nsops_mac={ENC}\nsops_hc_vault__list_0__map_vault_address=http://evil\n"
    refused = Sops("/none", OURS, kms=kms).decrypt("a.env", flat.encode(), 1 << 16)
    assert isinstance(refused, ManifestProblem)
    assert "key service evil" in refused.message


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 51", "MAC doesn't match"),
        ("exit 52", "no MAC"),
        ("exit 128", "no key"),
        (
            "echo 'token AbCdEfGhIjKlMnOpQrSt12345 is bad' >&2; exit 3",
            "sops says: token *** is bad",
        ),
        ("exit 4", "sops says: exit code 4"),
    ],
)
def test_why_a_file_cant_be_decrypted(tmp_path: Path, script: str, said: str) -> None:
    done = Sops(stand_in(tmp_path, script), OURS).decrypt("a.yaml", FILE, 1 << 16)
    assert isinstance(done, ManifestProblem)
    assert said in done.message
    assert done.fix


def test_one_that_writes_without_end_is_ended(tmp_path: Path) -> None:
    endless = stand_in(tmp_path, "while :; do echo aaaaaaaaaaaaaaaa; done")
    with pytest.raises(SourceError, match=r"a\.yaml can't be decrypted"):
        Sops(endless, OURS).decrypt("a.yaml", FILE, 1 << 10)


@pytest.mark.parametrize(
    ("path", "content", "is_so"),
    [
        ("a.yaml", FILE, True),
        ("a.yaml", b"a: 1\n---\n" + FILE, True),
        ("a.yaml", b"a: 1\n", False),
        ("a.yaml", f"sops: no\na: '{ENC}'\n".encode(), False),
        ("a.yaml", b"{sops: ENC[AES256_GCM,data:", False),
        ("a.json", f'{{"data": "{ENC}", "sops": {{"mac": "{ENC}"}}}}'.encode(), True),
        ("a.env", f"A={ENC}\nsops_mac={ENC}\n".encode(), True),
        ("a.env", f"A={ENC}\n# sops\n".encode(), False),
        ("a.ini", f"a = {ENC}\n[sops]\nmac = {ENC}\n".encode(), True),
        ("s.yaml", b"apiVersion: isindir.github.com/v1\nkind: SopsSecret\n" + FILE, False),
    ],
)
def test_what_sops_has_encrypted(path: str, content: bytes, is_so: bool) -> None:
    assert is_encrypted(path, content) is is_so


@pytest.mark.parametrize(
    ("body", "is_so"),
    [
        ({"kind": "ConfigMap", "data": {"a": f"x {ENC} y"}}, True),
        ({"kind": "Secret", "data": {"a": base64.b64encode(FILE).decode()}}, True),
        ({"kind": "ConfigMap", "binaryData": {"a": base64.encodebytes(FILE).decode()}}, True),
        ({"kind": "Secret", "data": {"a": "no base64!"}, "x": [1, None]}, False),
        ({"kind": "ConfigMap", "data": {"a": "ENC[AES256_GCM,data:…] is how it looks"}}, False),
        ({"kind": "SopsSecret", "apiVersion": "isindir.github.com/v1", "data": {"a": ENC}}, False),
    ],
)
def test_ciphertext_in_what_was_rendered(body: dict[str, Any], is_so: bool) -> None:
    assert holds_ciphertext(body, str(body).encode()) is is_so
