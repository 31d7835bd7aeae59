"""How it looks: pure functions from core types to text. No I/O, clock, environment or terminal."""
