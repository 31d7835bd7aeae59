"""What git is told, and what is told of how it failed."""

import pytest

from reconciler.adapters.process import Completed
from reconciler.adapters.sources.git import Git, failure


def settings(git: Git, *, network: bool) -> dict[str, str]:
    environ = git.environment(network=network)
    numbers = range(int(environ["GIT_CONFIG_COUNT"]))
    return {environ[f"GIT_CONFIG_KEY_{n}"]: environ[f"GIT_CONFIG_VALUE_{n}"] for n in numbers}


def test_nothing_of_the_users_configuration_and_no_hook_reaches_git() -> None:
    environ = Git({}).environment(network=False)
    assert environ["GIT_CONFIG_NOSYSTEM"] == "1"
    assert environ["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert environ["GIT_TERMINAL_PROMPT"] == "0"
    assert settings(Git({}), network=False)["core.hooksPath"] == "/dev/null"


def test_of_the_environment_only_programs_keys_and_proxies_reach_git() -> None:
    given = {
        "PATH": "/bin",
        "SSH_AUTH_SOCK": "/agent",
        "https_proxy": "http://proxy",
        "GIT_DIR": "/elsewhere",
        "GIT_CONFIG_PARAMETERS": "x",
        "GIT_CONFIG_GLOBAL": "/home/x",
        "GIT_EXTERNAL_DIFF": "x",
        "LD_PRELOAD": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    environ = Git(given).environment(network=True)
    assert {name for name in given if environ.get(name) == given[name]} == {
        "PATH",
        "SSH_AUTH_SOCK",
        "https_proxy",
    }


def test_protocols_are_few_and_none_at_all_for_reading() -> None:
    reading = settings(Git({}), network=False)
    reaching = settings(Git({}), network=True)
    allowed = {name for name, value in reaching.items() if value == "always"}
    assert allowed == {f"protocol.{name}.allow" for name in ("https", "http", "ssh", "git")}
    for each in (reading, reaching):
        assert each["protocol.allow"] == "never"
        assert each["protocol.ext.allow"] == "never"
    assert "always" not in reading.values()


def test_a_representation_shows_neither_environment_nor_settings() -> None:
    git = Git({"TOKEN": "s3cret"}, (("http.extraHeader", "s3cret"),))
    assert "s3cret" not in repr(git)


@pytest.mark.parametrize(
    ("stderr", "words", "fix"),
    [
        (
            "hint: x\nfatal: unable to access 'https://u:pw@h/': Could not resolve host: h\n",
            "fatal: unable to access 'https://***@h/': Could not resolve host: h",
            "network",
        ),
        ("git@h: Permission denied (publickey).\n", "Permission denied (publickey).", "key"),
        ("Host key verification failed.\nfatal: Could not read\n", "fatal: Could not read", ""),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "", "helper"),
        ("remote: \x1b[31mred\nfatal: repository not found", "remote:  [31mred; fatal:", "URL"),
        ("", "exit code 3", ""),
    ],
)
def test_failures(stderr: str, words: str, fix: str) -> None:
    error = failure("it can't be read", Completed(3, b"", stderr.encode()))
    assert error.message.startswith("it can't be read: ")
    assert words in error.message
    assert fix in error.fix
    assert "pw" not in str(error)
    assert "\x1b" not in str(error)
