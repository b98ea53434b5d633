"""The exercises of notebook 02, keep them."""

from __future__ import annotations

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, trying
from eslab.domains.bank import AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.errors import WrongExpectedVersion
from eslab.testing import FakeStore

ADA, GRACE = AccountOpened("Ada"), AccountOpened("Grace")


def _version_of(version_of: Answer) -> None:
    log = [
        ("account-1", ADA),
        ("account-10", GRACE),
        ("account-1", MoneyDeposited(100)),
        ("account-2", AccountOpened("Edsger")),
        ("account-1", MoneyWithdrawn(30)),
        ("account-2", MoneyDeposited(40)),
    ]
    told = "version_of(log, {!r}), in a log with account-1, account-10, account-1, account-2, account-1, account-2"
    slips = {6: "counts everything", 5: "gives a position", 4: "looks at the beginning", None: "no such stream"}
    trying(version_of, log, "account-1", tried=told.format("account-1")).gives(3, slips=slips)
    trying(version_of, log, "account-9", tried=told.format("account-9")).gives(
        0, slips={None: "no such stream", ValueError: "no such stream", IndexError: "no such stream"}
    )


def _append_if(append_if: Answer) -> None:
    def log() -> list[tuple[str, object]]:
        return [("account-1", ADA), ("account-2", GRACE), ("account-1", MoneyDeposited(100))]

    def appended() -> list[tuple[str, object]]:
        append_if(given, "account-1", [MoneyWithdrawn(30)], 2)
        return given

    given, told = log(), "a log with two events of account-1 and one of account-2, and expected_version="
    wanted = [*log(), ("account-1", MoneyWithdrawn(30))]
    trying(appended, tried=told + "2").gives(wanted, slips={ValueError: "counts the whole log"})
    stale = trying(append_if, log(), "account-1", [MoneyWithdrawn(30)], 1, tried=told + "1")
    stale.raises(ValueError, otherwise="never refuses").unchanged(otherwise="writes first")
    ahead = trying(append_if, log(), "account-1", [MoneyWithdrawn(30)], 4, tried=told + "4")
    ahead.raises(ValueError, otherwise="lets a gap through").unchanged(otherwise="writes first")


def _withdraw(withdraw: Answer) -> None:
    before = (ADA, MoneyDeposited(100))

    def bank() -> FakeStore:
        store = FakeStore()
        store.append("account-2", [GRACE, MoneyDeposited(40), MoneyWithdrawn(10)])
        store.append("account-1", before)
        return store

    def events_after(amount: int) -> list[object]:
        store = bank()
        withdraw(store, "account-1", amount)
        return store.load("account-1").payloads

    def too_late() -> list[object]:
        store = bank()
        store.somebody_else_appends("account-1", MoneyWithdrawn(80))
        withdraw(store, "account-1", 50)
        return store.load("account-1").payloads

    told = "an account that holds 100, then withdraw {}; its events"
    another = {WrongExpectedVersion: "expects another number"}
    overdrawn = {(*before, MoneyWithdrawn(130)): "overdraws"}
    trying(events_after, 30, tried=told.format(30)).gives((*before, MoneyWithdrawn(30)), slips=another)
    trying(events_after, 130, tried=told.format(130)).gives(before, slips=overdrawn)
    trying(events_after, 100, tried=told.format(100)).gives(
        (*before, MoneyWithdrawn(100)), slips={before: "keeps the last euro"}
    )
    trying(too_late, tried="an account that holds 100, of which somebody else takes 80 just before withdraw 50").raises(
        WrongExpectedVersion, otherwise="expects nothing"
    )


EXERCISES = (
    Exercise.prediction(
        "02.1",
        "Two numbers on one event",
        answer=(5, 3),
        slips={
            (3, 5): "Both numbers are there. Which of them is the place in the whole log?",
            (5, 5): "Does the stream of Ada hold as many events as the whole log?",
            (3, 3): "How many events does the log hold by now, with those of Grace?",
            (4, 2): "Counting starts at 1, not at 0. Look at the first event in the table above.",
            (5, 1): "Ada's stream is not new: it holds events from before.",
        },
        hints=(
            "Count all events that the store has taken so far; then count those of Ada alone.",
            "The first number is the place in the log, the second the place in the stream.",
        ),
        solution="""
            prediction = (5, 3)
        """,
        why="The position orders the whole log; the version orders one stream, and is how many events it holds.",
        difficulty=1,
    ),
    Exercise(
        "02.2",
        "The version of a stream, by hand",
        kind="function",
        difficulty=2,
        start="""
            def version_of(log, stream):
                ...
        """,
        check=_version_of,
        mistakes={
            "counts everything": Mistake(
                "That counts the events of everybody. Whose events make the version?",
                """
                def version_of(log, stream):
                    return len(log)
                """,
            ),
            "gives a position": Mistake(
                "That is where the last event of the stream stands in the log: its position.",
                """
                def version_of(log, stream):
                    return max(n for n, (place, _) in enumerate(log, 1) if place == stream)
                """,
            ),
            "looks at the beginning": Mistake(
                "Two streams may begin alike. Is account-10 the same stream as account-1?",
                """
                def version_of(log, stream):
                    return sum(place.startswith(stream) for place, _ in log)
                """,
            ),
            "no such stream": Mistake(
                "Nothing was ever appended to this stream. How many events is that?",
                """
                def version_of(log, stream):
                    return sum(place == stream for place, _ in log) or None
                """,
            ),
        },
        hints=(
            "The log is a list of pairs: the name of a stream, and an event.",
            "Go through the pairs and count those whose name is equal to `stream`.",
        ),
        solution="""
            def version_of(log, stream):
                return sum(place == stream for place, _ in log)
        """,
        why="A version is a count, so a stream that does not exist is at version 0 and needs no special case.",
    ),
    Exercise(
        "02.3",
        "Refuse a stale writer",
        kind="function",
        difficulty=3,
        start="""
            def append_if(log, stream, events, expected_version):
                ...
        """,
        check=_append_if,
        mistakes={
            "counts the whole log": Mistake(
                "A writer who had seen everything in this stream was refused. What did you compare the number with?",
                """
                def append_if(log, stream, events, expected_version):
                    if expected_version != len(log):
                        raise ValueError("load it again")
                    log.extend((stream, event) for event in events)
                """,
            ),
            "never refuses": Mistake(
                "This writer had seen one event less than there are, and was let in.",
                """
                def append_if(log, stream, events, expected_version):
                    log.extend((stream, event) for event in events)
                """,
            ),
            "writes first": Mistake(
                "It was refused, and yet the log has changed. Which comes first, the look or the change?",
                """
                def append_if(log, stream, events, expected_version):
                    version = sum(place == stream for place, _ in log)
                    log.extend((stream, event) for event in events)
                    if expected_version != version:
                        raise ValueError("load it again")
                """,
            ),
            "lets a gap through": Mistake(
                "This writer claims to have seen more events than there are. Can that be?",
                """
                def append_if(log, stream, events, expected_version):
                    version = sum(place == stream for place, _ in log)
                    if expected_version < version:
                        raise ValueError("load it again")
                    log.extend((stream, event) for event in events)
                """,
            ),
        },
        hints=(
            "Find out how many events the stream holds, before you touch the log.",
            "There is one good case: both numbers are the same. In every other case, `raise ValueError(...)`.",
        ),
        solution="""
            def append_if(log, stream, events, expected_version):
                version = sum(place == stream for place, _ in log)
                if version != expected_version:
                    raise ValueError(f"{stream} is at version {version}, not {expected_version}: load it again")
                log.extend((stream, event) for event in events)
        """,
        why="Look first, then write all or nothing: this comparison is all that keeps two writers apart.",
    ),
    Exercise(
        "02.4",
        "Withdraw what is there",
        kind="function",
        difficulty=4,
        start="""
            def withdraw(store, stream, amount):
                ...
        """,
        check=_withdraw,
        mistakes={
            "expects another number": Mistake(
                "Nobody else has written, and still it was refused. How many events of this stream did you load?",
                """
                from eslab.domains.bank import MoneyWithdrawn

                def withdraw(store, stream, amount):
                    store.append(stream, [MoneyWithdrawn(amount)], expected_version=store.position)
                """,
            ),
            "overdraws": Mistake(
                "More was withdrawn than there was. What do the loaded events add up to?",
                """
                from eslab.domains.bank import MoneyWithdrawn

                def withdraw(store, stream, amount):
                    history = store.load(stream)
                    store.append(stream, [MoneyWithdrawn(amount)], expected_version=len(history))
                """,
            ),
            "keeps the last euro": Mistake(
                "An account may be emptied to exactly 0.",
                """
                from eslab.domains.bank import Account, MoneyWithdrawn

                def withdraw(store, stream, amount):
                    history = store.load(stream)
                    if amount < Account.replay(history).balance:
                        store.append(stream, [MoneyWithdrawn(amount)], expected_version=len(history))
                """,
            ),
            "expects nothing": Mistake(
                "Somebody else wrote between your load and your append, and the store was not asked to notice.",
                """
                from eslab.domains.bank import Account, MoneyWithdrawn

                def withdraw(store, stream, amount):
                    if amount <= Account.replay(store.load(stream)).balance:
                        store.append(stream, [MoneyWithdrawn(amount)])
                """,
            ),
        },
        hints=(
            "Three steps: load the stream, add up the balance, and append if it is enough.",
            "Keep what you loaded in a variable: its length is the expected version. Catch no error.",
        ),
        solution="""
            from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

            def withdraw(store, stream, amount):
                history = store.load(stream)
                balance = 0
                for event in history.payloads:
                    match event:
                        case MoneyDeposited(deposited):
                            balance += deposited
                        case MoneyWithdrawn(withdrawn):
                            balance -= withdrawn
                if amount <= balance:
                    store.append(stream, [MoneyWithdrawn(amount)], expected_version=len(history))
        """,
        why="Load, decide, append with the version you decided on: every safe write is these three steps.",
    ),
)
