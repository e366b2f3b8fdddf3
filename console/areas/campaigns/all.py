"""The pages of campaigns, those with a word in their address before those with an id in its place."""

from console.areas.campaigns import comparing, editing, launching, listing, previewing
from console.areas.campaigns.reporting import PAGES as REPORTS

PAGES = (listing.pages, comparing.pages, previewing.pages, editing.pages, launching.pages, *REPORTS)
