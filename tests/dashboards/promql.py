"""Which labels a PromQL expression keeps, from its syntax tree and the catalogue; for the tests of boards and rules."""

import promql_parser as promql

from tocsin_dashboards.scraped import labels


class WrongLabels(Exception):  # noqa: N818
    """An expression groups, matches or shows by a label that is not there."""


def kept(expr, known):
    """The labels of the expression's series; None for a number. Raises ValueError when it does not parse."""
    return _kept(promql.parse(expr), known)


def _kept(node, known):
    match type(node).__name__:
        case "NumberLiteral" | "StringLiteral":
            return None
        case "VectorSelector":
            return _selected(node, known)
        case "MatrixSelector":
            return _selected(node.vector_selector, known)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return _kept(node.expr, known)
        case "Call":
            return _called(node, known)
        case "AggregateExpr":
            return _aggregated(node, known)
        case "BinaryExpr":
            return _joined(node, known)
    raise AssertionError(f"what is a {type(node).__name__}?")


def _selected(selector, known):
    has = labels(selector.name, known)
    if not has:
        raise WrongLabels(f"{selector.name} is not in the catalogue")
    return has


def _called(node, known):
    inside = [found for each in node.args if (found := _kept(each, known)) is not None]
    if not inside:
        return None
    match node.func.name:
        case "histogram_quantile":
            if "le" not in inside[0]:
                raise WrongLabels("histogram_quantile needs le")
            return inside[0] - {"le"}
        case "label_replace":
            return inside[0] | {node.args[1].val}
    return inside[0]


def _aggregated(node, known):
    inside = _kept(node.expr, known)
    if node.modifier is None:
        return set()
    by = set(node.modifier.labels)
    if by - inside:
        raise WrongLabels(f"{sorted(by - inside)} is not there to group by")
    return by if node.modifier.type == promql.AggModifierType.By else inside - by


def _joined(node, known):
    left, right = _kept(node.lhs, known), _kept(node.rhs, known)
    if left is None or right is None:
        return left if right is None else right
    matching = node.modifier.matching if node.modifier else None
    operator = str(node.op)
    on = set(matching.labels) if matching else None
    if on is not None and (on - left or on - right):
        raise WrongLabels(f"{sorted(on - left | on - right)} is not on both sides")
    if operator == "or":
        return left | right
    if on is None and left != right:
        raise WrongLabels(f"{sorted(left ^ right)} is on one side only, so nothing matches")
    if operator in ("and", "unless") or on is None:
        return left
    card = node.modifier.card
    return left if card == promql.VectorMatchCardinality.ManyToOne else on
