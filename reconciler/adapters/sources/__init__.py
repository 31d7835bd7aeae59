"""The desired side: a Git repository or a folder, read at one pinned revision and rendered."""
