"""A segment's definition as the builder edits it: groups of rules, each of which may be negated.

Every definition can be shown so and comes back with the same meaning: `not` becomes a mark on the rule. A rule's place, such as
`0.2`, names its fields in the form.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.areas.segments.kinds import KINDS, Kind
from console.words.times import Times

TWICE = "This compares twice with “{}”: write each into a condition of its own."


@dataclass
class Rule:
    """A condition, or with `rules` a group of them that `join` says how to put together. `values` are as they are typed, by the
    names of the condition's fields, and `pairs` are its comparisons."""

    kind: str = "tags"
    negated: bool = False
    join: str = "all"
    values: dict[str, str] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    rules: "list[Rule]" = field(default_factory=list)
    place: str = ""
    fault: str = ""
    count: int | None = None

    @property
    def is_group(self) -> bool:
        return self.kind == "group"

    @property
    def shape(self) -> Kind:
        return KINDS.get(self.kind, KINDS["tags"])

    def walk(self) -> "Iterator[Rule]":
        """This rule and all below it, in the order in which they are shown."""
        yield self
        for each in self.rules:
            yield from each.walk()

    def number(self, place: str = "") -> None:
        """Gives every rule its place."""
        self.place = place
        for index, each in enumerate(self.rules):
            each.number(f"{place}.{index}" if place else str(index))


def read_definition(definition: Mapping[str, Any], times: Times) -> Rule:
    """The root is always a group."""
    found = _rule(definition, times)
    root = found if found.is_group and not found.negated else Rule("group", rules=[found])
    root.number()
    return root


def _rule(condition: Mapping[str, Any], times: Times) -> Rule:
    if "not" in condition:
        inner = _rule(condition["not"], times)
        inner.negated = not inner.negated
        return inner
    for join in ("all", "any"):
        if join in condition:
            return Rule("group", join=join, rules=[_rule(each, times) for each in condition[join]])
    return _leaf(condition, times)


def _leaf(condition: Mapping[str, Any], times: Times) -> Rule:
    kind = KINDS[condition["kind"]]
    rule = Rule(condition["kind"])
    for name, value in condition.items():
        if name in kind.comparisons:
            rule.pairs.append((name, kind.comparisons[name][1].write(value, times)))
        elif name in ("campaign_id", "sequence_id", "link_id"):
            rule.values["about"] = f"{name.removesuffix('_id')}:{value}"
        elif name == "tags":
            rule.values[name] = ", ".join(value)
        elif name != "kind":
            rule.values[name] = str(value)
    return rule


def as_definition(rule: Rule, times: Times, path: str = "definition") -> tuple[dict[str, Any], dict[str, Rule]]:
    """Returns the definition, and the rule at each path that the API may name in a fault."""
    paths = {path: rule}
    path = f"{path}.not" if rule.negated else path
    paths[path] = rule
    if rule.is_group:
        inner = list[dict[str, Any]]()
        for index, each in enumerate(rule.rules):
            written, below = as_definition(each, times, f"{path}.{rule.join}[{index}]")
            inner.append(written)
            paths |= below
        condition: dict[str, Any] = {rule.join: inner}
    else:
        condition = _condition(rule, times)
    return ({"not": condition} if rule.negated else condition), paths


def _condition(rule: Rule, times: Times) -> dict[str, Any]:
    kind, condition = rule.shape, {"kind": rule.kind}
    found: dict[str, Any] = dict(condition)
    for choice in kind.choices:
        found[choice.name] = rule.values.get(choice.name) or choice.first
    if kind.named:
        found["name"] = rule.values.get("name", "")
    if kind.tags:
        found["tags"] = [each.strip() for each in rule.values.get("tags", "").split(",") if each.strip()]
    what, _, value = rule.values.get("about", "").partition(":")
    if kind.about and value:
        found[f"{what}_id"] = value
    if kind.link and rule.values.get("link"):
        found["link"] = rule.values["link"]
    for name, written in rule.pairs:
        if name in kind.comparisons and written.strip():
            found[name] = kind.comparisons[name][1].read(written, times)
    return found


def mark_doubles(root: Rule) -> bool:
    """Puts a fault at each condition that compares twice in the same way, because its definition keeps one. Returns whether there
    is one."""
    found = False
    for rule in root.walk():
        written = [name for name, value in rule.pairs if name in rule.shape.comparisons and value.strip()]
        for name in dict.fromkeys(each for each in written if written.count(each) > 1):
            rule.fault, found = TWICE.format(rule.shape.comparisons[name][0].removesuffix(":")), True
    return found


def mark_faults(paths: Mapping[str, Rule], faults: Mapping[str, str]) -> dict[str, str]:
    """Puts each fault at the rule that it is about, and returns those that belong to none."""
    left = dict[str, str]()
    for name, sentence in faults.items():
        fitting = [path for path in paths if name == path or name.startswith((f"{path}.", f"{path}["))]
        if fitting:
            rule = paths[max(fitting, key=len)]
            rule.fault = f"{rule.fault} {sentence}".strip()
        else:
            left[name] = sentence
    return left
