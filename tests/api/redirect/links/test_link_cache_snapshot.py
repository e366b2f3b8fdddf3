"""The link_cache on disk: links and switches survive a restart without PostgreSQL, and damage never loosens privacy."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from api.redirect.links import link_cache as book
from api.redirect.links import link_cache_snapshot as module
from api.redirect.links.link_cache import Destination, LinkCache, LinkCacheUnavailable
from api.redirect.links.link_cache_snapshot import CONTENTS, SWITCHES, LinkCacheSnapshot, Loaded
from api.redirect.links.link_entry import LinkEntry, link_of, pack
from models.base import new_id
from models.database import Database
from models.links import link_cache as link_cache
from models.links.link_cache import ContentRow, LinkRow
from models.organizations.organization import Organization
from tests.api.redirect.links.test_link_cache import switch_metadata_off
from tests.clicks import Sent, send
from tracking.tokens.token import Token

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
URLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@pytest.fixture
def snapshot(tmp_path: Path) -> LinkCacheSnapshot:
    return LinkCacheSnapshot(tmp_path / "var" / "link_cache")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "var" / "link_cache"


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, wakes=[1])


async def restarted(directory: Path) -> LinkCache:
    """The link_cache of a process that starts while PostgreSQL is away."""
    links = LinkCache(Database(NOWHERE, 1), LinkCacheSnapshot(directory))
    await links.load_snapshot()
    with pytest.raises(Exception, match="refused"):
        await links.refresh()
    return links


async def saved(database: Database, directory: Path) -> LinkCache:
    links = LinkCache(database, LinkCacheSnapshot(directory))
    await links.refresh()
    await links.save()
    return links


def logs(directory: Path) -> list[Path]:
    return list(directory.glob("new_contents.*"))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - a file appears
            await asyncio.sleep(0.01)


def trouble(links: LinkCache) -> str:
    return (links.snapshot and links.snapshot.problem) or ""


async def test_without_a_snapshot_and_without_postgresql_nobody_can_say(directory: Path) -> None:
    links = await restarted(directory)
    assert not links.loaded
    with pytest.raises(LinkCacheUnavailable):
        await links.find(Token(1, 0, 0))


async def test_links_survive_a_restart_without_postgresql(
    database: Database, organization: tuple[Organization, str], sent: Sent, directory: Path
) -> None:
    await saved(database, directory)
    links = await restarted(directory)
    assert links.loaded
    assert links.problem is not None
    found = [await links.find(Token(sent.content_id, 7, position)) for position in (0, 1, 2)]
    assert found == [
        Destination("https://example.com/a", wakes=False, metadata=True, org_id=organization[0].id.bytes, alone=False),
        Destination("https://example.com/b", wakes=True, metadata=True, org_id=organization[0].id.bytes, alone=False),
        None,
    ]


async def test_a_switched_off_setting_survives_a_restart_without_postgresql(
    database: Database, sent: Sent, directory: Path
) -> None:
    links = await saved(database, directory)
    await switch_metadata_off(database)
    await links.refresh()
    await links.save()  # at once, whenever the contents were saved last
    found = await (await restarted(directory)).find(Token(sent.content_id, 0, 0))
    assert found is not None
    assert not found.metadata


@pytest.mark.parametrize("harm", ["missing", "empty", "flipped", "torn"])
async def test_with_unreadable_switches_nobodys_metadata_is_kept(
    database: Database, sent: Sent, directory: Path, harm: str
) -> None:
    await switch_metadata_off(database)
    await saved(database, directory)
    path = directory / SWITCHES
    whole = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "flipped": whole[:-1] + bytes([whole[-1] ^ 1]), "torn": whole[:-1]}[harm])
    found = await (await restarted(directory)).find(Token(sent.content_id, 0, 0))
    assert found is not None
    assert not found.metadata


async def test_a_link_with_an_address_for_each_recipient_cannot_be_answered_from_the_disk(
    database: Database, organization: tuple[Organization, str], directory: Path
) -> None:
    sent = await send(database, organization[0].id, ["https://example.com/{{ contact.id }}"])
    await saved(database, directory)
    found = await (await restarted(directory)).find(Token(sent.content_id, 0, 0))
    assert found == Destination(None, wakes=False, metadata=True, org_id=organization[0].id.bytes, alone=True)


async def test_what_postgresql_says_replaces_what_the_disk_said(
    database: Database, sent: Sent, snapshot: LinkCacheSnapshot
) -> None:
    old = pack(ContentRow(sent.content_id, new_id(), (), (LinkRow(0, "https://example.com/old", False),)))
    snapshot.save_contents({sent.content_id: old})
    snapshot.save_switches([])
    links = LinkCache(database, snapshot)
    await links.load_snapshot()
    token = Token(sent.content_id, 0, 0)
    assert (await links.find(token) or pytest.fail("unknown")).url == "https://example.com/old"
    await links.refresh()
    assert (await links.find(token) or pytest.fail("unknown")).url == "https://example.com/a"


async def test_contents_whose_transactions_end_after_that_of_a_later_one_are_not_missed(
    database: Database, organization: tuple[Organization, str], directory: Path
) -> None:
    links = LinkCache(database, LinkCacheSnapshot(directory))
    first = await send(database, organization[0].id, people=0)
    async with database.transaction() as session:  # a publish of a hundred messages has their ids, and is not committed
        await session.execute(text("SELECT nextval(pg_get_serial_sequence('content', 'id')) FROM generate_series(1, 100)"))
    last = await send(database, organization[0].id, people=0)
    await links.refresh()
    late = range(first.content_id + 1, last.content_id)
    assert len(late) == 100
    async with database.transaction() as session:
        copy = (
            "INSERT INTO content (id, org_id, body, wakes, next_recipient_number, created_at)"
            " SELECT :late, org_id, body, wakes, next_recipient_number, created_at FROM content WHERE id = :first"
        )
        for content_id in (late[0], late[40], late[-1]):
            await session.execute(text(copy), {"late": content_id, "first": first.content_id})
    await links.refresh()
    assert {late[0], late[40], late[-1]} <= links._entries.keys()


def test_only_so_many_missing_contents_are_waited_for_and_only_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    order = book.CommitOrder()
    order.seen(5_000_000)
    assert order.missing() == list(range(5_000_000 - book.LATE_IDS, 5_000_000))
    order.seen(4_999_999)
    assert 4_999_999 not in order.missing()
    assert order.newest == 5_000_000
    monkeypatch.setattr(time, "monotonic", lambda clock=time.monotonic: clock() + book.LATE_SECONDS)
    assert order.missing() == []


async def test_a_content_that_was_learned_a_moment_ago_survives_a_restart_without_postgresql(
    database: Database, organization: tuple[Organization, str], sent: Sent, directory: Path
) -> None:
    links = await saved(database, directory)  # the whole file is not written again for seconds
    new = await send(database, organization[0].id)
    await links.refresh()
    looked_up = await send(database, organization[0].id)
    await links.find(Token(looked_up.content_id, 0, 0))
    await links.save()
    again = await restarted(directory)
    for each in (sent, new, looked_up):
        assert await again.find(Token(each.content_id, 0, 0)) is not None


async def test_a_database_that_says_nothing_does_not_keep_the_disk_waiting(
    database: Database, organization: tuple[Organization, str], sent: Sent, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = await saved(database, directory)
    silent = asyncio.Event()

    async def nothing(*_: object) -> None:
        silent.set()
        await asyncio.Event().wait()

    new = await send(database, organization[0].id)
    await links.find(Token(new.content_id, 0, 0))
    monkeypatch.setattr(link_cache, "organizations_without_metadata", nothing)
    stop = asyncio.Event()
    running = asyncio.create_task(links.run(stop))
    await silent.wait()
    await until(lambda: len(logs(directory)) == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    monkeypatch.undo()
    assert await (await restarted(directory)).find(Token(new.content_id, 0, 0)) is not None


async def test_the_whole_file_makes_the_log_superfluous(
    database: Database, organization: tuple[Organization, str], sent: Sent, directory: Path
) -> None:
    links = await saved(database, directory)
    await send(database, organization[0].id)
    await links.refresh()
    await links.save()
    assert len(logs(directory)) == 1
    links._save_at = 0.0
    await links.save()
    assert logs(directory) == []


async def test_a_torn_end_of_the_log_costs_its_last_content_only(snapshot: LinkCacheSnapshot, directory: Path) -> None:
    snapshot.append_contents({1: b"one"})
    snapshot.append_contents({2: b"two"})
    [log] = logs(directory)
    log.write_bytes(log.read_bytes()[:-1])
    assert snapshot.load().entries == {1: b"one"}


async def test_contents_are_saved_when_they_change_and_not_all_the_time(
    database: Database, organization: tuple[Organization, str], sent: Sent, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = await saved(database, directory)
    first = (directory / CONTENTS).stat()
    await send(database, organization[0].id)
    for _ in range(2):
        await links.refresh()
        await links.save()
    assert (directory / CONTENTS).stat().st_ino == first.st_ino, "too soon"
    links._save_at = 0.0
    await links.save()
    second = (directory / CONTENTS).stat()
    assert second.st_ino != first.st_ino
    links._save_at = 0.0
    await links.save()
    assert (directory / CONTENTS).stat().st_ino == second.st_ino, "nothing new"


async def test_a_disk_that_takes_no_snapshot_is_told_and_tried_again(
    database: Database, sent: Sent, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "SAVE_SECONDS", 0.0)
    (directory / CONTENTS).mkdir(parents=True)
    links = await saved(database, directory)
    assert "directory" in trouble(links)
    (directory / CONTENTS).rmdir()
    links._save_at = 0.0
    await links.save()
    assert trouble(links) == ""
    assert (await restarted(directory)).loaded


def test_a_write_that_fails_leaves_the_old_file(
    snapshot: LinkCacheSnapshot, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot.save_contents({1: b"old"})
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("No space left")))
        snapshot.save_contents({1: b"new"})
    assert snapshot.problem == "No space left"
    assert snapshot.load().entries == {1: b"old"}
    assert [path.name for path in directory.iterdir()] == [CONTENTS]


def test_what_a_killed_process_was_writing_is_cleared_away_later(snapshot: LinkCacheSnapshot, directory: Path) -> None:
    snapshot.save_contents({})
    young, old = directory / "contents.1.new", directory / "contents.2.new"
    young.touch()
    old.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    snapshot.load()
    assert (young.exists(), old.exists()) == (True, False)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.dictionaries(st.integers(0, 2**26 - 1), st.binary(max_size=100)), data=st.data())
def test_damage_costs_a_block_and_invents_nothing(
    snapshot: LinkCacheSnapshot, directory: Path, entries: dict[int, bytes], data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(module, "BLOCK", 50)
        snapshot.save_contents(entries)
    assert snapshot.load().entries == entries
    path = directory / CONTENTS
    hurt = bytearray(path.read_bytes())
    bit = data.draw(st.integers(0, len(hurt) * 8 - 1))
    hurt[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(hurt[: data.draw(st.integers(0, len(hurt)))])
    loaded: Loaded = snapshot.load()
    assert loaded.entries.items() <= entries.items()


@given(
    org=st.uuids(),
    links=st.dictionaries(st.integers(0, 31), st.tuples(URLS, st.booleans())),
    wakes=st.sets(st.integers(0, 31)),
    position=st.integers(0, 31),
)
def test_an_entry_is_its_content(org: UUID, links: dict[int, tuple[str, bool]], wakes: set[int], position: int) -> None:
    rows = tuple(LinkRow(place, *links[place]) for place in sorted(links))
    found = link_of(pack(ContentRow(1, org, tuple(wakes), rows)), position)
    if position not in links:
        assert found is None
    else:
        url, merge = links[position]
        alone = max(links) == 0
        assert found == LinkEntry(org.bytes, url, position in wakes, alone, merge)
