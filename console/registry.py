"""The areas of the console: each module declares its pages, in a list that `console/app.py` makes routes of."""

from console.areas.campaigns.all import PAGES as CAMPAIGNS
from console.areas.contacts.all import PAGES as CONTACTS
from console.areas.exports import exports
from console.areas.health import health
from console.areas.links import clicks, link, links
from console.areas.messages import listing, why
from console.areas.overview import overview
from console.areas.search import search
from console.areas.segments import segments
from console.areas.sequences.all import PAGES as SEQUENCES
from console.areas.settings.all import PAGES as SETTINGS

AREAS = (
    overview.pages,
    health.pages,
    *SEQUENCES,
    *CAMPAIGNS,
    *CONTACTS,
    exports.pages,
    clicks.pages,
    links.pages,
    link.pages,
    listing.pages,
    why.pages,
    segments.pages,
    search.pages,
    *SETTINGS,
)
"""In this order, so `/campaigns/new` stands before `/campaigns/{campaign_id}`."""
