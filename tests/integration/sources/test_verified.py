"""Commits that are signed by real keys, and branches that are set back, read by the real git."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.adapters.history.accepted import AcceptedFile
from reconciler.adapters.sources.rendering import RenderChoice
from reconciler.adapters.sources.source import GitSource
from reconciler.adapters.sources.verifying import Verification
from reconciler.core.errors import ConfigError, SourceError, UnverifiedError
from tests.integration.sources.conftest import Repository, config_map
from tests.integration.sources.servers import git_daemon


@dataclass(frozen=True)
class Signer:
    """Somebody with a key.

    Attributes:
        settings: How git is told to sign as them.
        public: What others know them by.
    """

    settings: tuple[str, ...]
    public: Path

    def commit(self, repository: Repository, value: str) -> str:
        repository.write("one.yaml", config_map("one", value))
        repository.git("add", "-A")
        repository.git(*self.settings, "commit", "-q", "-S", "-m", f"value {value}")
        return repository.git("rev-parse", "HEAD")


def ssh_signer(folder: Path, name: str) -> Signer:
    key = folder / name
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(words, check=True)
    allowed = folder / f"{name}.signers"
    allowed.write_text(f"# who may\n{name}@example.dev {Path(f'{key}.pub').read_text()}")
    return Signer(("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}"), allowed)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Signer]]:
    """Ann and Eve by SSH, Ben by OpenPGP."""
    folder = tmp_path_factory.mktemp("keys")
    home = folder / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    try:
        made = [*gpg, "--quick-gen-key", "Ben <ben@example.dev>", "ed25519", "sign", "never"]
        subprocess.run(made, check=True, capture_output=True)
        exported = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True)
        (folder / "ben.asc").write_bytes(exported.stdout)
        program = folder / "gpg-of-ben"
        program.write_text(f'#!/bin/sh\nexec gpg --homedir {home} "$@"\n')
        program.chmod(0o755)
        ben = ("-c", "user.signingKey=ben@example.dev", "-c", f"gpg.program={program}")
        yield {
            "ann": ssh_signer(folder, "ann"),
            "eve": ssh_signer(folder, "eve"),
            "ben": Signer(ben, folder / "ben.asc"),
        }
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False)


@dataclass(frozen=True)
class Desk:
    """Where one installation reads from."""

    folder: Path
    repo: str

    @property
    def accepted(self) -> AcceptedFile:
        return AcceptedFile(self.folder / "accepted")

    def read(self, *keys: Path, exception: str = "", forward: bool = True) -> str:
        """Reads the branch, and gives the value that it declares."""
        environ = dict(os.environ)
        verification = Verification(
            keys, self.accepted if forward else None, exception, environ=environ
        )
        cache = self.folder / "cache"
        source = GitSource(self.repo, "main", "", RenderChoice.AUTO, cache, environ=environ,
                           verification=verification)  # fmt: skip
        (manifest,) = source.fetch().manifests
        return str(manifest.body["data"]["value"])


@pytest.fixture(params=["folder", "server"])
def desk(request: pytest.FixtureRequest, repository: Repository, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "folder":
        yield Desk(tmp_path, str(repository.folder))
        return
    with git_daemon(repository.folder.parent) as url:
        yield Desk(tmp_path, f"{url}/{repository.folder.name}")


def test_only_what_an_allowed_key_signed_is_read(
    desk: Desk, repository: Repository, people: dict[str, Signer]
) -> None:
    keys = (people["ann"].public, people["ben"].public)
    first = people["ann"].commit(repository, "1")
    assert desk.read(*keys) == "1"
    second = people["ben"].commit(repository, "2")
    assert desk.read(*keys) == "2"
    assert desk.accepted.load() == second
    people["eve"].commit(repository, "3")
    with pytest.raises(UnverifiedError, match="signed by a key that isn't allowed"):
        desk.read(*keys)
    with pytest.raises(UnverifiedError, match="signed by a key that isn't allowed"):
        desk.read(people["ben"].public)
    unsigned = repository.commit(**{"one.yaml": config_map("one", "4")})
    with pytest.raises(UnverifiedError, match=f"{unsigned} is refused: it isn't signed"):
        desk.read(*keys)
    assert desk.accepted.load() == second != first
    people["ann"].commit(repository, "5")
    assert desk.read(*keys) == "5"


def test_a_branch_that_is_set_back_is_refused(
    desk: Desk, repository: Repository, people: dict[str, Signer]
) -> None:
    ann = people["ann"]
    first = ann.commit(repository, "1")
    for value in ("2", "3", "4"):
        latest = ann.commit(repository, value)
        assert desk.read(ann.public) == value
    repository.git("reset", "-q", "--hard", first)
    with pytest.raises(UnverifiedError, match=f"doesn't descend from {latest}"):
        desk.read(ann.public)
    assert desk.read(ann.public, forward=False) == "1"
    ann.commit(repository, "fork")
    with pytest.raises(UnverifiedError, match="doesn't descend"):
        desk.read(ann.public)
    assert desk.accepted.load() == latest
    repository.git("reset", "-q", "--hard", first)
    assert desk.read(ann.public, exception=first) == "1"
    assert desk.accepted.load() == first
    ann.commit(repository, "on")
    assert desk.read(ann.public) == "on"


def test_many_commits_at_once_are_forward(
    desk: Desk, repository: Repository, people: dict[str, Signer]
) -> None:
    ann = people["ann"]
    ann.commit(repository, "1")
    assert desk.read(ann.public) == "1"
    for value in ("2", "3"):
        repository.commit(**{"one.yaml": config_map("one", value)})
    ann.commit(repository, "4")
    assert desk.read(ann.public) == "4"


def test_a_tampered_commit_is_refused(
    repository: Repository, people: dict[str, Signer], tmp_path: Path
) -> None:
    desk = Desk(tmp_path, str(repository.folder))
    for name in ("ann", "ben"):
        signed = people[name].commit(repository, name)
        body = repository.git("cat-file", "commit", signed) + "\n"
        tampered = subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
            cwd=repository.folder, input=body.replace("value ", "worth "),
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        repository.git("reset", "-q", "--hard", tampered)
        with pytest.raises(UnverifiedError, match="isn't of what it holds"):
            desk.read(people[name].public)


def test_the_repository_s_own_settings_vouch_for_nobody(
    repository: Repository, people: dict[str, Signer], tmp_path: Path
) -> None:
    desk = Desk(tmp_path, str(repository.folder))
    people["eve"].commit(repository, "1")
    ran = tmp_path / "ran"
    program = tmp_path / "yes"
    program.write_text(
        f"#!/bin/sh\ntouch {ran}\necho '[GNUPG:] VALIDSIG 1'\n"
        "echo 'Good \"git\" signature for ann@example.dev with key'\n"
    )
    program.chmod(0o755)
    for name in ("gpg.program", "gpg.ssh.program", "gpg.x509.program", "gpg.openpgp.program"):
        repository.git("config", name, str(program))
    repository.git("config", "gpg.ssh.allowedSignersFile", str(people["eve"].public))
    with pytest.raises(UnverifiedError, match="isn't allowed"):
        desk.read(people["ann"].public)
    assert not ran.exists()


def test_a_folder_that_is_no_repository_is_refused(
    people: dict[str, Signer], tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "one.yaml").write_text(config_map("one"))
    verification = Verification((people["ann"].public,), None, environ=dict(os.environ))
    source = GitSource(str(folder), "", "", RenderChoice.AUTO, tmp_path / "cache",
                       environ=dict(os.environ), verification=verification)  # fmt: skip
    with pytest.raises(UnverifiedError, match="what is no commit can't be signed"):
        source.fetch()


def test_keys_that_are_none_are_told(
    repository: Repository, people: dict[str, Signer], tmp_path: Path
) -> None:
    desk = Desk(tmp_path, str(repository.folder))
    people["ann"].commit(repository, "1")
    file = tmp_path / "keys"
    for content, words in (("", "is empty"), ("hello", "holds neither OpenPGP keys nor")):
        file.write_text(content)
        with pytest.raises(ConfigError, match=words):
            desk.read(file)
    with pytest.raises(ConfigError, match="can't be read"):
        desk.read(tmp_path / "none")
    (tmp_path / "accepted").write_text("damaged")
    with pytest.raises(ConfigError, match="accepted last, can't be read: it is damaged"):
        desk.read(people["ann"].public)


def test_without_gpg_openpgp_keys_cannot_be_used(
    repository: Repository, people: dict[str, Signer], tmp_path: Path
) -> None:
    people["ben"].commit(repository, "1")
    (tmp_path / "bin").mkdir()
    git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True)
    (tmp_path / "bin" / "git").symlink_to(git.stdout.strip())
    environ = {"PATH": str(tmp_path / "bin")}
    verification = Verification((people["ben"].public,), None, environ=environ)
    source = GitSource(str(repository.folder), "", "", RenderChoice.AUTO, tmp_path / "cache",
                       environ=environ, verification=verification)  # fmt: skip
    with pytest.raises(SourceError, match="commits can't be verified") as caught:
        source.fetch()
    assert caught.value.fix == "install gpg"
