"""The pages of settings, those with a word in their address before those with an id in its place."""

from console.areas.settings import access, audit_log, channel_work, channels, link_domains, organization, targets

PAGES = (
    organization.pages,
    access.pages,
    audit_log.pages,
    link_domains.pages,
    targets.pages,
    channels.pages,
    channel_work.pages,
)
