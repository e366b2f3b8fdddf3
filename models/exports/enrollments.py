"""Exports of enrollments: who is, or was, in which version of a sequence, where, and how it ended."""

from models.exports.columns import CONTACT, OWNERS, Column, moment, plain
from models.exports.export import Source
from models.sequences.enrollment import EnrollmentState

ENROLLMENTS = Source(
    table="enrollment",
    kind="state",
    kinds=tuple(EnrollmentState),
    columns=(
        plain("id", "enrollment.id"),
        moment("created_at", "enrollment.created_at"),
        moment("finished_at", "enrollment.finished_at"),
        plain("state", "enrollment.state"),
        Column("step_key", "enrollment.step_key"),
        plain("step_run", "enrollment.step_run"),
        moment("due_at", "enrollment.due_at"),
        Column("outcome", "enrollment.outcome"),
        moment("stop_requested_at", "enrollment.stop_requested_at"),
        plain("version", "version.version"),
        plain("cause", "enrollment.cause"),
        *OWNERS,
        *CONTACT,
    ),
    joins="""
    JOIN contact ON contact.id = enrollment.contact_id
    JOIN sequence ON sequence.id = enrollment.sequence_id
    JOIN sequence_version version ON version.id = enrollment.sequence_version_id
    LEFT JOIN campaign ON campaign.id = enrollment.campaign_id""",
    owners={
        "contact_id": "contact_id = :contact_id",
        "campaign_id": "campaign_id = :campaign_id",
        "sequence_id": "sequence_id = :sequence_id",
    },
    conditions={
        "contact_id": "enrollment.contact_id = :contact_id",
        "campaign_id": "enrollment.campaign_id = :campaign_id",
        "sequence_id": "enrollment.sequence_id = :sequence_id",
        "step": "enrollment.step_key = :step",
        "version": "version.version = :version",
        "due_before": "enrollment.due_at < :due_before",
        "tag": "CAST(:tag AS text) = ANY(contact.tags)",
    },
)
