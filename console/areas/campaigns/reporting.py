"""All pages about a launched campaign."""

from console.areas.campaigns import follow_ups, history, message, recipients, report

PAGES = (report.pages, recipients.pages, message.pages, follow_ups.pages, history.pages)
