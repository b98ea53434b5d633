"""The exercises of notebook 11, change the shape."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.errors import UnreadablePayload
from eslab.events import record

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def _missing_steps(missing_steps: Answer) -> None:
    trial = trying(missing_steps, 4, [3, 1])
    trial.gives([2], slips={(2, 4): "today too", (0, 2): "from zero", (1, 3): "those there are"})
    trial = trying(missing_steps, 4, [1])
    trial.gives([2, 3], slips={(2,): "the first only", (): "between only", (3, 2): "largest first"})
    trying(missing_steps, 3, [2, 1]).gives([])
    trying(missing_steps, 1, []).gives([])


def _euros_become_cents(euros_become_cents: Answer) -> None:
    cases: tuple[tuple[dict[str, Any], int, dict[Any, str]], ...] = (
        ({"customer": "Ada", "fee": "4.90"}, 490, {"4.90": "only renamed"}),
        ({"customer": "Ada", "fee": "4.35"}, 435, {434: "cut off"}),
        ({"customer": "Grace", "fee": "7"}, 700, {ValueError: "split at the point", IndexError: "split at the point"}),
        ({"customer": "Grace", "fee": "12.5"}, 1250, {1205: "split at the point"}),
        ({"shop": "Delft", "gift": True, "fee": "0.05"}, 5, {KeyError: "its own fields"}),
        ({"customer": "Edsger", "fee": "90071992547409.93"}, 9007199254740993, {9007199254740994: "as a float"}),
    )
    for payload, cents, slips in cases:
        wanted = {name: value for name, value in payload.items() if name != "fee"} | {"fee_cents": cents}
        trial = trying(euros_become_cents, payload)
        trial._slip_of_error(slips)
        if isinstance(trial.result, dict):
            _same_payload(trial.result, wanted, slips, trial.tried)
        trial.gives(wanted)


def _same_payload(found: dict[str, Any], wanted: dict[str, Any], slips: dict[Any, str], tried: str) -> None:
    if "fee" in found:
        raise NotYet("both fields", tried=tried, found=found)
    if found.keys() != wanted.keys():
        raise NotYet("its own fields", tried=tried, found=found)
    expect(found["fee_cents"], wanted["fee_cents"], slips=slips, tried=tried)
    if type(found["fee_cents"]) is not int:
        raise NotYet("no whole number", tried=tried, found=found)


def _gift(cls: Answer) -> None:
    if getattr(cls, "__event_name__", "") != "my.GiftWrapped":
        raise NotYet(says='Keep `@event(name="my.GiftWrapped", version=3)` above the class.', found=cls)
    cases: tuple[tuple[int, dict[str, Any], tuple[Any, ...], dict[Any, str]], ...] = (
        (3, {"paper": "blue", "price_cents": 250, "message": "Hooray"}, ("blue", 250, "Hooray"), {}),
        (
            2,
            {"paper": "gold", "price_cents": 350},
            ("gold", 350, None),
            {("gold", 350, ""): "an empty message", UnreadablePayload: "something lost"},
        ),
        (
            1,
            {"paper": "red", "price": 3},
            ("red", 300, None),
            {("red", 3, None): "still euros", ("red", 30000, None): "twice", UnreadablePayload: "the old name"},
        ),
    )
    for generation, payload, wanted, slips in cases:
        tried = f"reading {json.dumps(payload)}, written by schema {generation}"
        trying(_read, cls, generation, json.dumps(payload), tried=tried).gives(wanted, slips=slips)


def _read(cls: Answer, schema_version: int, text: str) -> tuple[Any, ...]:
    """What the class makes of a text that was written by an older schema."""
    written = record(cls("red", 1, None), stream="gift-1", version=1, position=1, recorded_at=NOON)
    gift = msgspec.structs.replace(written, schema_version=schema_version, payload_text=text).payload
    return gift.paper, gift.price_cents, gift.message


def _gift_class(first: str, second: str) -> str:
    """The class of 11.4 with these two steps, as a learner would write it."""
    return f"""
from eslab import event, upcaster


@event(name="my.GiftWrapped", version=3)
class GiftWrapped:
    paper: str
    price_cents: int
    message: str | None

    @staticmethod
    @upcaster(1)
    def euros_become_cents(payload):
        {first}

    @staticmethod
    @upcaster(2)
    def cards_get_a_message(payload):
        {second}
"""


TO_CENTS = 'return {"paper": payload["paper"], "price_cents": 100 * payload["price"]}'
WITHOUT_MESSAGE = 'return {**payload, "message": None}'

EXERCISES = (
    Exercise.prediction(
        "11.1",
        "The driver's question",
        answer=359,
        slips={
            9350: "You have converted the kilograms. Which line of the program does that?",
            "an error": "An old payload has a field `weight`, a whole number. What would the class complain about?",
            9: "Alan's parcel is in the copy too, and has a `weight`.",
            350: "The two older parcels have a `weight` as well. Does the program pass them over?",
            9.35: "You know what was meant. The program has only the numbers in the texts.",
        },
        hints=(
            "Write down the `weight` of each parcel, as it stands in the payload.",
            "Adding up does not ask for units, and a comment is never run.",
        ),
        solution="""
            prediction = 2 + 7 + 350
        """,
        why="A unit that is only in a comment can change in silence; in the name of a field it cannot.",
        difficulty=1,
    ),
    Exercise(
        "11.2",
        "Find the gap",
        kind="function",
        difficulty=2,
        start="""
            def missing_steps(today, steps):
                ...
        """,
        check=_missing_steps,
        mistakes={
            "today too": Mistake(
                hint="From today's version no step leads on. Which is the last one that needs a step?",
                code="""
                    def missing_steps(today, steps):
                        return [version for version in range(1, today + 1) if version not in steps]
                """,
            ),
            "from zero": Mistake(
                hint="Which number has the first schema of an event?",
                code="""
                    def missing_steps(today, steps):
                        return [version for version in range(today) if version not in steps]
                """,
            ),
            "those there are": Mistake(
                hint="These are the versions that have a step. Asked for are the others.",
                code="""
                    def missing_steps(today, steps):
                        return sorted(steps)
                """,
            ),
            "the first only": Mistake(
                hint="One missing step is named. Is it the only one?",
                code="""
                    def missing_steps(today, steps):
                        for version in range(1, today):
                            if version not in steps:
                                return [version]
                        return []
                """,
            ),
            "between only": Mistake(
                hint="A chain can also end too early. How far must it lead?",
                code="""
                    def missing_steps(today, steps):
                        if not steps:
                            return []
                        return [version for version in range(min(steps), max(steps)) if version not in steps]
                """,
            ),
            "largest first": Mistake(
                hint="The right versions, but in which order are they asked for?",
                code="""
                    def missing_steps(today, steps):
                        return [version for version in range(today - 1, 0, -1) if version not in steps]
                """,
            ),
        },
        hints=(
            "An event of the first schema must get to today's, one step at a time. Which steps does it take?",
            "Go through the numbers from 1 to the last one before today's, and keep those that are not in the list.",
        ),
        solution="""
            def missing_steps(today, steps):
                return [version for version in range(1, today) if version not in steps]
        """,
        why="One step for each schema before today's: that is all, and it can be checked before any event is read.",
    ),
    Exercise(
        "11.3",
        "From euros to cents",
        kind="function",
        difficulty=3,
        start="""
            def euros_become_cents(payload):
                ...
        """,
        check=_euros_become_cents,
        mistakes={
            "only renamed": Mistake(
                hint="The field has its new name, but what is in it are euros still, and text.",
                code="""
                    def euros_become_cents(payload):
                        fee = payload.pop("fee")
                        return {**payload, "fee_cents": fee}
                """,
            ),
            "cut off": Mistake(
                hint="A cent is missing. `float` cannot hold every decimal number exactly, and `int` cuts off.",
                code="""
                    def euros_become_cents(payload):
                        fee = payload.pop("fee")
                        return {**payload, "fee_cents": int(float(fee) * 100)}
                """,
            ),
            "split at the point": Mistake(
                hint="How many digits stand behind the point, and is there always a point?",
                code="""
                    def euros_become_cents(payload):
                        euros, _, cents = payload.pop("fee").partition(".")
                        return {**payload, "fee_cents": 100 * int(euros) + int(cents)}
                """,
            ),
            "its own fields": Mistake(
                hint="Besides the fee there are other fields, of any name. They all go through the step as they are.",
                code="""
                    from decimal import Decimal

                    def euros_become_cents(payload):
                        return {"customer": payload["customer"], "fee_cents": int(Decimal(payload["fee"]) * 100)}
                """,
            ),
            "as a float": Mistake(
                hint="With a large amount a cent is wrong. `float` has about sixteen digits, and no more.",
                code="""
                    def euros_become_cents(payload):
                        fee = payload.pop("fee")
                        return {**payload, "fee_cents": round(float(fee) * 100)}
                """,
            ),
            "both fields": Mistake(
                hint="The field of the old schema came out again. In schema 2 there is only one fee.",
                code="""
                    from decimal import Decimal

                    def euros_become_cents(payload):
                        return {**payload, "fee_cents": int(Decimal(payload["fee"]) * 100)}
                """,
            ),
            "no whole number": Mistake(
                hint="The value is right, but a payload holds what JSON has: here a whole number, an `int`.",
                code="""
                    from decimal import Decimal

                    def euros_become_cents(payload):
                        fee = payload.pop("fee")
                        return {**payload, "fee_cents": Decimal(fee) * 100}
                """,
            ),
        },
        hints=(
            '`decimal.Decimal` reads a text such as `"12.5"`, and counts exactly.',
            '`payload.pop("fee")` takes the old field out and gives its value; what is left stays as it is.',
        ),
        solution="""
            from decimal import Decimal

            def euros_become_cents(payload):
                fee = Decimal(payload.pop("fee"))
                return {**payload, "fee_cents": int(100 * fee)}
        """,
        why="Old texts were written by older programs and by people: a step must bear all that is in the log.",
    ),
    Exercise(
        "11.4",
        "Three generations of a gift",
        kind="class",
        difficulty=4,
        start=_gift_class("...", "..."),
        check=_gift,
        mistakes={
            "still euros": Mistake(
                hint="The field has its new name. Have its numbers the new unit?",
                code=_gift_class(
                    'return {"paper": payload["paper"], "price_cents": payload["price"]}', WITHOUT_MESSAGE
                ),
            ),
            "twice": Mistake(
                hint="An old gift goes through both steps. In which of them does the price change its unit?",
                code=_gift_class(
                    'return {"paper": payload["paper"], "price_cents": 10_000 * payload["price"]}', WITHOUT_MESSAGE
                ),
            ),
            "an empty message": Mistake(
                hint="Somebody may have sent a card without a word. How do you tell it from a card of which nothing "
                "is known?",
                code=_gift_class(TO_CENTS, 'return {**payload, "message": ""}'),
            ),
            "something lost": Mistake(
                hint="A step gives a whole payload: what it got, and what is new. Is all of it there, and returned?",
                code=_gift_class(TO_CENTS, 'return {"message": None}'),
            ),
            "the old name": Mistake(
                hint="A gift of the first generation cannot be read. Which fields has a payload of schema 2?",
                code=_gift_class('return {**payload, "price": 100 * payload["price"]}', WITHOUT_MESSAGE),
            ),
        },
        hints=(
            "Begin with the second step: a payload of schema 2 lacks one field of today's.",
            "The first step ends where the second begins. It need not know of any message.",
        ),
        solution=_gift_class(TO_CENTS, WITHOUT_MESSAGE),
        why="Each step knows two neighbouring schemas, and no step has to be written again when the next one comes.",
    ),
)
