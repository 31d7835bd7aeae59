"""GitHub's own description of its API: what of it the tests need, and judging calls by it."""
