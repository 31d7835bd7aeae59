"""Reports of vulnerability scanners: what they found, and of which image.

Trivy's JSON (of one image, or of a cluster) and SARIF 2.1.0 as Trivy writes it are read. Nothing
is scanned here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.core.drift import Severity
from reconciler.core.images.naming import ImageName, image_name, is_digest


class Grade(StrEnum):
    """How severe scanners call a vulnerability, the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNKNOWN = "unknown"

    @property
    def severity(self) -> Severity:
        """How much a drift of it matters."""
        match self:
            case Grade.CRITICAL | Grade.HIGH:
                return Severity.HIGH
            case Grade.MEDIUM:
                return Severity.MEDIUM
            case _:
                return Severity.LOW

    def reaches(self, least: "Grade") -> bool:
        """Whether it is at least as severe."""
        grades = list(Grade)
        return grades.index(self) <= grades.index(least)


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability of one package.

    Attributes:
        id: Such as `CVE-2024-1234`.
        grade: How severe it is.
        package: The package that has it; empty where the report doesn't say.
        installed: The version that is there; empty where the report doesn't say.
        fixed: The version that hasn't it any more; empty where there is none yet.
    """

    id: str
    grade: Grade
    package: str = ""
    installed: str = ""
    fixed: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scanner said of one image.

    Attributes:
        image: What was scanned, as the report names it.
        digests: What names exactly what was scanned: digests of manifests and configurations.
        names: Tags under which it was scanned; without digests, all that there is to go by.
        vulnerabilities: The worst first.
    """

    image: str
    digests: frozenset[str]
    names: tuple[ImageName, ...]
    vulnerabilities: tuple[Vulnerability, ...]


def scans_of(document: Any) -> tuple[Scan, ...] | None:
    """Reads a report, decoded; None where it is none of those that are known."""
    if not isinstance(document, Mapping):
        return None
    if isinstance(document.get("runs"), list):
        return tuple(_of_run(run) for run in _maps(document["runs"]))
    if isinstance(document.get("Resources"), list):
        return tuple(_of_trivy(each) for each in _maps(document["Resources"]))
    if "ArtifactName" in document or isinstance(document.get("Results"), list):
        return (_of_trivy(document),)
    return None


def _of_trivy(report: Mapping[str, Any]) -> Scan:
    metadata = _map(report.get("Metadata"))
    found = [
        Vulnerability(
            id=str(each.get("VulnerabilityID") or ""),
            grade=_grade(each.get("Severity")),
            package=str(each.get("PkgName") or ""),
            installed=str(each.get("InstalledVersion") or ""),
            fixed=str(each.get("FixedVersion") or ""),
        )
        for result in _maps(report.get("Results"))
        for each in _maps(result.get("Vulnerabilities"))
    ]
    references = [*_texts(metadata.get("RepoTags")), str(report.get("ArtifactName") or "")]
    digests = [*_texts(metadata.get("RepoDigests")), str(metadata.get("ImageID") or "")]
    return _scan(str(report.get("ArtifactName") or ""), digests, references, found)


#: How Trivy describes a finding in SARIF: `Package: openssl\nInstalled Version: …\n…`.
_LINE = re.compile(r"^(Package|Installed Version|Fixed Version|Severity): *(.*)$", re.MULTILINE)


def _of_run(run: Mapping[str, Any]) -> Scan:
    told = _map(run.get("properties"))
    rules = {
        str(rule.get("id")): rule
        for rule in _maps(_map(_map(run.get("tool")).get("driver")).get("rules"))
    }
    found = []
    for result in _maps(run.get("results")):
        identity = str(result.get("ruleId") or "")
        text = str(_map(result.get("message")).get("text") or "")
        lines = {name: value.strip() for name, value in _LINE.findall(text)}
        found.append(
            Vulnerability(
                id=identity,
                grade=_sarif_grade(result, rules.get(identity, {}), lines.get("Severity")),
                package=lines.get("Package", ""),
                installed=lines.get("Installed Version", ""),
                fixed=lines.get("Fixed Version", ""),
            )
        )
    image = str(told.get("imageName") or "")
    digests = [*_texts(told.get("repoDigests")), str(told.get("imageID") or "")]
    return _scan(image, digests, [*_texts(told.get("repoTags")), image], found)


def _sarif_grade(result: Mapping[str, Any], rule: Mapping[str, Any], word: str | None) -> Grade:
    if word:
        return _grade(word)
    score = _map(rule.get("properties")).get("security-severity")
    try:
        # The bounds of CVSS v3's ratings, and of GitHub's code scanning.
        value = float(str(score))
    except ValueError:
        level = str(result.get("level") or "")
        return {"error": Grade.HIGH, "warning": Grade.MEDIUM, "note": Grade.LOW}.get(
            level, Grade.UNKNOWN
        )
    bounds = ((9.0, Grade.CRITICAL), (7.0, Grade.HIGH), (4.0, Grade.MEDIUM))
    return next((grade for least, grade in bounds if value >= least), Grade.LOW)


def _scan(image: str, references: list[str], names: list[str], found: list[Vulnerability]) -> Scan:
    grades = list(Grade)
    known = {(each.id, each.package, each.installed): each for each in found if each.id}
    parsed = (image_name(each) for each in names)
    digests = (each.rpartition("@")[2] for each in (*references, *names))
    return Scan(
        image=image,
        digests=frozenset(filter(is_digest, digests)),
        names=tuple(dict.fromkeys(name for name in parsed if name and name.tag)),
        vulnerabilities=tuple(
            sorted(known.values(), key=lambda v: (grades.index(v.grade), v.id, v.package))
        ),
    )


def _grade(word: object) -> Grade:
    try:
        return Grade(str(word).lower())
    except ValueError:
        return Grade.UNKNOWN


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, Mapping):
            yield each


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
