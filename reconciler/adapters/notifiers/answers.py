"""What answers over HTTP mean for whoever tells people."""

from typing import Final

#: Answers after which the same request may well succeed (RFC 9110, RFC 6585), beside all 5xx.
PASSING: Final = frozenset({408, 425, 429})
