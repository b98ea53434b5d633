"""The chain: what a link covers, and what a head that was kept elsewhere proves."""

import dataclasses

import msgspec
import pytest

from eslab import History, MemoryStore, NewEvent
from eslab.chain import GENESIS, Head, Verifier, link
from eslab.domains.bank import AccountOpened, MoneyDeposited
from eslab.errors import BrokenLog, InvalidPosition
from eslab.events import Recorded
from eslab.testing import counting_ids, ticking_clock

OTHERS = {
    "stream": "account-2", "version": 9, "type": "bank.MoneyWithdrawn", "schema_version": 2, "id": "another",
    "recorded_text": "2020-01-01T00:00:00.000000+00:00", "occurred_text": "2020-01-01T00:00:00.000000+00:00",
    "payload_text": '{"amount":999}', "metadata_text": '{"who":"Eve"}',
}  # fmt: skip


def told(store):
    store.append("account-1", [AccountOpened("Ada"), NewEvent(MoneyDeposited(100), tags=["branch:7"])])
    store.append("account-2", [AccountOpened("Ben")])
    return store


@pytest.fixture
def store():
    return told(MemoryStore(clock=ticking_clock(), ids=counting_ids()))


def changed(recorded, **fields):
    return msgspec.structs.replace(recorded, **fields)


@pytest.mark.parametrize("field", [f for f in Recorded.__struct_fields__ if f != "position"])
def test_a_link_covers_every_field(bank, field):
    assert link(GENESIS, changed(bank[0], **{field: OTHERS[field]})) != link(GENESIS, bank[0])


def test_a_link_covers_the_link_before_it_but_not_the_position(bank):
    assert link(link(GENESIS, bank[0]), bank[1]) != link(GENESIS, bank[1])
    assert link(GENESIS, changed(bank[0], position=99)) == link(GENESIS, bank[0])


def test_a_log_has_the_same_head_with_and_without_a_chain(store):
    heads = [store.head(until) for until in (0, 1, 2, 3, None)]
    store.chain()
    assert [store.head(until) for until in (0, 1, 2, 3, None)] == heads
    assert (heads[0], heads[3]) == (Head(0, GENESIS.hex()), heads[4])
    assert store.verify(heads[2]).head == heads[4]


def test_a_copy_in_the_same_order_has_the_same_digest(store):
    other = MemoryStore()
    other.chain()
    other.copy(store.read())
    assert other.head() == store.head()


def test_a_chain_that_was_begun_late_covers_all_and_goes_on(store):
    store.chain()
    store.chain()
    store.append("account-1", [MoneyDeposited(1)])
    assert repr(store.verify()).startswith("<verified: 4 events in 2 streams, every link fits, head 4:")


def test_a_head_is_written_as_a_line_and_read_again(store):
    assert Head.parse(f" {store.head()}\n") == store.head()
    for wrong in ("", "3", "3:abc", f"-1:{'0' * 64}", f"x:{'0' * 64}", f"3:{'G' * 64}", None, 7):
        with pytest.raises(InvalidPosition, match="is no head, expected position:digest"):
            Head.parse(wrong)


def test_a_head_of_a_longer_log_or_of_another_one_is_not_met(store):
    shorter = told(MemoryStore(clock=ticking_clock(), ids=counting_ids()))
    store.append("account-2", [MoneyDeposited(1)])
    with pytest.raises(BrokenLog, match="the log ends before it") as broken:
        shorter.verify(store.head())
    assert broken.value.position == 4
    with pytest.raises(BrokenLog, match="is not what it was when this head was exported"):
        told(MemoryStore()).verify(store.head(2))
    with pytest.raises(InvalidPosition, match="beyond the end"):
        store.head(5)


WRONG = {
    "a gap": ({"position": 5}, "no event is there, the next one has position 5"),
    "a version that is missing": ({"version": 3}, "it has version 3 where 2 was expected"),
    "a payload that is no JSON": ({"payload_text": '{"amount":'}, "it is not well formed"),
    "metadata that are no object": ({"metadata_text": "[]"}, "is no JSON object"),
    "a time that is none": ({"recorded_text": "2026-13-01"}, "it is not well formed"),
    "a time written in another way": ({"occurred_text": "2026-01-01T00:00:00+00:00"}, "as a time is stored"),
    "a field of another kind": ({"payload_text": b"{}"}, "a field of it is not of its kind"),
}


@pytest.mark.parametrize(("fields", "why"), WRONG.values(), ids=WRONG)
def test_without_a_chain_an_event_that_cannot_be_right_is_found(bank, fields, why):
    verifier = Verifier(chained=False)
    with pytest.raises(BrokenLog, match=why) as broken:
        verifier.walk(History([bank[0], changed(bank[1], **fields), bank[2]]), [])
    assert broken.value.position == 2


def test_what_was_verified_cannot_be_changed(store):
    with pytest.raises(dataclasses.FrozenInstanceError):
        store.verify().events = 0
