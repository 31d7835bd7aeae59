"""A real Gitea on loopback, for the tests of pull requests.

`python -m tests.tools.gitea` gets it ready ahead of time. Its program is built from the Go module
beside this file and kept as those of `tests.tools.controlplane` are; what it reads at run time
(templates, translations) is kept beside it.
"""
