"""The exercises of notebook 16, forget a person."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import msgspec

from eslab.aggregates import fold
from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.bank import AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.errors import BrokenLog, InvalidPayload
from eslab.events import Recorded
from eslab.projections import Projection, Projector
from eslab.testing import FakeStore
from eslab.trust import FORGOTTEN, KeyRing, PrivateStore

ROWS = ["Ada opens an account", "100 in", "30 out", "20 in", "50 out"]


def _link(before: str, row: str) -> str:
    return hashlib.sha256(f"{before}|{row}".encode()).hexdigest()[:8]


def _links(rows: list[str]) -> list[str]:
    before, links = "start", []
    for row in rows:
        before = _link(before, row)
        links.append(before)
    return links


def _first_broken(first_broken: Answer) -> None:
    def with_row(number: int) -> list[str]:
        return [*ROWS[: number - 1], "900 in", *ROWS[number:]]

    links, told = _links(ROWS), "five rows of which {} altered"
    everything_fits = {2: "each alone", 0: "a number for nothing", -1: "a number for nothing"}
    trial = trying(first_broken, ROWS, links, _link, tried=told.format("none was"))
    if isinstance(trial.result, bool):
        raise NotYet("yes or no", tried=trial.tried, found=trial.result)
    trial.gives(None, slips=everything_fits)
    slips = {1: "from zero", 5: "the last", 4: "counts them"}
    trying(first_broken, with_row(2), links, _link, tried=told.format("the second was")).gives(2, slips=slips)
    trying(first_broken, with_row(5), links, _link, tried=told.format("the last was")).gives(5, slips={4: "from zero"})


def _evenings() -> tuple[FakeStore, list[str]]:
    """A bank after three evenings, two events a day, and the head of each evening."""
    store, heads = FakeStore(), []
    for day in (
        [AccountOpened("Ada"), MoneyDeposited(100)],
        [MoneyWithdrawn(30), MoneyDeposited(20)],
        [MoneyWithdrawn(50)],
    ):
        store.append("account-1", day)
        heads.append(str(store.head()))
    return store, heads


def _with(position: int | None, *, events: int = 5) -> FakeStore:
    """The first events of the same bank, altered at one position, and with all links made anew."""
    altered = FakeStore()
    for recorded in _evenings()[0].read(until=events):
        text = recorded.payload_text.replace("0", "9").replace("Ada", "Eve")
        altered.copy(
            [msgspec.structs.replace(recorded, payload_text=text) if recorded.position == position else recorded]
        )
    altered.chain()
    return altered


def _last_good(last_good: Answer) -> None:
    heads = _evenings()[1]
    names = {head: f"the head of evening {n}" for n, head in enumerate(heads, 1)} | {"None": "none"}

    def named(store: FakeStore) -> str:
        found = last_good(store, list(heads))
        return names.get(str(found), repr(found))

    one, two, three = (f"the head of evening {n}" for n in (1, 2, 3))
    told = "three heads, and a log {}"
    trying(named, _with(None), tried=told.format("that nobody has altered")).gives(
        three, slips={one: "the first", "none": "gives nothing"}, otherwise="all of them"
    )
    slips = {three: "asks the log alone", "none": "only the newest", BrokenLog: "lets it out"}
    trying(named, _with(3), tried=told.format("that was altered on the second day, and all its links made anew")).gives(
        one, slips=slips
    )
    trying(named, _with(None, events=4), tried=told.format("of which the last day was cut off")).gives(two, slips=slips)
    trying(named, _with(1), tried=told.format("of which the first event was altered")).gives("none", slips=slips)


def _card(cls: Answer) -> None:
    if not hasattr(cls, "__event_name__"):
        raise NotYet("no event", tried="the class above which no @event stands")
    inside = FakeStore()
    with KeyRing(random=random.Random(16).randbytes) as keys:
        _kept_and_forgotten(cls, inside, PrivateStore(inside, keys))


def _kept_and_forgotten(cls: Answer, inside: FakeStore, store: PrivateStore) -> None:
    told = "CardIssued(customer='customer-7', name_on_card='Ada Lovelace', limit=500) in stream cards-1"

    def kept() -> dict[str, Any]:
        store.append("cards-1", [cls(customer="customer-7", name_on_card="Ada Lovelace", limit=500)])
        return inside.load("cards-1")[0].data

    try:
        data = kept()
    except InvalidPayload:
        raise NotYet("a limit is no text", tried=told) from None
    except Exception:
        data = trying(kept, tried=told).result  # which tells the learner what happened
    if str(data.get("customer")).startswith("sealed:"):
        raise NotYet("seals the id", tried=f"what is kept of {told}")
    sealed = str(data.get("name_on_card")).startswith("sealed:")
    expect(sealed, True, otherwise="in the clear", tried=f"whether the name is sealed in {told}")
    expect(
        store.keys.subjects, ["customer-7"], slips={("cards-1",): "the stream"}, tried=f"whose key is made for {told}"
    )
    expect(data.get("limit"), 500, tried=f"the limit that is kept of {told}")
    store.keys.forget("customer-7")
    name = store.load("cards-1")[0].payload.name_on_card
    expect(name, FORGOTTEN, tried="the name, after the customer is forgotten")


class _Watched(Projector):
    """A projector that remembers what was asked of it."""

    def __init__(self, store: Any, projection: Projection) -> None:
        super().__init__(store, projection, attempts=1)
        self.catch_up()
        self.asked: list[str] = []

    def catch_up(self, **options: Any) -> int:
        if hasattr(self, "asked"):
            self.asked.append("catch_up")
        return super().catch_up(**options)

    def rebuild(self, *names: str) -> None:
        self.asked.append("rebuild")
        super().rebuild(*names)


class _Owners(Projection):
    types = (AccountOpened,)

    def evolve(self, owners: dict[str, str], recorded: Recorded, /) -> dict[str, str]:
        return {**owners, recorded.stream: recorded.payload.owner}


class _Greetings(_Owners):
    def evolve(self, letters: dict[str, str], recorded: Recorded, /) -> dict[str, str]:
        return {**letters, recorded.stream: f"Dear {recorded.payload.owner}"}


def _forget_everywhere(forget_everywhere: Answer) -> None:
    with KeyRing(random=random.Random(16).randbytes) as keys:
        _forgotten_by(forget_everywhere, keys, PrivateStore(FakeStore(), keys))


def _forgotten_by(forget_everywhere: Answer, keys: KeyRing, store: PrivateStore) -> None:
    store.append("account-1", [AccountOpened("Ada")])
    store.append("account-2", [AccountOpened("Grace")])
    views = [_Watched(store, _Owners()), _Watched(store, _Greetings())]

    def after() -> list[dict[str, str]]:
        forget_everywhere(keys, "account-1", list(views))
        return [fold(store.read(), _Owners()), *(dict(view.state) for view in views)]

    def states(ada: str, in_first: str, in_second: str, grace: str = "Grace") -> list[dict[str, str]]:
        return [
            {"account-1": ada, "account-2": grace},
            {"account-1": in_first, "account-2": grace},
            {"account-1": f"Dear {in_second}", "account-2": f"Dear {grace}"},
        ]

    told = "accounts of Ada and Grace with two views, then forget account-1; the log, and both views"
    trial = trying(after, tried=told)
    if views[0].asked and trial.result == states(FORGOTTEN, "Ada", "Ada"):
        late = "rebuilds too early" if "rebuild" in views[0].asked else "catches up"
        raise NotYet(late, tried=told, found=trial.result)
    wrong = [
        (states(FORGOTTEN, "Ada", "Ada"), "only the key"),
        (states(FORGOTTEN, FORGOTTEN, "Ada"), "one view"),
        (states("Ada", "Ada", "Ada"), "keeps the key"),
        (states(FORGOTTEN, FORGOTTEN, FORGOTTEN, grace=FORGOTTEN), "everybody"),
    ]
    for states_then, mistake in wrong:
        if trial.result == states_then:
            raise NotYet(mistake, tried=told, found=trial.result)
    trial.gives(states(FORGOTTEN, FORGOTTEN, FORGOTTEN))


EXERCISES = (
    Exercise.prediction(
        "16.1",
        "Which links tell",
        answer=[2, 3, 4, 5],
        slips={
            (2,): "That link differs. Is it part of what the next link covers?",
            (5,): "The head differs. Does it differ without any link before it?",
            (2, 3): "The third link covers the second. And what does the fourth cover?",
            (3, 4, 5): "The altered row itself: is its own link what it was?",
            (1, 2, 3, 4, 5): "The first link covers the first row and nothing after it. Did that row change?",
        },
        hints=(
            "Go down the rows. Ask of each link: which rows does it cover, by way of the links before it?",
            "A link is the digest of its own row and of the link before. If one of these differs, so does the link.",
        ),
        solution="""
            prediction = list(range(2, 6))
        """,
        why="A change runs through every link after it, so the last link speaks for the whole log.",
        difficulty=1,
    ),
    Exercise(
        "16.2",
        "The first link that tells",
        kind="function",
        difficulty=2,
        start="""
            def first_broken(rows, links, link):
                ...
        """,
        check=_first_broken,
        mistakes={
            "each alone": Mistake(
                "Nothing was altered, and yet a row was named. On what does the second link build?",
                """
                def first_broken(rows, links, link):
                    for number, row in enumerate(rows, 1):
                        if link("start", row) != links[number - 1]:
                            return number
                """,
            ),
            "a number for nothing": Mistake(
                "No row is wrong, and no number says so.",
                """
                def first_broken(rows, links, link):
                    before = "start"
                    for number, row in enumerate(rows, 1):
                        before = link(before, row)
                        if before != links[number - 1]:
                            return number
                    return 0
                """,
            ),
            "yes or no": Mistake(
                "That says whether there is one. Which row is it?",
                """
                def first_broken(rows, links, link):
                    before = "start"
                    for row in rows:
                        before = link(before, row)
                    return before != links[-1]
                """,
            ),
            "from zero": Mistake(
                "The first row is 1, as positions and versions are.",
                """
                def first_broken(rows, links, link):
                    before = "start"
                    for number, row in enumerate(rows):
                        before = link(before, row)
                        if before != links[number]:
                            return number
                """,
            ),
            "the last": Mistake(
                "That link tells, too. Does no earlier one?",
                """
                def first_broken(rows, links, link):
                    before, found = "start", None
                    for number, row in enumerate(rows, 1):
                        before = link(before, row)
                        if before != links[number - 1]:
                            found = number
                    return found
                """,
            ),
            "counts them": Mistake(
                "That is how many links differ. With which one does it begin?",
                """
                def first_broken(rows, links, link):
                    before, found = "start", 0
                    for number, row in enumerate(rows, 1):
                        before = link(before, row)
                        found += before != links[number - 1]
                    return found or None
                """,
            ),
        },
        hints=(
            "Compute the chain of the rows as `chain` does, and compare while you go.",
            "Keep the link before in a variable. Return the number as soon as one differs.",
        ),
        solution="""
            def first_broken(rows, links, link):
                before = "start"
                for number, (row, kept) in enumerate(zip(rows, links), 1):
                    before = link(before, row)
                    if before != kept:
                        return number
                return None
        """,
        why="This is `verify`: the place of the first link that does not fit is the place of the change.",
    ),
    Exercise(
        "16.3",
        "The last head that still holds",
        kind="function",
        difficulty=3,
        start="""
            def last_good(store, heads):
                ...
        """,
        check=_last_good,
        mistakes={
            "the first": Mistake(
                "That head holds. Does no later one?",
                """
                from eslab.errors import BrokenLog

                def last_good(store, heads):
                    for head in heads:
                        try:
                            store.verify(head)
                            return head
                        except BrokenLog:
                            pass
                """,
            ),
            "gives nothing": Mistake(
                "Nobody has altered this log, and yet no head was given back.",
                """
                def last_good(store, heads):
                    store.verify(heads[-1])
                """,
            ),
            "all of them": Mistake(
                "One head is asked for: the last that holds, as it was given.",
                """
                from eslab.errors import BrokenLog

                def last_good(store, heads):
                    good = []
                    for head in heads:
                        try:
                            store.verify(head)
                            good.append(head)
                        except BrokenLog:
                            pass
                    return good
                """,
            ),
            "asks the log alone": Mistake(
                "The links were made anew, so the log agrees with itself. What was it to be compared with?",
                """
                from eslab.errors import BrokenLog

                def last_good(store, heads):
                    try:
                        store.verify()
                        return heads[-1]
                    except BrokenLog:
                        return None
                """,
            ),
            "only the newest": Mistake(
                "The newest head does not hold. Was there an evening before it?",
                """
                from eslab.errors import BrokenLog

                def last_good(store, heads):
                    try:
                        store.verify(heads[-1])
                        return heads[-1]
                    except BrokenLog:
                        return None
                """,
            ),
            "lets it out": Mistake(
                "A head that does not hold is an answer here, not an accident: catch the error, and go on.",
                """
                def last_good(store, heads):
                    found = None
                    for head in heads:
                        store.verify(head)
                        found = head
                    return found
                """,
            ),
        },
        hints=(
            "`verify` raises `BrokenLog` (from `eslab.errors`) for a head that does not hold.",
            "Go through the heads from the newest to the oldest, and return the first that raises nothing.",
        ),
        solution="""
            from eslab.errors import BrokenLog

            def last_good(store, heads):
                for head in reversed(heads):
                    try:
                        store.verify(head)
                    except BrokenLog:
                        continue
                    return head
                return None
        """,
        why="Each head that was kept elsewhere narrows down when it happened.",
    ),
    Exercise(
        "16.4",
        "Say what is personal",
        kind="class",
        difficulty=3,
        start="""
            from eslab import event
            from eslab.trust import Personal, Subject


            class CardIssued:
                ...
        """,
        check=_card,
        mistakes={
            "no event": Mistake(
                "A store takes events only. What stands above the class of an event?",
                """
                from eslab.trust import Personal, Subject

                class CardIssued:
                    customer: Subject
                    name_on_card: Personal
                    limit: int
                """,
            ),
            "in the clear": Mistake(
                "The name stands in the log as it is: no mark says that it is personal.",
                """
                from eslab import event
                from eslab.trust import Subject

                @event
                class CardIssued:
                    customer: Subject
                    name_on_card: str
                    limit: int
                """,
            ),
            "the stream": Mistake(
                "Everybody on this stream has one key together, so one cannot be forgotten without the others. "
                "Which field says whose data it is?",
                """
                from eslab import event
                from eslab.trust import Personal

                @event
                class CardIssued:
                    customer: str
                    name_on_card: Personal
                    limit: int
                """,
            ),
            "seals the id": Mistake(
                "The id of the customer is sealed. It is needed to find the key, and by itself says nothing.",
                """
                from eslab import event
                from eslab.trust import Personal

                @event
                class CardIssued:
                    customer: Personal
                    name_on_card: Personal
                    limit: int
                """,
            ),
            "a limit is no text": Mistake(
                "The append was refused: the limit is a number, and a mark is for texts.",
                """
                from eslab import event
                from eslab.trust import Personal, Subject

                @event
                class CardIssued:
                    customer: Subject
                    name_on_card: Personal
                    limit: Personal
                """,
            ),
        },
        hints=(
            "`@event` above the class, and a line `name: type` for each field.",
            "`Subject` says whose data it is, `Personal` what is to be sealed; a number keeps its own type.",
        ),
        solution="""
            from eslab import event
            from eslab.trust import Personal, Subject

            @event
            class CardIssued:
                customer: Subject
                name_on_card: Personal
                limit: int
        """,
        why="What is personal is said once, where the event is declared, and every program keeps to it.",
    ),
    Exercise(
        "16.5",
        "Forget everywhere",
        kind="function",
        difficulty=4,
        start="""
            def forget_everywhere(keys, subject, projectors):
                ...
        """,
        check=_forget_everywhere,
        mistakes={
            "only the key": Mistake(
                "The log has forgotten. The views were made before that, and still know the name.",
                """
                def forget_everywhere(keys, subject, projectors):
                    keys.forget(subject)
                """,
            ),
            "catches up": Mistake(
                "To catch up is to handle what is new, and no event is new. The old ones must be read again.",
                """
                def forget_everywhere(keys, subject, projectors):
                    keys.forget(subject)
                    for projector in projectors:
                        projector.catch_up()
                """,
            ),
            "rebuilds too early": Mistake(
                "The views were rebuilt while the name could still be read. What must come first?",
                """
                def forget_everywhere(keys, subject, projectors):
                    for projector in projectors:
                        projector.rebuild()
                    keys.forget(subject)
                """,
            ),
            "one view": Mistake(
                "One view has forgotten. There is another in the list.",
                """
                def forget_everywhere(keys, subject, projectors):
                    keys.forget(subject)
                    projectors[0].rebuild()
                """,
            ),
            "keeps the key": Mistake(
                "The views were made again from a log in which the name can still be read.",
                """
                def forget_everywhere(keys, subject, projectors):
                    for projector in projectors:
                        projector.rebuild()
                """,
            ),
            "everybody": Mistake(
                "Grace did not ask to be forgotten.",
                """
                def forget_everywhere(keys, subject, projectors):
                    for everybody in keys.subjects:
                        keys.forget(everybody)
                    for projector in projectors:
                        projector.rebuild()
                """,
            ),
        },
        hints=(
            "Two verbs that you have seen in this notebook, one of the ring and one of a projector.",
            "First the key, then every view in the list, from position 0.",
        ),
        solution="""
            def forget_everywhere(keys, subject, projectors):
                keys.forget(subject)
                for projector in projectors:
                    projector.rebuild()
        """,
        why="A view that can be rebuilt can also forget; one that cannot be rebuilt keeps what it has seen.",
    ),
)
