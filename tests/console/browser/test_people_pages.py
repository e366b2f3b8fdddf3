"""Pages of contacts and settings in a real browser: at a desk in the light, and on a phone in the dark."""

from datetime import datetime, timedelta
from typing import Any

from playwright.async_api import FilePayload, expect

from models.base import now
from models.database import Database
from models.sequences.event import EventKind
from settings import Settings
from tests.console.browser.conftest import Shots, Team
from tests.rows import PHONE, Rows

CSV = "external_id,email,first_name,tags,vip:boolean\ncrm-1,ada@example.com,Ada,a;b,yes\ncrm-2,nonsense,<script>,x,maybe\n"
HOSTILE = "\u202e<script>alert(1)</script>" + "x" * 150


async def a_person(team: Team, stack: Settings) -> str:
    """Somebody who was enrolled, got a message, clicked, got the next one, wrote back and did not get another one."""
    database = Database(stack.effective_database_url, 1)
    rows = Rows(database, (await team.get("/organization"))["id"])
    sequence = await rows.sequence()
    about = {"first_name": "Ingrid", "last_name": "Solheim", "external_id": "shop-118204", "email": "ingrid@post.example"}
    contact = await rows.contact(**about, tags=["customer", "hiking"], properties={"plan": "club", "note": HOSTILE})
    content, enrollment = await rows.content_of_step(sequence, "hello"), await rows.enrollment(sequence, contact)
    begun = now() - timedelta(days=2)

    def at(hours: float) -> datetime:
        return begun + timedelta(hours=hours)

    await rows.event(enrollment, EventKind.ENROLLED, 0, at=at(0))
    text = "Hi Ingrid, good to have you. Your trail guide: https://go.fjordfell.example/7Qm2KpW40xTzVa"
    sent = await rows.message(content, contact, enrollment=enrollment, created_at=at(0.1), accepted_at=at(0.1), body=text)
    await rows.event(enrollment, EventKind.STEP_LEFT, 1, "hello", at(0.2), outcome="sent", to="wait")
    await rows.event(enrollment, EventKind.STEP_ENTERED, 2, "wait", at(0.3), due_at=at(80).isoformat())
    await rows.click(sent, at=at(0.2), verdict="bot", reason="previewer", metadata=None)
    await rows.click(sent, at=at(44), metadata=PHONE, reason="browser")
    await rows.event(enrollment, EventKind.STEP_LEFT, 2, "wait", at(44.0001), outcome="clicked", to="thanks")
    more: dict[str, Any] = {
        "step_key": "thanks",
        "step_run": 3,
        "body": "You read the guide, so you know what your feet need.",
        "subject": "15% off",
    }
    html = "<style>h1 { color: teal }</style><h1>15% off</h1><p>You read the guide.</p>"
    await rows.message(
        content, contact, enrollment=enrollment, created_at=at(44.0002), accepted_at=at(44.0003), html=html, **more
    )
    await database.close()
    await team.post(f"/contacts/{contact.id}/consent", {"state": "opted_in", "medium": "sms", "reason": "At the till in Oslo"})
    await team.post("/contacts", {"first_name": HOSTILE, "email": "x@example.com", "tags": ["customer"]})
    await team.post("/suppressions", {"medium": "email", "address": "bounced@example.com"})
    await team.post("/organization/link-domains", {"host": "go.fjordfell.example"})
    await team.post("/api-keys", {"name": HOSTILE[:100], "role": "sender"})
    return str(contact.id)


async def pages(team: Team, stack: Settings) -> dict[str, str]:
    contact = f"/contacts/{await a_person(team, stack)}"
    channels = (await team.get("/channels"))["items"]
    channel = f"/settings/channels/{channels[0]['id']}"
    return {
        "contact": contact,
        "contacts": "/contacts",
        "edit": f"{contact}/edit",
        "consent": f"{contact}/consent",
        "why-not": f"{contact}/why",
        "import": "/contacts/import",
        "replies": "/replies",
        "suppressions": "/suppressions",
        "settings": "/settings",
        "channels": "/settings/channels",
        "channel": channel,
        "channel-new": "/settings/channels/new",
        "channel-smtp": "/settings/channels/new?kind=smtp",
        "inbox": f"{channel}/inbox",
        "link-domains": "/settings/link-domains",
        "targets": "/settings/notification-targets",
        "target-new": "/settings/notification-targets/new",
        "keys": "/settings/api-keys",
        "sessions": "/settings/sessions",
        "audit": "/settings/audit-log",
    }


async def test_every_page_at_a_desk(team: Team, stack: Settings, shots: Shots) -> None:
    for name, path in (await pages(team, stack)).items():
        await team.open(path)
        await expect(team.page.get_by_role("heading", level=1)).to_have_count(1)
        await shots.take(team.page, name)
        await team.assert_accessible()


async def test_every_page_on_a_phone_in_the_dark(phone: Team, stack: Settings, shots: Shots) -> None:
    for name, path in (await pages(phone, stack)).items():
        await phone.open(path)
        await shots.take(phone.page, f"{name}-phone")
        await phone.assert_accessible()
        assert await phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


async def test_dialogs_have_the_safe_button_first_and_nothing_wrong(team: Team, stack: Settings, shots: Shots) -> None:
    contact = await a_person(team, stack)
    await team.open(f"/contacts/{contact}")
    await team.page.get_by_role("button", name="Erase…").click()
    await expect(team.page.get_by_role("button", name="Keep them")).to_be_focused()
    await shots.take(team.page, "erase", full_page=False)
    await team.assert_accessible()
    await team.page.keyboard.press("Escape")
    await expect(team.page.get_by_role("dialog")).to_have_count(0)


async def test_a_mail_is_shown_with_its_styles_and_without_its_scripts(team: Team, stack: Settings) -> None:
    await team.open(f"/contacts/{await a_person(team, stack)}")
    await team.page.get_by_text("The mail as it looks").click()
    heading = team.page.frame_locator("iframe.letter").get_by_role("heading", name="15% off")
    await expect(heading).to_be_visible()
    await expect(heading).to_have_css("color", "rgb(0, 128, 128)")


async def test_a_file_is_looked_at_and_then_imported(team: Team, shots: Shots) -> None:
    await team.open("/contacts/import")
    file = FilePayload(name="people.csv", mimeType="text/csv", buffer=CSV.encode())
    await team.page.get_by_label("A CSV file").set_input_files(file)
    await team.page.get_by_role("button", name="Show what it would do").click()
    await expect(team.page.get_by_role("button", name="Import 2 rows")).to_be_visible()
    await shots.take(team.page, "preview")
    await team.assert_accessible()
    await team.page.get_by_role("button", name="Import 2 rows").click()
    await expect(team.page.locator("h1 + .badge")).to_have_text("Completed")
    await shots.take(team.page, "progress")
    await team.assert_accessible()
    await team.page.get_by_role("link", name="Contacts", exact=True).last.click()
    await expect(team.page.locator("tbody th").first).to_contain_text("<script>")
    await team.page.locator("tbody input").first.check()
    await team.page.get_by_placeholder("Tag", exact=True).fill("warm")
    await team.page.get_by_role("button", name="Add tag").click()
    await expect(team.page.locator(".chip")).to_contain_text("warm")
