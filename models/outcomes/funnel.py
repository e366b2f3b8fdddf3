"""What became of the people of campaigns, stage by stage, and how often they clicked, of all time.

Any number of campaigns are read in one statement, from counters alone, so it costs as much for a campaign of a million people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.verdict import Verdict
from models.messages.message import MessageState
from models.messages.report import ReportKind
from models.outcomes.person_outcome import Outcome
from models.reports.clicks import Count
from models.reports.texts import REACHED, MessageCounts

ARRIVED = (ReportKind.DELIVERED, ReportKind.REPLIED, ReportKind.COMPLAINED)
"""Reports of a message that has arrived: whoever answers it or complains of it has got it."""
LOST = (ReportKind.FAILED, ReportKind.BOUNCED)


@dataclass
class CampaignCounts:
    """Messages by state and by highest report, clicks with people by verdict, and people by outcome. What nothing has is left
    out."""

    states: dict[MessageState, int] = field(default_factory=dict)
    reports: dict[ReportKind, int] = field(default_factory=dict)
    clicks: dict[Verdict, Count] = field(default_factory=dict)
    outcomes: dict[Outcome, int] = field(default_factory=dict)

    @property
    def recipients(self) -> int:
        """Returns the people with a message in any state: each has one."""
        return sum(self.states.values())

    @property
    def sent(self) -> int:
        """Returns the people whose message the channel accepted, or may have accepted."""
        return sum(self.states.get(state, 0) for state in REACHED)

    @property
    def messages(self) -> MessageCounts:
        """Returns what `count_messages` says of the same campaign."""
        by_state = {state: number for state, number in sorted(self.states.items()) if number}
        by_report = {report: number for report, number in sorted(self.reports.items()) if number}
        return MessageCounts(by_state, by_report, self.recipients, self.sent)

    @property
    def unreported(self) -> int:
        """Returns how many messages were sent of which nobody has said whether they arrived."""
        return max(self.sent - self._with(ARRIVED) - self._with(LOST), 0)

    @property
    def delivered(self) -> int | None:
        """Returns the people whose message arrived, or None when nobody knows: no message was reported as delivered, as with mail
        servers, which report at most what came back. Then an answer says nothing of the others."""
        known = self.reports.get(ReportKind.DELIVERED, 0) > 0 or self.unreported == 0
        return self._with(ARRIVED) if known else None

    def _with(self, reports: Sequence[ReportKind]) -> int:
        return sum(self.reports.get(report, 0) for report in reports)

    @property
    def human(self) -> Count:
        return self.clicks.get(Verdict.HUMAN, Count(0, 0))


# Every click has one device, known or not, so the few rows of that dimension add up to all clicks. The links come first, because
# they stand before the verdict and the dimension in the key.
COUNTS = """
WITH text AS (
    SELECT id, campaign_id FROM content WHERE campaign_id = ANY(CAST(:campaign_ids AS uuid[]))
), clicked AS (
    SELECT text.campaign_id, verdict, sum(clicks) AS clicks, sum(people) AS people
    FROM text JOIN content_link link ON link.content_id = text.id
    JOIN click_by kept ON kept.scope = 'campaign' AND kept.scope_id = text.campaign_id AND kept.link_id = link.id
        AND kept.verdict = ANY(CAST(:verdicts AS text[])) AND kept.dimension = 'device_type'
    GROUP BY text.campaign_id, verdict
)
SELECT campaign_id, 'states' AS what, state AS value, sum(messages) AS number, 0 AS people
FROM text JOIN message_count ON content_id = text.id GROUP BY campaign_id, state
UNION ALL
SELECT campaign_id, 'reports', report, sum(messages), 0
FROM text JOIN report_count ON content_id = text.id GROUP BY campaign_id, report
UNION ALL
SELECT scope_id, 'outcomes', outcome, sum(people), 0
FROM outcome_count WHERE scope = 'campaign' AND scope_id = ANY(CAST(:campaign_ids AS uuid[])) GROUP BY scope_id, outcome
UNION ALL
SELECT campaign_id, 'clicks', verdict, clicks, people FROM clicked
"""


async def count_campaigns(session: AsyncSession, campaign_ids: Sequence[UUID]) -> Mapping[UUID, CampaignCounts]:
    """Returns the counts of each of these campaigns, also of those that have nothing to count."""
    found = {campaign_id: CampaignCounts() for campaign_id in campaign_ids}
    parameters = {"campaign_ids": list(campaign_ids), "verdicts": list(Verdict)}
    for row in await session.execute(text(COUNTS), parameters):
        counts, number = found[row.campaign_id], int(row.number)
        match row.what:
            case "states":
                counts.states[MessageState(row.value)] = number
            case "reports":
                counts.reports[ReportKind(row.value)] = number
            case "outcomes":
                counts.outcomes[Outcome(row.value)] = number
            case _:
                counts.clicks[Verdict(row.value)] = Count(number, int(row.people))
    return found
