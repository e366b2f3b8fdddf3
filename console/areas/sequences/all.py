"""The pages of sequences and enrollments, in the order in which their addresses are looked at."""

from console.areas.sequences import flow, listing

SEQUENCES = (listing.pages, flow.pages)
