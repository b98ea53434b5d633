"""The exercises of notebook 18, leave the lab."""

from __future__ import annotations

from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, trying

STREAMS = ("customer-ada", *(f"order-{number}" for number in range(1001, 1401)))


def _part_of(part_of: Answer) -> None:
    found = [trying(part_of, stream, 4).result for stream in STREAMS]
    if any(type(part) is not int or not 0 <= part < 4 for part in found):
        wrong = next(part for part in found if type(part) is not int or not 0 <= part < 4)
        raise NotYet("not a part", tried='part_of("order-1001", 4) and other streams', found=wrong)
    if [trying(part_of, stream, 4).result for stream in STREAMS] != found:
        raise NotYet("by chance", tried="part_of, twice with the same streams")
    if _salted(part_of):
        raise NotYet("salted", tried='part_of("order-1001", 4), as another worker with another hash() would call it')
    sizes = sorted(found.count(part) for part in range(4))
    if sizes[0] < 40:
        raise NotYet("one has it all", tried="part_of, with 401 streams and 4 parts", found=sizes)


def _salted(part_of: Answer) -> bool:
    """Whether the answer asks `hash`, which is another function in each process for texts."""
    names: dict[str, Any] = getattr(part_of, "__globals__", {})
    asked: list[object] = []

    def another(thing: object) -> int:
        asked.append(thing)
        return len(asked)

    before = names.get("hash")
    names["hash"] = another
    try:
        part_of("order-1001", 4)
    finally:
        names.pop("hash")
        names.update({} if before is None else {"hash": before})
    return bool(asked)


def _merge(merge: Answer) -> None:
    monday, tuesday, both = {"mon": 50}, {"tue": 20}, {"mon": 50, "tue": 20}
    trying(merge, monday, tuesday).gives(both, otherwise="one side").unchanged(otherwise="in place")
    trying(merge, {}, {}).gives({})
    trying(merge, {"mon": 50, "tue": 20}, {"mon": 5}).gives({"mon": 55, "tue": 20}, otherwise="the last one wins")
    trying(merge, {"mon": 5}, {"mon": 50, "tue": 20}).gives({"mon": 55, "tue": 20}, otherwise="the last one wins")
    trying(merge, {"mon": 5}, {"mon": 50}).gives({"mon": 55}).unchanged(otherwise="in place")


def _workers(workers: Answer) -> None:
    tried = "workers(events=1_000_000, rate=100_000, hours=1)"
    trying(workers, events=1_000_000, rate=100_000, hours=1, tried=tried).gives(1, slips={0: "none at all"})
    tried = "workers(events=10**9, rate=100_000, hours=1)"
    slips = {2: "rounded down", 2.7777777777777777: "a part of one", 10_000: "seconds", 167: "minutes", 166: "minutes"}
    trying(workers, events=10**9, rate=100_000, hours=1, tried=tried).gives(3, slips=slips)
    tried = "workers(events=3_600_000_000, rate=100_000, hours=2)"
    trying(workers, events=3_600_000_000, rate=100_000, hours=2, tried=tried).gives(5, slips={6: "always one more"})


EXERCISES = (
    Exercise.prediction(
        "18.1",
        "Dealt like cards",
        answer=0,
        slips={
            1: "Write down who gets the events of order 1, one below the other; then those of order 2.",
            2: "Two workers get three events each. Is it the three of one order?",
            3: "The question is about orders, and there are only two of them.",
        },
        hints=(
            "Number the events from 1 to 6. The first worker gets the odd numbers.",
            "Which numbers are those of order 1, and which are those of order 2?",
        ),
        solution="""
            prediction = 0
        """,
        why="Order 1 has the numbers 1, 3 and 6, order 2 has 2, 4 and 5: each has odd and even ones.",
        difficulty=1,
    ),
    Exercise(
        "18.2",
        "A part for every stream",
        kind="function",
        difficulty=2,
        start="""
            def part_of(stream, parts):
                ...
        """,
        check=_part_of,
        mistakes={
            "salted": Mistake(
                hint="`hash` of a text is another number in every Python process, so two workers would not agree. "
                "Take a checksum that is the same everywhere.",
                code="""
                    def part_of(stream, parts):
                        return hash(stream) % parts
                """,
            ),
            "by chance": Mistake(
                hint="The second event of a stream has to come to the same worker as the first.",
                code="""
                    import random

                    def part_of(stream, parts):
                        return random.randrange(parts)
                """,
            ),
            "one has it all": Mistake(
                hint="Count how many of the streams each worker gets. Does anybody go home early?",
                code="""
                    def part_of(stream, parts):
                        return len(stream) % parts
                """,
            ),
            "not a part": Mistake(
                hint="The workers are numbered 0, 1, 2 and so on; with 4 of them there is no number 4, and no half.",
                code="""
                    import zlib

                    def part_of(stream, parts):
                        return zlib.crc32(stream.encode()) % parts + 1
                """,
            ),
        },
        hints=(
            "A checksum makes a whole number of a text: `zlib.crc32(stream.encode())`.",
            "The remainder of a division by `parts` is always one of the workers.",
        ),
        solution="""
            import zlib

            def part_of(stream, parts):
                return zlib.crc32(stream.encode()) % parts
        """,
        why="The number follows from the name alone, so every worker, today and tomorrow, finds the same one.",
    ),
    Exercise(
        "18.3",
        "Two halves of the takings",
        kind="function",
        difficulty=3,
        start="""
            def merge(left, right):
                ...
        """,
        check=_merge,
        mistakes={
            "the last one wins": Mistake(
                hint="Both workers have taken money on the same day. Where is what the first one took?",
                code="""
                    def merge(left, right):
                        return left | right
                """,
            ),
            "one side": Mistake(
                hint="A day that only one of the two has seen is a day too.",
                code="""
                    def merge(left, right):
                        return {day: left[day] + right[day] for day in left if day in right}
                """,
            ),
            "in place": Mistake(
                hint="What a worker sent may be merged again, if another one fails: leave both as they are.",
                code="""
                    def merge(left, right):
                        for day, cents in right.items():
                            left[day] = left.get(day, 0) + cents
                        return left
                """,
            ),
        },
        hints=(
            "The days of the result are those of either side.",
            "For each of these days, add what either side has; one that has nothing adds 0.",
        ),
        solution="""
            def merge(left, right):
                return {day: left.get(day, 0) + right.get(day, 0) for day in left | right}
        """,
        why="Adding does not ask for the order, so it does not matter which worker has seen which streams.",
    ),
    Exercise(
        "18.4",
        "How many workers for the night?",
        kind="function",
        difficulty=4,
        start="""
            def workers(events, rate, hours):
                ...
        """,
        check=_workers,
        mistakes={
            "rounded down": Mistake(
                hint="With so many workers the night is too short by a little.",
                code="""
                    def workers(events, rate, hours):
                        return max(1, events // (rate * hours * 3600))
                """,
            ),
            "none at all": Mistake(
                hint="Even a short log needs somebody who reads it.",
                code="""
                    def workers(events, rate, hours):
                        return round(events / (rate * hours * 3600))
                """,
            ),
            "a part of one": Mistake(
                hint="Nobody can start a part of a worker.",
                code="""
                    def workers(events, rate, hours):
                        return max(1, events / (rate * hours * 3600))
                """,
            ),
            "seconds": Mistake(
                hint="The rate is per second. How many seconds has an hour?",
                code="""
                    import math

                    def workers(events, rate, hours):
                        return max(1, math.ceil(events / (rate * hours)) * (events > 10**6))
                """,
            ),
            "minutes": Mistake(
                hint="The rate is per second, not per minute.",
                code="""
                    import math

                    def workers(events, rate, hours):
                        return math.ceil(events / (rate * hours * 60))
                """,
            ),
            "always one more": Mistake(
                hint="Where the division leaves nothing over, nobody else is needed.",
                code="""
                    def workers(events, rate, hours):
                        return events // (rate * hours * 3600) + 1
                """,
            ),
        },
        hints=(
            "How many events does one worker read in all these hours?",
            "Divide, and round up: `math.ceil`.",
        ),
        solution="""
            import math

            def workers(events, rate, hours):
                return math.ceil(events / (rate * hours * 3600))
        """,
        why="Streams are independent, so twice the workers read twice the events; the merging is small beside it.",
    ),
)
