"""A segment's rules in one sentence."""

from console.areas.segments.kinds import TITLES
from console.areas.segments.tree import Rule

LONGEST = 240


def in_words(root: Rule) -> str:
    """`People who have tags (vip) and not have clicked`. A long one ends with an ellipsis."""
    said = f"People who {_group(root)}"
    return said if len(said) <= LONGEST else said[: LONGEST - 1].rstrip() + "…"


def _group(group: Rule) -> str:
    word = " and " if group.join == "all" else " or "
    return word.join(_one(each) for each in group.rules)


def _one(rule: Rule) -> str:
    said = f"({_group(rule)})" if rule.is_group else _leaf(rule)
    return f"do not {said}" if rule.negated else said


def _leaf(rule: Rule) -> str:
    shape = rule.shape
    options = [dict(choice.options).get(rule.values.get(choice.name, choice.first), "") for choice in shape.choices]
    named = [rule.values[name] for name in ("name", "tags", "link") if name in rule.values and (shape.named or name != "name")]
    compared = [
        f"{shape.comparisons[name][0].removesuffix(':')} {value}" for name, value in rule.pairs if name in shape.comparisons
    ]
    details = ", ".join(each for each in (*options, *named, *compared) if each)
    return f"{TITLES[rule.kind]} ({details})" if details else TITLES[rule.kind]
