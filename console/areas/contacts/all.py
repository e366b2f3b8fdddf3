"""The pages of contacts, those with a word in their address before those with an id in its place."""

from console.areas.contacts import (
    answers,
    contacts,
    conversation,
    editing,
    enrolling,
    enrolling_chosen,
    erasing,
    importing,
    replies,
    suppressions,
    why_not,
)

PAGES = (
    contacts.pages,
    importing.pages,
    replies.pages,
    suppressions.pages,
    editing.pages,
    enrolling_chosen.pages,
    enrolling.pages,
    answers.pages,
    why_not.pages,
    erasing.pages,
    conversation.pages,
)
