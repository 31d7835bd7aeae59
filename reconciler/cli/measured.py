"""What node agents measured, as files: for audits that say which roots could be read-only."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.core.containers import NodeLook
    from reconciler.core.hardening.auditing import Subject
    from reconciler.core.hardening.findings import Audit
    from reconciler.core.hardening.measuring import Measurement

#: A look that lists 20,000 files of each of a hundred containers.
_LONGEST = 1 << 30


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured.

    Attributes:
        measurements: Of each container.
        least: For how many seconds it must have run.
    """

    measurements: "Sequence[Measurement]"
    least: int

    def added(self, audit: "Audit", subjects: "Sequence[Subject]") -> "Audit":
        """Adds it to an audit; where live pods were audited, their owners say whose they are."""
        from reconciler.core.hardening.measuring import measured, owners_of

        owners = owners_of(subjects)
        return measured(audit, subjects, self.measurements, owners, self.least)


def measured_of(options: argparse.Namespace) -> Measured | None:
    """Reads the files that `--measured` names; None for none.

    Raises:
        ConfigError: One can't be read, or is something else.
    """
    from reconciler.core.hardening.measuring import measurements_of

    if not options.measured:
        return None
    found = [each for file in options.measured for each in measurements_of(_look(file))]
    return Measured(found, int(options.measured_for))


def _look(file: str) -> "NodeLook":
    from reconciler.core.hardening.documents import look_in

    try:
        with Path(file).open("rb") as opened:
            held = opened.read(_LONGEST)
        return look_in(json.loads(held))
    except OSError as error:
        raise ConfigError(f"--measured {file}: {error.strerror}", fix="name a file") from None
    except (ValueError, RecursionError):
        raise ConfigError(
            f"--measured {file}: this is no JSON",
            fix="`plumbline containers --node-local -o json > looks.json`",
        ) from None
    except ConfigError as error:
        raise ConfigError(f"--measured {file}: {error.message}", fix=error.fix) from None
