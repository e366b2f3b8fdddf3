"""What diagnostics say about clicks, metadata, location and delivery: pure functions from facts to findings."""

from collections.abc import Iterator

from api.diagnostics.consent import FINDINGS as EXPLAINED
from api.diagnostics.finding import NOTHING, Code, Finding, Severity, Subject, plural, since
from models.reports.diagnostics import Facts
from services.clicks.geo_locations import PlacesState
from services.gate import CONTACT_ERASED
from tracking.links.hosts import host_of, is_private

# When at least this share of clicks has no country, TRUSTED_PROXIES is worth a look.
UNKNOWN_SHARE = 0.2


def tracking(subject: Subject) -> Iterator[Finding]:
    """Finds whether link tracking is on at every level, and whether it was when the messages went out."""
    for level in subject.off_at:
        whole = "the whole organization" if level == "organization" else f"this {level}"
        yield Finding(
            code="link_tracking_off",
            question=subject.tracking_question,
            severity="info" if subject.all_tracked else "problem",
            level=level,
            sentence=f"Link tracking is off for {whole}{_off_means(subject)}",
            what_to_change=NOTHING if subject.all_tracked else _turn_on(level, subject.live),
        )
    untracked, tracked = subject.facts.sent(False), subject.facts.sent(True)
    if untracked and subject.has_links:
        yield Finding(
            code="sent_untracked",
            question=subject.tracking_question,
            severity="warning" if tracked else "problem",
            count=untracked,
            sentence=f"{untracked:,} of {plural(untracked + tracked, 'message')} went out while link tracking was off: clicks on "
            "their links can never be seen.",
            what_to_change="Nothing can be done for these. Check link_tracking before the next message goes out.",
        )
    if subject.live and not subject.has_links:
        yield Finding(
            code="no_links",
            question=subject.tracking_question,
            severity="problem",
            sentence="No text contains a link that can be tracked.",
            what_to_change="Put a web address (https://…) into the message. Phone, e-mail and unsubscribe links are not tracked.",
        )


def _off_means(subject: Subject) -> str:
    """Returns the rest of the sentence. Links that went out tracked keep counting, whatever is switched off later."""
    if subject.all_tracked:
        return ": this concerns future messages. Those of this campaign went out with tracked links, and their clicks count."
    if tracked := subject.facts.sent(True):
        went = plural(tracked, "message")
        return f": links go out unchanged now, their clicks are not seen. {went} went out before with tracked links, which count."
    return ", so links go out unchanged and no click is seen."


def _turn_on(level: str, live: bool) -> str:
    if level == "campaign" and live:
        return "A launched campaign stays as it is. In the next one, leave link_tracking out or set it to true."
    return f"Set link_tracking of the {level} to true: what is sent from then on is tracked, what was sent stays untracked."


def clicks(subject: Subject) -> Iterator[Finding]:
    """Finds whether anything was sent that can be clicked, and whether clicks are on their way."""
    facts = subject.facts
    if not subject.live:
        yield Finding(
            code="not_launched" if subject.level == "campaign" else "not_published",
            question="clicks_not_showing",
            severity="info",
            sentence=f"This {subject.level} is a draft: nothing was sent.",
            what_to_change=f"{'Launch' if subject.level == 'campaign' else 'Publish'} it.",
        )
    elif not facts.sent(True) and not facts.sent(False):
        yield Finding(
            code="nothing_sent",
            question="clicks_not_showing",
            severity="warning",
            sentence="No message has gone out yet.",
            what_to_change="Look at the other findings: contacts left out, failed messages, or work that was not started yet.",
        )
    elif facts.sent(True) and not facts.clicks.people:
        yield _nobody_clicked(facts)
    yield from stuck_clicks(facts)


def _nobody_clicked(facts: Facts) -> Finding:
    sent = plural(facts.sent(True), "tracked message")
    if facts.clicks.machines:
        return Finding(
            code="only_machine_clicks",
            question="clicks_not_showing",
            severity="info",
            count=facts.clicks.machines,
            sentence=f"{plural(facts.clicks.machines, 'click')} came from machines (bots, scanners), none from a person.",
            what_to_change="Reports show people by default: ask for verdict=all to see these clicks and their reasons.",
        )
    return Finding(
        code="no_clicks_yet",
        question="clicks_not_showing",
        severity="info",
        sentence=f"{sent} went out, and nobody has clicked yet.",
        what_to_change="To try it, open a link of a message yourself: the click shows up within seconds.",
    )


def stuck_clicks(facts: Facts) -> Iterator[Finding]:
    if facts.inbox.rows:
        yield Finding(
            code="clicks_waiting",
            question="clicks_not_showing",
            severity="problem",
            sentence=f"Clicks are stored but not recorded yet: the oldest of all waits since {since(facts.inbox.oldest)}.",
            what_to_change="No click is lost. Check that the worker runs and reaches Temporal; if so, raise RECORDER_SHARDS.",
        )
    if facts.rejected:
        yield Finding(
            code="clicks_rejected",
            question="clicks_not_showing",
            severity="problem",
            count=facts.rejected,
            sentence=f"{plural(facts.rejected, 'click')} could not be recorded and were set aside.",
            what_to_change="Read the column problem of the table click_rejected.",
        )


def metadata(subject: Subject, places: PlacesState) -> Iterator[Finding]:
    """Finds why clicks have no location or device."""
    facts = subject.facts.clicks
    if not subject.organization.link_tracking_metadata:
        yield Finding(
            code="metadata_off",
            question="no_metadata",
            severity="problem",
            level="organization",
            sentence="The organization keeps no metadata, so clicks have no location and no device. Since when is not known.",
            what_to_change="Set link_tracking_metadata of the organization to true. Clicks made before stay without.",
        )
    elif places.problem:
        missing = places.path is None or not places.path.exists()
        yield Finding(
            code="geo_database_missing" if missing else "geo_database_broken",
            question="no_metadata",
            severity="problem",
            sentence=f"{places.problem.rstrip('.')}. Clicks have a device, but no country and no city.",
            what_to_change="Point GEO_DATABASE to a GeoLite2, GeoIP2 or DB-IP City file that can be read.",
        )
    if facts.without_metadata:
        yield Finding(
            code="clicks_without_metadata",
            question="no_metadata",
            severity="info",
            count=facts.without_metadata,
            sentence=f"Neither location nor device is known for {facts.without_metadata:,} of {plural(facts.people, 'click')}: "
            "the organization kept no metadata then.",
            what_to_change="Nothing can be done for these: neither IP address nor user agent was stored.",
        )


def location(subject: Subject, places: PlacesState, link_domain: str) -> Iterator[Finding]:
    """Finds why a location can be wrong or missing. `link_domain` is the base of the links."""
    facts = subject.facts.clicks
    described = facts.people - facts.without_metadata
    if not subject.organization.link_tracking_metadata and not described:
        return
    yield from _database_age(places)
    if facts.without_country and facts.without_country >= UNKNOWN_SHARE * described and not places.problem:
        yield _country_unknown(facts.without_country, described, link_domain)
    if described > facts.without_country:
        yield Finding(
            code="location_approximate",
            question="location_wrong",
            severity="info",
            sentence="Locations come from IP addresses and are approximate: the country is mostly right, the city is often that "
            "of the provider, and a VPN shows its own place.",
            what_to_change=NOTHING,
        )


def _country_unknown(number: int, described: int, link_domain: str) -> Finding:
    """IP addresses are not kept, so whether the clicks can be from elsewhere is seen from the address of their links."""
    local = is_private(host_of(link_domain))
    here = f"their links lead to {link_domain}, which only this machine or a private network can open: addresses there have none."
    why = here if local else "their addresses are private or not in the geo database."
    proxy = "If the redirect stands behind a proxy, add the proxy's network to TRUSTED_PROXIES and have it send X-Forwarded-For."
    return Finding(
        code="country_unknown",
        question="location_wrong",
        severity="info" if local else "warning",
        count=number,
        sentence=f"No country is known for {number:,} of {plural(described, 'click')} with metadata: {why}",
        what_to_change=NOTHING if local else proxy,
    )


def _database_age(places: PlacesState) -> Iterator[Finding]:
    if places.problem or not places.build_date:
        return
    built = f"{places.build_date:%Y-%m-%d} ({plural(places.age.days if places.age else 0, 'day')} old)"
    if places.demo:
        yield Finding(
            code="geo_database_demo",
            question="location_wrong",
            severity="warning",
            sentence=f"Locations come from the demo geo database of {built}: many addresses have moved since.",
            what_to_change="Point GEO_DATABASE to a current GeoLite2, GeoIP2 or DB-IP City file.",
        )
    elif places.old:
        yield Finding(
            code="geo_database_old",
            question="location_wrong",
            severity="warning",
            sentence=f"The geo database is of {built}.",
            what_to_change="Replace the file that GEO_DATABASE points to weekly; a new one is taken without a restart.",
        )


def delivery(subject: Subject) -> Iterator[Finding]:
    """Finds who did not get the message, and why."""
    facts = subject.facts
    if facts.in_state("skipped"):
        yield _undelivered(facts, "skipped", "contacts_skipped", "warning", _left_out(subject))
    if failed := facts.in_state("failed"):
        yield _undelivered(facts, "failed", "messages_failed", "problem", f"{plural(failed, 'message')} failed")
    if refused := facts.in_state("planned"):
        reasons = _reasons(facts, "planned")
        yield Finding(
            code="messages_refused",
            question="delivery",
            severity="warning",
            count=refused,
            sentence=f"The channel refuses {plural(refused, 'message')} for now: {reasons}. They are tried again for a day and "
            "fail then.",
            what_to_change="List them with GET /v1/messages?state=planned and ask the provider why it refuses them.",
        )
    if unknown := facts.in_state("unknown"):
        yield Finding(
            code="messages_unknown",
            question="delivery",
            severity="warning",
            count=unknown,
            sentence=f"Of {plural(unknown, 'message')} nobody knows whether the provider sent them: the call was interrupted. "
            "They are never sent again blindly, and their clicks count.",
            what_to_change="Ask the provider about them (GET /v1/messages?state=unknown).",
        )


def _left_out(subject: Subject) -> str:
    """A campaign has one message for a contact. In a sequence one contact can miss several messages, or get some of them."""
    skipped, facts = subject.facts.skipped, subject.facts
    if subject.level == "campaign":
        return f"{plural(facts.in_state('skipped'), 'contact')} got no message"
    none = f"{skipped.unreached:,} of them got no message at all" if skipped.unreached else "all of them got another one"
    left_out = plural(facts.in_state("skipped"), "message")
    return f"{left_out} for {plural(skipped.contacts, 'contact')} left out, and {none}"


def _undelivered(facts: Facts, state: str, code: Code, severity: Severity, what: str) -> Finding:
    return Finding(
        code=code,
        question="delivery",
        severity=severity,
        count=facts.in_state(state),
        sentence=f"{what}: {_reasons(facts, state)}.",
        what_to_change=_cure(facts, state),
    )


def _cure(facts: Facts, state: str) -> str:
    """Reasons that findings of their own explain, and an erasure, are nothing to change here."""
    reasons = [each.reason.partition(":")[0] for each in facts.reasons if each.state == state]
    left = sorted({each for each in reasons if each in {*EXPLAINED, CONTACT_ERASED}})
    cure = f"List them with GET /v1/messages?state={state}"
    if not left:
        return f"{cure} and change what the reason names."
    if set(left) == set(reasons):
        return f"{cure}. Such people get nothing on purpose: {', '.join(left)}."
    return f"{cure} and change what the reason names, apart from {', '.join(left)}: such people get nothing on purpose."


def _reasons(facts: Facts, state: str) -> str:
    return ", ".join(f"{each.reason} ({each.messages:,})" for each in facts.reasons if each.state == state)
