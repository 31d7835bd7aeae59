"""Traces, where they are configured: nothing of OpenTelemetry is imported elsewhere."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from reconciler.core.errors import ConfigError
from reconciler.settings import TraceSettings
from reconciler.settings.named_files import text_named

if TYPE_CHECKING:
    from reconciler.adapters.telemetry.traces import Traces


def traces_of(settings: TraceSettings, stack: ExitStack) -> "Traces | None":
    """Gives what sends traces; None where that isn't configured.

    Args:
        settings: Where to.
        stack: Is given what must be ended.

    Raises:
        ConfigError: OpenTelemetry isn't installed, or the headers can't be read.
    """
    if not settings.endpoint:
        return None
    try:
        from reconciler.adapters.telemetry.traces import Traces
    except ImportError as error:
        raise ConfigError(
            "traces.endpoint is set, and OpenTelemetry isn't installed",
            fix="pip install 'plumbline[otel]'",
        ) from error
    if not settings.endpoint.startswith(("http://", "https://")):
        raise ConfigError(
            "traces.endpoint is no web address",
            fix="write it as http://collector:4318/v1/traces",
        )
    traces = Traces(settings.endpoint, _headers(settings.headers_file))
    stack.callback(traces.close)
    return traces


def _headers(file: str) -> dict[str, str]:
    if not file:
        return {}
    fix = "name a file that holds a header a line"
    lines = text_named("traces.headers_file", file, fix).splitlines()
    headers = {}
    for number, line in enumerate(filter(str.strip, lines), 1):
        name, colon, value = line.partition(":")
        if not colon:
            raise ConfigError(
                f"traces.headers_file: header {number} of {file} has no colon",
                fix="write each as Name: value",
            )
        headers[name.strip()] = value.strip()
    return headers
