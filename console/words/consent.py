"""Who gets marketing, as the organization has set it (`consent_required`)."""

from collections.abc import Collection

MEDIA = {"sms": "by SMS", "email": "by e-mail"}
NEEDED, FREE = "only to people who have opted in", "to everybody who has not opted out"


def who_gets_marketing(required: Collection[str], medium: str | None = None) -> str:
    """By one medium, or by each of them. `required` are the media whose marketing needs an opt-in."""
    asked = [medium] if medium in MEDIA else list(MEDIA)
    said = {each: NEEDED if each in required else FREE for each in asked}
    if len(set(said.values())) == 1:
        return said[asked[0]]
    return ", ".join(f"{MEDIA[each]} {words}" for each, words in said.items())
