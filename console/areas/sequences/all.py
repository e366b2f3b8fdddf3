"""The pages of sequences and enrollments, in the order in which their addresses are looked at."""

from console.areas.sequences import definition, editor, enroll, enrollment, flow, listing, people, report

PAGES = (
    listing.pages,
    editor.pages,
    flow.pages,
    people.pages,
    report.pages,
    enroll.pages,
    definition.pages,
    enrollment.pages,
)
