"""The builder's form: its fields as a tree of rules, and what its buttons do to the tree."""

from console.areas.segments.kinds import KINDS
from console.areas.segments.tree import Rule
from console.page import Page
from console.refused import Refused
from models.segments.definition import MAX_CONDITIONS

REPEATS = ("rule", "compare:", "value:")
"""Fields that stand in the form several times."""
VALUES = ("about", "link", "name", "tags", "has", "state", "message_kind", "medium")


MOST = 2 * MAX_CONDITIONS
"""The most rules of a form that are read: more than the API takes, which refuses one too many with its sentence."""


def read_form(page: Page) -> Rule:
    """Every rule has its place in `rule`, in the order of the page, and its fields begin with it. Raises Refused for a form with
    more rules than are read: leaving one out would change who is found."""
    places = page.fields("rule")
    if len(places) > MOST:
        text = f"A segment has at most {MAX_CONDITIONS} conditions, and this form has {len(places)}. Nothing was saved."
        raise Refused(422, "These are too many conditions", text)
    root = Rule("group", join=_join(page.field("join:")))
    known = {"": root}
    for place in places:
        above, _, _ = place.rpartition(".")
        if above not in known or not known[above].is_group:
            continue
        kind = page.field(f"kind:{place}")
        rule = Rule(
            kind if kind in KINDS or kind == "group" else "tags",
            page.field(f"not:{place}") == "1",
            _join(page.field(f"join:{place}")),
            {name: value for name in VALUES if (value := page.field(f"{name}:{place}"))},
            list(zip(page.fields(f"compare:{place}"), page.fields(f"value:{place}"), strict=False)),
        )
        known[place] = rule
        known[above].rules.append(rule)
    return root


def _join(value: str) -> str:
    return value if value in ("all", "any") else "all"


def press(root: Rule, button: str) -> None:
    """Does what a button says: `add:0.1` puts a rule into that group, `remove:0.1` takes one away."""
    root.number()
    verb, _, place = button.partition(":")
    rules = {each.place: each for each in root.walk()}
    rule = rules.get(place)
    if rule is None:
        return
    if verb == "remove" and place:
        above = rules[place.rpartition(".")[0]]
        above.rules.remove(rule)
    elif verb in ("add", "but-not") and rule.is_group:
        rule.rules.append(Rule(negated=verb == "but-not"))
    elif verb == "group" and rule.is_group:
        rule.rules.append(Rule("group", join="any" if rule.join == "all" else "all", rules=[Rule()]))
    elif verb == "compare":
        taken = {name for name, _ in rule.pairs}
        free = next((name for name in rule.shape.comparisons if name not in taken), None)
        rule.pairs += [(free, "")] if free else []


def tidy(root: Rule) -> Rule:
    """Shows what each kind needs: a comparison to fill in, and no group without a rule."""
    for rule in root.walk():
        kind = rule.shape
        rule.pairs = [each for each in rule.pairs if each[0] in kind.comparisons]
        if not rule.is_group and kind.least and not rule.pairs:
            rule.pairs = [(next(iter(kind.comparisons)), "")]
    root.rules = root.rules or [Rule()]
    root.number()
    return root
