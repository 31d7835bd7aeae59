"""Stand-ins for what is outside, behind the same ports; tests/contract holds them to it."""
