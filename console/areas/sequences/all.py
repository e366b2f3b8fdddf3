"""The pages of sequences and enrollments, in the order in which their addresses are looked at."""

from console.areas.sequences import editor, flow, listing

PAGES = (listing.pages, editor.pages, flow.pages)
