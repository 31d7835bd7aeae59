"""Makes `reconciler/data/schema.json`: what a real API server would make of declarations.

`python -m tests.tools.schema` asks a real API server for its OpenAPI and Kubernetes' own Go types
for their tags and defaulting functions, and writes the table that `reconciler.core.schema.load`
reads; `--check` says whether the one that is there differs.
"""
