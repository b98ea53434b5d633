"""The vectorised path equals the fold: on every shipped data set, on any history of a bank, and when it does not."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eslab import datasets, frames, record
from eslab.domains.as_frames import BANK, TWINS, account
from eslab.domains.bank import DECIDER, Account, AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.laws import LawBroken

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: f"{twin.data_set}-{twin.vectorised.__name__}")
def test_every_data_set_has_the_same_states_on_columns(twin):
    history = datasets.load(twin.data_set)
    kept = frames.agree(twin.fold, twin.vectorised, history, twin.types, twin.view)
    assert repr(kept).endswith(f"after each of {len(history):,} events")
    assert "state." in repr(kept)
    assert frames.agree(twin.fold, twin.vectorised, [], twin.types, twin.view)


def test_no_data_set_is_left_out():
    assert {twin.data_set for twin in TWINS} == set(datasets.names()) - {"flights-month"}


@pytest.mark.slow
def test_a_month_of_flights_has_the_same_states_on_columns():
    history = datasets.load("flights-month")
    for twin in TWINS:
        if twin.data_set == "flights":
            frames.agree(twin.fold, twin.vectorised, history, twin.types, twin.view)


facts = st.tuples(
    st.sampled_from(["account-1", "account-2", "savings-1"]),
    st.one_of(
        st.builds(AccountOpened, st.text(max_size=3)), st.builds(MoneyDeposited, st.integers(-(2**40), 2**40)),
        st.builds(MoneyWithdrawn, st.integers(0, 500)), st.just(AccountClosed()),
    ),
)  # fmt: skip


def told(happened):
    versions = {}
    for position, (stream, payload) in enumerate(happened, 1):
        versions[stream] = versions.get(stream, 0) + 1
        yield record(payload, stream=stream, version=versions[stream], position=position, recorded_at=NOON)


@settings(max_examples=40, deadline=None)
@given(st.lists(facts, max_size=12))
def test_any_history_of_a_bank_has_the_same_states_on_columns(happened):
    history = list(told(happened))
    assert frames.agree(Account, account, history, BANK)
    assert frames.agree(DECIDER, account, history, BANK)


# --- when they do not agree ---

ADA = list(told([("account-1", AccountOpened("Ada")), ("account-1", MoneyDeposited(199)),
                 ("account-1", MoneyWithdrawn(30)), ("account-1", MoneyWithdrawn(9))]))  # fmt: skip


def forgets_withdrawals(events):
    return account(events.assign(type=events["type"].cat.rename_categories({"bank.MoneyWithdrawn": "?"})))


def test_the_first_row_and_column_that_differ_are_named():
    with pytest.raises(LawBroken, match=r"state\.balance should be 169 and is 199; first at event 3 \(position 3, "
                       r"bank\.MoneyWithdrawn of stream 'account-1'\)\. Correct") as broken:  # fmt: skip
        frames.agree(Account, forgets_withdrawals, ADA, BANK)
    error = broken.value
    assert (error.law, error.step, error.position, error.column) == ("agreement", 3, 3, "state.balance")
    assert (error.expected, error.found) == (169, 199)


def test_of_several_columns_the_one_that_differs_first_is_named():
    def late(events):
        made = account(events)
        return made.assign(**{"state.owner": made["state.owner"].shift(1).fillna(""),
                              "state.balance": made["state.balance"] + (events["version"] == 4)})  # fmt: skip

    with pytest.raises(LawBroken, match=r"state\.owner should be Ada and is ; first at event 1"):
        frames.agree(Account, late, ADA, BANK)


@pytest.mark.parametrize(("wrong", "said"), [
    (lambda events: account(events).astype({"state.balance": "float64"}), "balance should be of kind int64 and is flo"),
    (lambda events: account(events).rename(columns={"state.owner": "state.name"}), r"has a column 'state\.name', and"),
    (lambda events: account(events).iloc[1:], "it has 3 rows for 4 events"),
])  # fmt: skip
def test_another_kind_another_column_or_another_length_breaks_the_law(wrong, said):
    with pytest.raises(LawBroken, match=said):
        frames.agree(Account, wrong, ADA, BANK)


@pytest.mark.parametrize("wrong", [lambda events: None, lambda events: events[["stream"]]])
def test_what_has_no_states_at_all_is_no_vectorised_path(wrong):
    with pytest.raises(frames.InvalidFrame, match=r"columns such as 'state\.balance'"):
        frames.agree(Account, wrong, ADA, BANK)


def test_the_index_of_the_frame_does_not_matter():
    assert frames.agree(Account, lambda events: account(events).set_axis(list("dcba")), ADA, BANK)
