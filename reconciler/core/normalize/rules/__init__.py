"""Defaults that depend on what else is given, by type; each names the function that it repeats.

Paths in these modules are those of k8s.io/kubernetes. A rule gets the converted object and may
change it, but nothing inside it in place: inner values are shared.
"""

from collections.abc import Mapping

from reconciler.core.normalize.rules import cluster, core, workloads
from reconciler.core.normalize.rules.rule import Rule

__all__ = ["RULES", "Rule"]

#: By the type's name in the bundled table. A root's rule runs once its metadata is in place.
RULES: Mapping[str, Rule] = {**core.RULES, **workloads.RULES, **cluster.RULES}
