"""The step `update_contact`: tags, names and properties of the contact change."""

from typing import Literal

from models.contacts.change_many import ContactChange
from models.sequences.steps.base import InstantEffect, StepKey


class UpdateContactStep(InstantEffect):
    """Change tags, fields and properties of the contact. Its outcome is `updated`, `unchanged`, or why it could not be done."""

    kind: Literal["update_contact"] = "update_contact"
    key: StepKey
    change: ContactChange
    next: StepKey | None = None
