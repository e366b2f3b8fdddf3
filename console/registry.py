"""The areas of the console: each module declares its pages, in a list that `console/app.py` makes routes of."""

from console.areas.campaigns import listing, report
from console.areas.contacts.all import PAGES as CONTACTS
from console.areas.overview import overview

AREAS = (
    overview.pages,
    listing.pages,
    report.pages,
    *CONTACTS,
)
"""In this order, so `/campaigns/new` stands before `/campaigns/{campaign_id}`."""
