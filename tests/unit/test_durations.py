"""Times as people write them."""

import pytest

from reconciler.core.errors import ConfigError
from reconciler.settings.durations import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0),
        ("0s", 0.0),
        ("90s", 90.0),
        ("3m", 180.0),
        ("1h30m", 5400.0),
        ("250ms", 0.25),
        ("1.5h", 5400.0),
        ("8760h", 31536000.0),
        ("365d", 31536000.0),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of("schedule.interval", text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "m",
        "3 minutes",
        "-3m",
        "3m-5m",
        "3mm",
        "1y",
        "nan",
        "inf",
        "3m3",
        "\u0661m",
        "9" * 400 + "h",
        " ",
    ],
)
def test_what_is_none_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        seconds_of("schedule.interval", text)
    assert str(raised.value).startswith(f"schedule.interval: {text!r} is no duration")
    assert "90s, 3m or 1h30m" in raised.value.fix
