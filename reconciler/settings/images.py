"""When images are stale, and how registries are asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImagePolicySettings:
    """What is wanted of some images. The first policy that fits an image counts.

    Attributes:
        image: Of which images, with `*`, `?` and `[...]`: `registry.example/shop/*`, or `nginx`.
        max_age: How long ago it may have been built, such as `90d`; empty for any age.
        newer: How far a newer tag may be that is to be run: `patch`, `minor` or `major`; empty
            where none has to.
        prereleases: Whether pre-releases are newer versions, too.
        tags: A regular expression that all of a tag must match to count; its group `version`, if
            it has one, is the part that says the version.
        digest: Whether it must be declared by digest.
        signature: Whether its registry must hold a signature of it, by cosign or Notation; the
            signature isn't verified.
        base: Whether it must be built on what its base image is now.
        vulnerabilities: How severe a reported vulnerability must be at least to count: `critical`,
            `high`, `medium`, `low` or `unknown`.
    """

    image: str = "*"
    max_age: str = ""
    newer: str = ""
    prereleases: bool = False
    tags: str = ""
    digest: bool = False
    signature: bool = False
    base: bool = False
    vulnerabilities: str = "unknown"


@dataclass(frozen=True)
class RegistrySettings:
    """How one registry is asked.

    Attributes:
        host: As in images' names, such as `docker.io` or `registry.example:5000`.
        mirror: Host and port, and a folder if need be, of a mirror that is asked in its place.
        plain_http: Whether it speaks HTTP without TLS.
        authority: A PEM file of authorities that vouch for it; empty for the system's.
    """

    host: str
    mirror: str = ""
    plain_http: bool = False
    authority: str = ""


@dataclass(frozen=True)
class ImageSettings:
    """When images are stale, and how registries are asked.

    Attributes:
        policies: What is wanted of images; where none fits, that they run as declared.
        registries: The registries that are asked elsewhere or otherwise.
        docker_config: The folder of Docker's `config.json`, which has credentials; empty for
            `$DOCKER_CONFIG` or `~/.docker`.
        pull_secrets: Whether the Secrets that pods name for pulling are used, where we may read
            them.
        interval: How often `plumbline run` looks at the images of its targets, such as `6h`; what
            is stale is drift then; empty for never.
    """

    policies: tuple[ImagePolicySettings, ...] = ()
    registries: tuple[RegistrySettings, ...] = ()
    docker_config: str = ""
    pull_secrets: bool = True
    interval: str = ""
