"""What does not keep a campaign from being launched, and still is worth knowing before."""

from collections.abc import Iterator

from models.campaigns.campaign import Campaign
from models.errors import FieldError
from models.organizations.cascade import tracking_off_at
from models.organizations.organization import Organization
from services.launch import Checked


def launch_warnings(organization: Organization, campaign: Campaign, checked: Checked) -> Iterator[FieldError]:
    if checked.channel.paused_at is not None:
        yield FieldError("channel", "The channel is paused: messages wait until somebody resumes it.")
    off_at = tracking_off_at(organization, "campaign", campaign.link_tracking)
    if off_at:
        whose = "the whole organization" if "organization" in off_at else "this campaign"
        yield FieldError(
            "link_tracking", f"Link tracking is off for {whose}: addresses go out as they are written, and no click is seen."
        )
    elif checked.compiled is not None and not checked.compiled.links:
        yield FieldError("message.links", "There is no address in the text, so nobody can click.")
