"""Every act that the audit log can hold has words, and so has everything that an erasure removes."""

from api.app import create_app
from console.words.actions import done
from console.words.personal_data import TABLES
from models.contacts.personal_data import PERSONAL_DATA


def test_every_action_by_a_key_has_words() -> None:
    assert {each for each in create_app().state.actions if done(each) == each} == set()


def test_every_part_of_a_receipt_has_words() -> None:
    assert {each.table for each in PERSONAL_DATA} == set(TABLES)
