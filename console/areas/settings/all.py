"""The pages of settings, those with a word in their address before those with an id in its place."""

from console.areas.settings import organization

PAGES = (organization.pages,)
