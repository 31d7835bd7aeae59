"""What the API server would make of a declaration, without asking it."""

from reconciler.core.expected import Expected
from reconciler.core.live import comparable
from reconciler.core.normalize.convert import converter, rule_of
from reconciler.core.normalize.metadata import declared_metadata
from reconciler.core.normalize.takeover import Takeover
from reconciler.core.resource import JsonObject
from reconciler.core.schema import Node

__all__ = ["expect"]


def expect(declared: JsonObject, live: JsonObject, node: Node | None) -> Expected:
    """Says what the server would make of a declaration, given the live object's identity.

    Args:
        declared: A manifest's body, its namespace filled in.
        live: The live object as read, of the same apiVersion.
        node: What is known of the kind; None if nothing: then nothing is known of its defaults.

    Returns:
        The body is equal to `comparable(live)` exactly where the object is in sync. Fields that
        Git doesn't mention are in it where the server filled them in, and listed as carried;
        other fields that only the live object has are left out, and so show as a difference.
        The body shares parts with both objects: it must not be changed in place.
    """
    convert = converter(node) if node is not None else None
    body: JsonObject = dict(convert(declared)) if convert is not None else dict(declared)
    body.pop("status", None)
    body["metadata"] = declared_metadata(declared, live)
    rule = rule_of(node) if node is not None else None
    if rule is not None:
        rule.apply(body)
    there = comparable(live)
    if body == there:
        return Expected(body)
    takeover = Takeover(live)
    body = takeover.body(body, there, node)
    carried, unproven = tuple(takeover.carried), tuple(takeover.unproven)
    return Expected(body, carried, unproven, hidden=takeover.hidden)
