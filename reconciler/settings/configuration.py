"""Reads the configuration file and the `PLUMBLINE_` variables, with pydantic-settings.

The fields, their types and defaults are those of `settings`: they are written once.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from reconciler.core.errors import ConfigError
from reconciler.core.path import parse_pattern
from reconciler.settings.model import ENV_PREFIX, Settings

_NESTING = "__"
#: What git takes for an address rather than a folder: a scheme, or a colon before any slash.
_REMOTE = re.compile(r"[^/]*:")


def read_configuration(
    file: Path | None, flags: Mapping[str, Any], variables: Mapping[str, str]
) -> Settings:
    """Puts flags, variables and a file together, each beating the next.

    Args:
        file: The configuration file, None for none.
        flags: As in `load_settings`.
        variables: Environment variables that begin with `PLUMBLINE_`.

    Raises:
        ConfigError: The file can't be read, or a setting is misspelt or wrong: all that are wrong
            are named.
    """
    content = _anchored(_read(file), file.parent) if file else {}
    _check_variables(variables)

    # A base that is made only when it is asked for is none that a type checker can follow.
    class Sources(_model()):  # type: ignore[misc]
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], **_: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            environment = EnvSettingsSource(settings_cls)
            environment.env_vars = {name.lower(): value for name, value in variables.items()}
            return (
                InitSettingsSource(settings_cls, init_kwargs=dict(flags)),
                environment,
                InitSettingsSource(settings_cls, init_kwargs=content),
            )

    try:
        read = Sources()
        settings = Settings(**{f.name: getattr(read, f.name) for f in fields(Settings)})
    except ValidationError as error:
        raise ConfigError("\n".join(_problems(error, file))) from None
    _check_rules(settings, file)
    return settings


def configuration_schema() -> dict[str, Any]:
    """Gives the configuration file's JSON schema."""
    _strict()
    schema: dict[str, Any] = TypeAdapter(Settings).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plumbline.yaml",
        **{name: value for name, value in schema.items() if name != "title"},
    }


@cache
def _model() -> type[BaseSettings]:
    _strict()
    hints = get_type_hints(Settings)
    defaults = Settings()
    definitions: dict[str, Any] = {
        f.name: (hints[f.name], getattr(defaults, f.name)) for f in fields(Settings)
    }

    class Base(BaseSettings):
        model_config = SettingsConfigDict(
            env_prefix=ENV_PREFIX, env_nested_delimiter=_NESTING, extra="forbid", frozen=True
        )

    return create_model("Configuration", __base__=Base, **definitions)


def _strict() -> None:
    """Has pydantic refuse keys that these dataclasses don't have."""
    for each in (Settings, *_nested(Settings)):
        # Pydantic looks for it there; a dataclass declares no such attribute.
        each.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]


def _nested(kind: type) -> Iterator[type]:
    for hint in get_type_hints(kind).values():
        for inner in (hint, *get_args(hint)):
            if isinstance(inner, type) and is_dataclass(inner):
                yield inner
                yield from _nested(inner)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"{file} can't be read: {error.strerror}", fix="name a file that is there with --config"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or "it is no YAML"
        raise ConfigError(f"{place}: {problem}", fix="mend the YAML there") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file} must hold one map of settings", fix="begin it with `targets:`")
    return content


def _anchored(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Takes the file's paths from the folder that it's in, wherever the program was started.

    What isn't of the form that it must be is left for pydantic to refuse.
    """
    anchored = {**content}
    for name in ("cache_dir", "state_dir"):
        anchored |= {name: _path(content[name], folder)} if name in content else {}
    cluster = content.get("cluster")
    if isinstance(cluster, dict) and "kubeconfig" in cluster:
        anchored["cluster"] = {**cluster, "kubeconfig": _path(cluster["kubeconfig"], folder)}
    targets = content.get("targets")
    if isinstance(targets, list):
        anchored["targets"] = [_anchored_target(target, folder) for target in targets]
    return anchored


def _anchored_target(target: Any, folder: Path) -> Any:
    source = target.get("source") if isinstance(target, dict) else None
    if not isinstance(source, dict):
        return target
    anchored = {**source}
    verify = source.get("verify")
    if isinstance(verify, dict) and isinstance(verify.get("keys"), list):
        keys = [_path(key, folder) for key in verify["keys"]]
        anchored["verify"] = {**verify, "keys": keys}
    decrypt = source.get("decrypt")
    if isinstance(decrypt, dict) and "age_key_file" in decrypt:
        anchored["decrypt"] = {**decrypt, "age_key_file": _path(decrypt["age_key_file"], folder)}
    repo = source.get("repo")
    if isinstance(repo, str) and not _REMOTE.match(repo):
        anchored["repo"] = _path(repo, folder)
    return {**target, "source": anchored}


def _path(value: Any, folder: Path) -> Any:
    if not isinstance(value, str) or not value:
        return value
    return str(folder / Path(value).expanduser())


def _check_variables(variables: Mapping[str, str]) -> None:
    """Refuses misspelt variables, which pydantic-settings would pass over."""
    known = {f"{ENV_PREFIX}{name}" for name in _variable_names(Settings)}
    for name in variables:
        # Of a map of settings all are known: what is misspelt there is told of here, with the
        # variable's name, which pydantic doesn't know.
        if name not in known and not any(
            name.startswith(f"{each}{_NESTING}")
            for each in known
            if not any(other.startswith(f"{each}{_NESTING}") for other in known)
        ):
            raise ConfigError(
                f"the environment variable {name} is no setting", fix=_nearest(name, known)
            )


def _variable_names(kind: type, prefix: str = "") -> Iterator[str]:
    for name, hint in get_type_hints(kind).items():
        yield f"{prefix}{name}".upper()
        if isinstance(hint, type) and is_dataclass(hint):
            yield from _variable_names(hint, f"{prefix}{name}{_NESTING}")


def _problems(error: ValidationError, file: Path | None) -> Iterator[str]:
    origin = f"{file}: " if file else ""
    for each in error.errors(include_url=False, include_input=False):
        place = ".".join(str(step) for step in each["loc"])
        if each["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            siblings = _fields_at(Settings, tuple(each["loc"][:-1]))
            fix = _nearest(str(each["loc"][-1]), siblings)
            yield f"{origin}{place} is no setting\n  fix: {fix}"
        else:
            yield f"{origin}{place}: {each['msg'][:1].lower()}{each['msg'][1:]}"


def _fields_at(kind: type, place: tuple[int | str, ...]) -> set[str]:
    for step in place:
        if isinstance(step, int):
            continue
        hint = get_type_hints(kind).get(step)
        found = (each for each in (hint, *get_args(hint)) if is_dataclass(each))
        kind = next((each for each in found if isinstance(each, type)), kind)
    return {each.name for each in fields(kind)}


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean {close[0]}?" if close else f"it may be any of {', '.join(sorted(known))}"


def _check_rules(settings: Settings, file: Path | None) -> None:
    for target in settings.targets:
        for rule in target.ignore:
            where = (
                f"{file or 'the configuration'}: target {target.name}: ignore.path {rule.path!r}"
            )
            try:
                parse_pattern(rule.path)
            except ValueError as error:
                raise ConfigError(
                    f"{where}: {error}", fix="write it as a report shows it"
                ) from None
            if not rule.reason.strip():
                raise ConfigError(f"{where}: the reason is empty", fix="say why it is not drift")
