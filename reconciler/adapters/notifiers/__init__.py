"""Where people are told: one module a way."""
