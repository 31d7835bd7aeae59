"""Reports of scanners."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift import Severity
from reconciler.core.images.naming import ImageName
from reconciler.core.images.vulnerabilities import Grade, Vulnerability, scans_of

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
FOUND = {
    "VulnerabilityID": "CVE-2026-1",
    "PkgName": "openssl",
    "InstalledVersion": "3.0.1",
    "FixedVersion": "3.0.2",
    "Severity": "HIGH",
}
#: As `trivy image --format json` writes it.
TRIVY = {
    "SchemaVersion": 2,
    "ArtifactName": "registry.example/web:1",
    "ArtifactType": "container_image",
    "Metadata": {
        "ImageID": B,
        "RepoTags": ["registry.example/web:1"],
        "RepoDigests": [f"registry.example/web@{A}"],
    },
    "Results": [
        {"Target": "web (debian 12)", "Vulnerabilities": [FOUND, FOUND]},
        {"Target": "app", "Vulnerabilities": None},
        {
            "Target": "more",
            "Vulnerabilities": [
                {"VulnerabilityID": "CVE-2026-2", "Severity": "CRITICAL"},
                {"VulnerabilityID": "CVE-2026-3", "Severity": "who knows"},
                {"Severity": "LOW"},
            ],
        },
    ],
}


def test_trivy_s_json() -> None:
    (scan,) = scans_of(TRIVY) or ()
    assert scan.image == "registry.example/web:1"
    assert scan.digests == {A, B}
    assert scan.names == (ImageName("registry.example", "web", "1"),)
    assert scan.vulnerabilities == (
        Vulnerability("CVE-2026-2", Grade.CRITICAL),
        Vulnerability("CVE-2026-1", Grade.HIGH, "openssl", "3.0.1", "3.0.2"),
        Vulnerability("CVE-2026-3", Grade.UNKNOWN),
    )


def test_trivy_s_json_of_a_cluster() -> None:
    report = {"ClusterName": "prod", "Resources": [{"Namespace": "shop", **TRIVY}, None]}
    (scan,) = scans_of(report) or ()
    assert len(scan.vulnerabilities) == 3


def sarif(*results: Any, **properties: Any) -> dict[str, Any]:
    rules = [
        {"id": "CVE-1", "properties": {"security-severity": "9.8"}},
        {"id": "CVE-2", "properties": {"security-severity": "7.0"}},
        {"id": "CVE-3", "properties": {"security-severity": "5"}},
        {"id": "CVE-4", "properties": {"security-severity": "0.1"}},
        {"id": "CVE-5"},
    ]
    run = {
        "tool": {"driver": {"name": "Trivy", "rules": rules}},
        "results": list(results),
        "properties": properties,
    }
    return {"version": "2.1.0", "runs": [run]}


def test_trivy_s_sarif() -> None:
    text = (
        "Package: openssl\nInstalled Version: 3.0.1\nVulnerability CVE-1\nSeverity: LOW\n"
        "Fixed Version: 3.0.2\nLink: [CVE-1](https://example.dev)"
    )
    report = sarif(
        {"ruleId": "CVE-1", "level": "note", "message": {"text": text}},
        imageName="registry.example/web:1",
        repoDigests=[f"registry.example/web@{A}"],
        repoTags=["registry.example/web:1", "registry.example/web:latest"],
    )
    (scan,) = scans_of(report) or ()
    assert scan.digests == {A}
    assert [name.tag for name in scan.names] == ["1", "latest"]
    found = Vulnerability("CVE-1", Grade.LOW, "openssl", "3.0.1", "3.0.2")
    assert scan.vulnerabilities == (found,)


@pytest.mark.parametrize(
    ("rule", "level", "grade"),
    [
        ("CVE-1", "note", "critical"),
        ("CVE-2", "note", "high"),
        ("CVE-3", "error", "medium"),
        ("CVE-4", "error", "low"),
        ("CVE-5", "error", "high"),
        ("CVE-5", "warning", "medium"),
        ("CVE-5", "note", "low"),
        ("CVE-6", "none", "unknown"),
        ("CVE-6", None, "unknown"),
    ],
)
def test_how_severe_by_sarif_s_own_words(rule: str, level: str, grade: str) -> None:
    (scan,) = scans_of(sarif({"ruleId": rule, "level": level}, imageName="web:1")) or ()
    assert [each.grade for each in scan.vulnerabilities] == [Grade(grade)]


@pytest.mark.parametrize("document", [None, [], "x", {}, {"Results": "x"}, {"runs": None}])
def test_what_is_no_report(document: Any) -> None:
    assert scans_of(document) is None


def test_grades() -> None:
    assert [grade.severity for grade in Grade] == [
        Severity.HIGH,
        Severity.HIGH,
        Severity.MEDIUM,
        Severity.LOW,
        Severity.LOW,
    ]
    assert Grade.CRITICAL.reaches(Grade.HIGH)
    assert Grade.HIGH.reaches(Grade.HIGH)
    assert not Grade.MEDIUM.reaches(Grade.HIGH)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Results", "Vulnerabilities", "VulnerabilityID", "Metadata", "RepoDigests", "runs",
                 "results", "ruleId", "message", "text", "Resources", "tool", "driver", "rules"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_no_file_is_any_trouble(document: Any) -> None:
    scans_of(document)
