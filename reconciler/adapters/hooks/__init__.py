"""Pushes that forges tell of: GitHub, GitLab, Gitea and Forgejo."""
