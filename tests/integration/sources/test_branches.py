"""Branches that are pushed to a real Git server, and what they hold there."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.adapters.sources.branches import GitBranches
from reconciler.adapters.sources.signing import Identity, KeyKind, SigningKey
from reconciler.core.errors import ConfigError, SourceError
from reconciler.core.pull_requests import BranchContent
from tests.integration.sources.conftest import Repository
from tests.integration.sources.servers import HttpBackend

Make = Callable[..., GitBranches]

BRANCH = "plumbline/revert/shop"
FILE = ".plumbline/reverts/shop.json"
IDENTITY = Identity("Plumbline", "plumbline@example.dev")


@pytest.fixture
def backend(repository: Repository) -> Iterator[HttpBackend]:
    repository.git("config", "http.receivepack", "true")
    repository.write("deploy/a.yaml", "a: 1\n")
    repository.commit()
    with HttpBackend(repository.folder.parent, password="s3cret-password") as served:
        yield served


@pytest.fixture
def branches(backend: HttpBackend, tmp_path: Path) -> Make:
    def make(**options: object) -> GitBranches:
        facts: dict[str, object] = {
            "repo": f"http://ann:s3cret-password@{backend.host}/repo",
            "cache": tmp_path / "cache",
            "identity": IDENTITY,
            "environ": dict(os.environ),
            **options,
        }
        return GitBranches(**facts)  # type: ignore[arg-type]

    return make


def content(base: str, **files: str | None) -> BranchContent:
    named = {FILE: "{}\n", **files}
    return BranchContent(base, named, "Record the drift of shop\n\nTwo objects.")


def main(repository: Repository) -> str:
    return repository.git("rev-parse", "main")


def test_a_branch_is_its_base_and_one_commit(repository: Repository, branches: Make) -> None:
    commit = branches().push(BRANCH, content(main(repository)))
    assert repository.git("rev-parse", BRANCH) == commit
    assert repository.git("rev-parse", f"{BRANCH}^") == main(repository)
    assert repository.git("diff", "--name-status", "main", BRANCH) == f"A\t{FILE}"
    assert repository.git("show", f"{BRANCH}:{FILE}") == "{}"
    told = repository.git("log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%B", BRANCH)
    assert told == (
        "Plumbline <plumbline@example.dev>\nPlumbline <plumbline@example.dev>\n"
        "Record the drift of shop\n\nTwo objects.\n\n"
        "Signed-off-by: Plumbline <plumbline@example.dev>"
    )


def test_the_same_content_is_not_pushed_again(
    repository: Repository, branches: Make, backend: HttpBackend, tmp_path: Path
) -> None:
    commit = branches().push(BRANCH, content(main(repository)))
    backend.requests.clear()
    assert branches().push(BRANCH, content(main(repository))) == commit
    # Nor by a process that has never seen it.
    assert branches(cache=tmp_path / "other").push(BRANCH, content(main(repository))) == commit
    assert not [path for _, path, _ in backend.requests if "receive-pack" in path]


def test_other_content_takes_the_place_of_what_was(repository: Repository, branches: Make) -> None:
    base = main(repository)
    first = branches().push(BRANCH, content(base))
    second = branches().push(BRANCH, content(base, **{FILE: '{"a": 1}\n'}))
    assert second != first
    assert repository.git("rev-list", "--count", f"main..{BRANCH}") == "1"
    assert repository.git("show", f"{BRANCH}:{FILE}") == '{"a": 1}'


def test_what_somebody_added_to_the_branch_goes(repository: Repository, branches: Make) -> None:
    commit = branches().push(BRANCH, content(main(repository)))
    repository.git("checkout", "-q", BRANCH)
    repository.write("deploy/a.yaml", "a: 2\n")
    assert repository.commit() != commit
    repository.git("checkout", "-q", "main")
    again = branches().push(BRANCH, content(main(repository)))
    assert repository.git("diff", "--name-only", "main", again) == FILE


def test_a_base_that_is_no_longer_the_newest(repository: Repository, branches: Make) -> None:
    for number in range(4):
        repository.write("deploy/a.yaml", f"a: {number + 2}\n")
        repository.commit()
    base = repository.git("rev-parse", "main~2")
    commit = branches().push(BRANCH, content(base))
    assert repository.git("rev-parse", f"{commit}^") == base
    assert repository.git("rev-list", "--count", commit) == "4"
    repository.git("fsck", "--strict")
    newer = branches().push(BRANCH, content(main(repository)))
    assert repository.git("rev-parse", f"{newer}^") == main(repository)


def test_files_are_changed_added_and_deleted(repository: Repository, branches: Make) -> None:
    repository.write("deploy/run.sh", "#!/bin/sh\n")
    (repository.folder / "deploy" / "run.sh").chmod(0o755)
    repository.write("deploy/old.yaml", "old: 1\n")
    repository.write("deploy/other.yaml", "nobody asks for me: 1\n")
    base = repository.commit()
    files: dict[str, str | None] = {
        "deploy/a.yaml": "a: é\n",
        "deploy/new/b.yaml": "b: 1\n",
        "deploy/old.yaml": None,
        "deploy/never.yaml": None,
        "deploy/run.sh": "#!/bin/bash\n",
    }
    commit = branches().push(BRANCH, BranchContent(base, files, "Adopt"))
    told = repository.git("diff", "--name-status", base, commit).splitlines()
    assert told == [
        "M\tdeploy/a.yaml",
        "A\tdeploy/new/b.yaml",
        "D\tdeploy/old.yaml",
        "M\tdeploy/run.sh",
    ]
    assert repository.git("ls-tree", commit, "deploy/run.sh").startswith("100755")
    assert repository.git("show", f"{commit}:deploy/a.yaml") == "a: é"


def test_nothing_is_written_through_a_symlink(repository: Repository, branches: Make) -> None:
    repository.link("deploy/link", "a.yaml")
    repository.link("linked", "deploy")
    base = repository.commit()
    for path in ("deploy/link", "linked/a.yaml", "deploy/a.yaml/b"):
        with pytest.raises(SourceError, match="is not a regular file there"):
            branches().push(BRANCH, BranchContent(base, {path: "a: 1\n"}, "Adopt"))


@pytest.mark.parametrize(
    "path",
    ["../a", "/etc/a", "a/../b", "a//b", "./a", "", ".git/hooks/update", "a/.GIT/config",
     ".gitmodules"],
)  # fmt: skip
def test_nothing_is_written_outside_of_what_git_keeps(
    path: str, repository: Repository, branches: Make
) -> None:
    with pytest.raises(ConfigError, match="repository"):
        branches().push(BRANCH, BranchContent(main(repository), {path: "a"}, "Adopt"))


@pytest.mark.parametrize(
    "branch",
    ["main", "plumbline", "plumbline/", "plumbline/a..b", "plumbline/a b", "plumbline/a.lock",
     "-plumbline/a", "plumbline//a"],
)  # fmt: skip
def test_no_branch_but_its_own_is_ever_written(
    branch: str, repository: Repository, branches: Make
) -> None:
    with pytest.raises(ConfigError):
        branches().push(branch, content(main(repository)))
    with pytest.raises(ConfigError):
        branches().delete(branch)


def test_a_folder_of_this_machine_takes_no_branches(repository: Repository, branches: Make) -> None:
    with pytest.raises(ConfigError, match="a folder of this machine"):
        branches(repo=str(repository.folder)).push(BRANCH, content(main(repository)))


def test_a_base_is_a_commit(branches: Make) -> None:
    with pytest.raises(ConfigError, match="begins from a commit"):
        branches().push(BRANCH, content("main"))


def test_a_branch_goes_and_may_be_gone(repository: Repository, branches: Make) -> None:
    branches().push(BRANCH, content(main(repository)))
    branches().delete(BRANCH)
    branches().delete(BRANCH)
    assert BRANCH not in repository.git("branch", "--list", "--all")


def test_a_branch_goes_that_another_process_made(
    repository: Repository, branches: Make, tmp_path: Path
) -> None:
    branches().push(BRANCH, content(main(repository)))
    branches(cache=tmp_path / "other").delete(BRANCH)
    assert BRANCH not in repository.git("branch", "--list", "--all")


def test_a_server_that_refuses_says_why(repository: Repository, branches: Make) -> None:
    hook = repository.folder / ".git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no pushes on Fridays >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SourceError, match="doesn't take the branch") as caught:
        branches().push(BRANCH, content(main(repository)))
    assert "pre-receive hook declined" in str(caught.value)
    assert "check who may push" in caught.value.fix


def test_a_wrong_password_is_told_and_not_shown(
    repository: Repository, backend: HttpBackend, branches: Make
) -> None:
    wrong = branches(repo=f"http://ann:wr0ng-password@{backend.host}/repo")
    with pytest.raises(SourceError) as caught:
        wrong.push(BRANCH, content(main(repository)))
    assert "wr0ng" not in f"{caught.value}{caught.value.fix}{wrong!r}"
    assert "credentials" in caught.value.fix


def test_what_is_pushed_meanwhile_is_not_lost(
    repository: Repository, branches: Make, monkeypatch: pytest.MonkeyPatch, backend: HttpBackend
) -> None:
    branches().push(BRANCH, content(main(repository)))
    answer = backend.answer
    moved: list[str] = []

    def and_somebody_pushes(handler: object) -> None:
        path = str(getattr(handler, "path", ""))
        if "service=git-receive-pack" in path and not moved:
            moved.append(path)
            repository.git("update-ref", f"refs/heads/{BRANCH}", main(repository))
        answer(handler)  # type: ignore[arg-type]

    monkeypatch.setattr(backend, "answer", and_somebody_pushes)
    with pytest.raises(SourceError, match="pushed to it meanwhile"):
        branches().push(BRANCH, content(main(repository), **{FILE: "other"}))
    assert moved
    assert repository.git("rev-parse", BRANCH) == main(repository)


def test_no_program_of_the_user_runs(
    repository: Repository, branches: Make, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    ran = tmp_path / "ran"
    home.mkdir()
    hooks = home / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-checkout"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (hooks / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgSign = true\n"
        f"[gpg]\n\tprogram = {hooks}/pre-push\n[user]\n\tname = Eve\n"
    )
    environ = {**os.environ, "HOME": str(home), "GIT_AUTHOR_NAME": "Eve", "GIT_DIR": "/nonexistent"}
    commit = branches(environ=environ).push(BRANCH, content(main(repository)))
    assert repository.git("log", "-1", "--format=%an", commit) == "Plumbline"
    assert not ran.exists()


def test_a_commit_is_signed_by_an_ssh_key(
    repository: Repository, branches: Make, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True
    )
    unsigned = branches().push(BRANCH, content(main(repository)))
    signing = SigningKey(KeyKind.SSH, key)
    commit = branches(signing=signing).push(BRANCH, content(main(repository)))
    assert commit != unsigned
    assert branches(signing=signing).push(BRANCH, content(main(repository))) == commit
    allowed = tmp_path / "allowed"
    allowed.write_text(f"plumbline@example.dev {Path(f'{key}.pub').read_text()}")
    told = repository.git(
        "-c", f"gpg.ssh.allowedSignersFile={allowed}", "log", "-1", "--format=%G? %GS", commit
    )
    assert told == "G plumbline@example.dev"


def test_a_commit_is_signed_by_an_openpgp_key(
    repository: Repository, branches: Make, tmp_path: Path
) -> None:
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    try:
        subprocess.run(
            [*gpg, "--quick-gen-key", str(IDENTITY), "ed25519", "sign", "never"],
            check=True, capture_output=True,
        )  # fmt: skip
        key = tmp_path / "key.asc"
        exported = subprocess.run(
            [*gpg, "--armor", "--export-secret-keys"], check=True, capture_output=True
        )
        key.write_bytes(exported.stdout)
        signing = SigningKey(KeyKind.OPENPGP, key)
        commit = branches(signing=signing).push(BRANCH, content(main(repository)))
        done = subprocess.run(
            ["git", "verify-commit", "--raw", commit],
            cwd=repository.folder,
            env={**os.environ, "GNUPGHOME": str(home)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "GOODSIG" in done.stderr
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False)


def test_a_key_that_is_none_is_told(repository: Repository, branches: Make, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not a key")
    for kind in KeyKind:
        signing = SigningKey(kind, text)
        with pytest.raises(SourceError):
            branches(signing=signing).push(BRANCH, content(main(repository)))
        with pytest.raises(ConfigError, match="isn't there"):
            branches(signing=SigningKey(kind, tmp_path / "gone")).push(
                BRANCH, content(main(repository))
            )


@pytest.mark.parametrize(("name", "email"), [("", "a@b"), ("A", ""), ("A\nB", "a@b"), ("A", "<a>")])
def test_an_identity_is_a_name_and_an_address(name: str, email: str) -> None:
    with pytest.raises(ConfigError, match="who commits"):
        Identity(name, email)
