"""Alembic's migrations of the history's tables, run whenever a history is opened."""
