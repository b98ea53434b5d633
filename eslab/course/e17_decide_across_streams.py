"""The exercises of notebook 17, decide across streams."""

from __future__ import annotations

import dataclasses
from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.courses import (
    DECIDER,
    HANDLERS,
    ChangeCapacity,
    CourseCapacityChanged,
    CourseDefined,
    DefineCourse,
    RegisterStudent,
    StudentRegistered,
    StudentSubscribed,
    StudentUnsubscribed,
    SubscribeStudent,
    UnsubscribeStudent,
    decide,
    tagged,
)
from eslab.errors import CommandRefused, ConditionFailed, EslabError, InvalidCommand
from eslab.events import History, NewEvent
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.stores.memory import MemoryStore
from eslab.testing import counting_ids, ticking_clock


class _Rushed(MemoryStore):
    """A store in which somebody else appends one event just before the next append."""

    def __init__(self, *facts: Any) -> None:
        super().__init__(clock=ticking_clock(), ids=counting_ids())
        super().append("school-1", map(tagged, facts))
        self.rival: Any = None

    def append(self, stream: Any, events: Any = None, **options: Any) -> History:
        rival, self.rival = self.rival, None
        if rival is not None:
            super().append("school-1", [tagged(rival)])
        return super().append(stream, events, **options)


def _positions(capacity_query: Answer, course: str) -> Any:
    query = capacity_query(course)
    if not isinstance(query, Query):
        return "an item" if isinstance(query, QueryItem) else query
    facts = (
        CourseDefined("chess", 5), StudentRegistered("s1", "ada"), StudentSubscribed("chess", "s1"),
        CourseDefined("greek", 5), CourseCapacityChanged("chess", 6), CourseCapacityChanged("greek", 4),
        StudentUnsubscribed("chess", "s1"),
    )  # fmt: skip
    return [recorded.position for recorded in _Rushed(*facts).read(query=query)]


def _capacity_query(capacity_query: Answer) -> None:
    tried = "the positions of what capacity_query('chess') finds in a log of seven events about two courses"
    slips = {
        (1, 3, 5, 7): "its students too", (1, 4, 5, 6): "every course", (1, 3, 4, 5, 6, 7): "either", (1,): "at first",
        "an item": "an item", (): "nothing",
    }  # fmt: skip
    trying(_positions, capacity_query, "chess", tried=tried).gives([1, 5], slips=slips)
    tried = tried.replace("chess", "greek")
    trying(_positions, capacity_query, "greek", tried=tried).gives([4, 6], slips={(1, 5): "one course"})


WISHES: dict[type, type] = {
    CourseDefined: DefineCourse, CourseCapacityChanged: ChangeCapacity, StudentRegistered: RegisterStudent,
    StudentSubscribed: SubscribeStudent, StudentUnsubscribed: UnsubscribeStudent,
}  # fmt: skip
BEFORE: tuple[Any, ...] = (
    CourseDefined("chess", 2), *(CourseDefined(course, 9) for course in ("drawing", "english", "greek")),
    *(StudentRegistered(f"s{n}", name) for n, name in enumerate(("ada", "alan", "grace"), 1)),
    StudentSubscribed("chess", "s2"), StudentSubscribed("drawing", "s1"), StudentSubscribed("english", "s1"),
)  # fmt: skip


def _follows(event: Any, state: Any) -> Any:
    """The state after one more event, if the rules of the school allow it."""
    payload = event.payload if isinstance(event, NewEvent) else event
    if type(payload) in WISHES.values():
        raise NotYet("a wish", found=payload)
    if type(payload) not in WISHES:
        raise NotYet(tried="the events in meanwhile", found=payload)
    if not isinstance(event, NewEvent) or not set(tagged(payload).tags) <= set(event.tags):
        raise NotYet("no tags", found=event)
    wish = WISHES[type(payload)](*(getattr(payload, field.name) for field in dataclasses.fields(payload)))
    try:
        HANDLERS[type(wish)].validate(wish)
        decide(wish, state)
    except (CommandRefused, InvalidCommand) as refusal:
        raise NotYet("not allowed", tried=f"{wish!r}, before Ada appends", found=str(refusal)) from refusal
    return DECIDER.evolve_event(state, payload)


def _meanwhile(meanwhile: Answer) -> None:
    store, state = _Rushed(*BEFORE), DECIDER.initial()
    for fact in BEFORE:
        state = DECIDER.evolve_event(state, fact)
    seen = store.position
    for event in meanwhile:
        state = _follows(event, state)
        store.append("school-1", [event])
    narrow = AppendCondition(Query(QueryItem(types=[StudentSubscribed], tags=["course:chess"])), after=seen)
    tried = "Ada's append, under the condition, after what you let happen"
    try:
        store.append("school-1", [tagged(StudentSubscribed("chess", "s1"))], condition=narrow)
    except ConditionFailed as refusal:
        raise NotYet("noticed", tried=tried) from refusal
    try:
        decide(SubscribeStudent("chess", "s1"), state)
    except CommandRefused:
        return
    raise NotYet("harmless", tried=tried)


def _came_of(register: Answer, store: MemoryStore, student: str, username: str) -> str:
    before = store.position + (store.rival is not None) if isinstance(store, _Rushed) else store.position
    try:
        register(store, student, username)
    except EslabError:
        return "refused"
    return "registered" if store.position > before else "nothing"


def _register(register: Answer) -> None:
    store = _Rushed(CourseDefined("chess", 2), StudentRegistered("s1", "ada"))
    tried = 'register(store, "s2", "alan"), a name that nobody has'
    slips = {"refused": "nobody's", "nothing": "nothing happens"}
    trying(_came_of, register, store, "s2", "alan", tried=tried).gives("registered", slips=slips)
    new = list(store.read(after=2))
    expect([recorded.payload for recorded in new], [StudentRegistered("s2", "alan")], tried="what was appended")
    if "username:alan" not in new[0].tags:
        raise NotYet("no tag", tried="the tags of what was appended", found=new[0].tags)
    slips = {"registered": "takes it twice", "nothing": "in silence"}
    tried = 'register(store, "s3", "ada"), a name that Ada has'
    trying(_came_of, register, store, "s3", "ada", tried=tried).gives("refused", slips=slips)
    store.rival = StudentRegistered("s4", "eve")
    tried = 'register(store, "s5", "eve"), a name that somebody takes at the last moment'
    slips = {"registered": "check, then act", "nothing": "in silence"}
    trying(_came_of, register, store, "s5", "eve", tried=tried).gives("refused", slips=slips)
    store.rival = StudentRegistered("s6", "frances")
    tried = 'register(store, "s7", "grace"), while somebody registers under another name'
    trying(_came_of, register, store, "s7", "grace", tried=tried).gives("registered", slips={"refused": "too wide"})


EXERCISES = (
    Exercise.prediction(
        "17.1",
        "Two careful writers",
        answer=-1,
        slips={
            0: "Then one of the two was refused. Which stream had changed since its writer looked?",
            1: "Then nobody got the seat. Both saw it free; what kept them from writing?",
            2: "Every subscription takes a seat. Does either of them give one back?",
        },
        hints=(
            "Go through the function line by line, and write down the version of each stream.",
            "Who else writes to the stream of Ada? And who else to that of Alan?",
        ),
        solution="prediction = 1 - 2",
        why="Each stream was at the version that its writer expected, and the rule lay in neither of them.",
        difficulty=1,
    ),
    Exercise(
        "17.2",
        "A query for a capacity",
        kind="function",
        difficulty=2,
        start="""
            def capacity_query(course):
                ...
        """,
        check=_capacity_query,
        mistakes={
            "its students too": Mistake(
                hint="It also finds who came and who left. Do they change how many seats a course has?",
                code="""
                    from eslab import Query, QueryItem

                    def capacity_query(course):
                        return Query(QueryItem(tags=[f"course:{course}"]))
                """,
            ),
            "every course": Mistake(
                hint="The capacity of another course is found as well. What says which course an event is about?",
                code="""
                    from eslab import Query, QueryItem
                    from eslab.domains.courses import CourseCapacityChanged, CourseDefined

                    def capacity_query(course):
                        return Query(QueryItem(types=[CourseDefined, CourseCapacityChanged]))
                """,
            ),
            "either": Mistake(
                hint="Two items are two ways to be found. Here both things must be true of one and the same event.",
                code="""
                    from eslab import Query, QueryItem
                    from eslab.domains.courses import CourseCapacityChanged, CourseDefined

                    def capacity_query(course):
                        types = [CourseDefined, CourseCapacityChanged]
                        return Query(QueryItem(types=types), QueryItem(tags=[f"course:{course}"]))
                """,
            ),
            "at first": Mistake(
                hint="That is the capacity with which the course began. May it be another today?",
                code="""
                    from eslab import Query, QueryItem
                    from eslab.domains.courses import CourseDefined

                    def capacity_query(course):
                        return Query(QueryItem(types=[CourseDefined], tags=[f"course:{course}"]))
                """,
            ),
            "nothing": Mistake(
                hint="Nothing was found. Look at a tag of the morning, letter by letter.",
                code="""
                    from eslab import Query, QueryItem
                    from eslab.domains.courses import CourseCapacityChanged, CourseDefined

                    def capacity_query(course):
                        return Query(QueryItem(types=[CourseDefined, CourseCapacityChanged], tags=[course]))
                """,
            ),
            "an item": Mistake(
                hint="That is one item. A query is made of items, even if there is only one.",
                code="""
                    from eslab import QueryItem
                    from eslab.domains.courses import CourseCapacityChanged, CourseDefined

                    def capacity_query(course):
                        return QueryItem(types=[CourseDefined, CourseCapacityChanged], tags=[f"course:{course}"])
                """,
            ),
            "one course": Mistake(
                hint="It was asked about another course, and answered about chess.",
                code="""
                    from eslab import Query, QueryItem
                    from eslab.domains.courses import CourseCapacityChanged, CourseDefined

                    def capacity_query(course):
                        return Query(QueryItem(types=[CourseDefined, CourseCapacityChanged], tags=["course:chess"]))
                """,
            ),
        },
        hints=(
            "Two types of event say how many seats a course has. The list of types means any of them.",
            "One item can have both, types and tags, and then both must fit.",
        ),
        solution="""
            from eslab import Query, QueryItem
            from eslab.domains.courses import CourseCapacityChanged, CourseDefined

            def capacity_query(course):
                types = [CourseDefined, CourseCapacityChanged]
                return Query(QueryItem(types=types, tags=[f"course:{course}"]))
        """,
        why="The fewer events a decision rests on, the fewer people it makes wait.",
    ),
    Exercise(
        "17.3",
        "What a condition does not see",
        kind="events",
        difficulty=3,
        start="meanwhile = []",
        check=_meanwhile,
        mistakes={
            "noticed": Mistake(
                hint="The condition has seen it, and Ada was refused. Read its query again: which events pass it by?",
                code="""
                    from eslab.domains.courses import StudentSubscribed, tagged

                    meanwhile = [tagged(StudentSubscribed("chess", "s3"))]
                """,
            ),
            "harmless": Mistake(
                hint="It was not noticed, but Ada's subscription is in order all the same. Which rule could it break?",
                code="""
                    from eslab.domains.courses import StudentSubscribed, tagged

                    meanwhile = [tagged(StudentSubscribed("greek", "s3"))]
                """,
            ),
            "not allowed": Mistake(
                hint="The school itself would have refused that, so it cannot stand in the log.",
                code="""
                    from eslab.domains.courses import CourseCapacityChanged, tagged

                    meanwhile = [tagged(CourseCapacityChanged("chess", 0))]
                """,
            ),
            "no tags": Mistake(
                hint="An event without its tags passes every query by. Give it those that the school gives it.",
                code="""
                    from eslab.domains.courses import StudentSubscribed

                    meanwhile = [StudentSubscribed("greek", "s1")]
                """,
            ),
            "a wish": Mistake(
                hint="That is what somebody wishes. What stands in the log when the wish has come true?",
                code="""
                    from eslab.domains.courses import SubscribeStudent

                    meanwhile = [SubscribeStudent("greek", "s1")]
                """,
            ),
        },
        hints=(
            "The condition asks for one type and one tag. Every event of another type, or without the tag, passes by.",
            "There is more than one answer: think of the seats of chess, or of the other courses of Ada.",
        ),
        solution="""
            from eslab.domains.courses import CourseCapacityChanged, tagged

            meanwhile = [tagged(CourseCapacityChanged("chess", 1))]
        """,
        why="A condition that is too wide costs time; one that is too narrow breaks the rule, and nobody notices.",
    ),
    Exercise(
        "17.4",
        "A name has one owner",
        kind="function",
        difficulty=4,
        start="""
            def register(store, student, username):
                ...
        """,
        check=_register,
        mistakes={
            "takes it twice": Mistake(
                hint="Two students have one name now. From which position on must nothing match?",
                code="""
                    from eslab import AppendCondition, Query, QueryItem
                    from eslab.domains.courses import StudentRegistered, tagged

                    def register(store, student, username):
                        free = AppendCondition(Query(QueryItem(tags=[f"username:{username}"])), after=store.position)
                        event = tagged(StudentRegistered(student, username))
                        store.append(f"student-{student}", [event], condition=free)
                """,
            ),
            "check, then act": Mistake(
                hint="You looked, the name was free, and when you wrote it no longer was. Who can do both in one go?",
                code="""
                    from eslab import CommandRefused, Query, QueryItem
                    from eslab.domains.courses import StudentRegistered, tagged

                    def register(store, student, username):
                        if list(store.read(query=Query(QueryItem(tags=[f"username:{username}"])))):
                            raise CommandRefused("the name is taken")
                        store.append(f"student-{student}", [tagged(StudentRegistered(student, username))])
                """,
            ),
            "no tag": Mistake(
                hint="The event was appended, but no query will find it by the name. What does it say it is about?",
                code="""
                    from eslab import AppendCondition, Query, QueryItem
                    from eslab.domains.courses import StudentRegistered

                    def register(store, student, username):
                        free = AppendCondition(Query(QueryItem(tags=[f"username:{username}"])), after=0)
                        store.append(f"student-{student}", [StudentRegistered(student, username)], condition=free)
                """,
            ),
            "too wide": Mistake(
                hint="Somebody took another name meanwhile, and this student was refused. What is it to her?",
                code="""
                    from eslab import AppendCondition, CommandRefused, Query, QueryItem
                    from eslab.domains.courses import StudentRegistered, tagged

                    def register(store, student, username):
                        query, seen = Query(QueryItem(types=[StudentRegistered])), 0
                        for recorded in store.read(query=query):
                            seen = recorded.position
                            if recorded.payload.username == username:
                                raise CommandRefused("the name is taken")
                        event = tagged(StudentRegistered(student, username))
                        store.append(f"student-{student}", [event], condition=AppendCondition(query, after=seen))
                """,
            ),
            "nobody's": Mistake(
                hint="Nobody has this name, and yet it was refused. Does every event before have to do with it?",
                code="""
                    from eslab import AppendCondition, Query
                    from eslab.domains.courses import StudentRegistered, tagged

                    def register(store, student, username):
                        event = tagged(StudentRegistered(student, username))
                        store.append(f"student-{student}", [event], condition=AppendCondition(Query.all(), after=0))
                """,
            ),
            "in silence": Mistake(
                hint="The student believes to be registered, and is not. Let the refusal reach the caller.",
                code="""
                    from eslab import AppendCondition, EslabError, Query, QueryItem
                    from eslab.domains.courses import StudentRegistered, tagged

                    def register(store, student, username):
                        free = AppendCondition(Query(QueryItem(tags=[f"username:{username}"])), after=0)
                        event = tagged(StudentRegistered(student, username))
                        try:
                            store.append(f"student-{student}", [event], condition=free)
                        except EslabError:
                            return
                """,
            ),
            "nothing happens": Mistake(
                hint="The name is free, and no event was appended.",
                code="""
                    from eslab.domains.courses import StudentRegistered, tagged

                    def register(store, student, username):
                        return tagged(StudentRegistered(student, username))
                """,
            ),
        },
        hints=(
            "A name is free if no event at all has its tag. You need not even read before you write.",
            "`tagged` gives the event its tags; the stream is `student-` and the id. The condition does the rest.",
        ),
        solution="""
            from eslab import AppendCondition, Query, QueryItem
            from eslab.domains.courses import StudentRegistered, tagged

            def register(store, student, username):
                name = Query(QueryItem(tags=[f"username:{username}"]))
                event = tagged(StudentRegistered(student, username))
                return store.append(f"student-{student}", [event], condition=AppendCondition(name, after=0))
        """,
        why="What a table would do with a unique index, a log does with a tag and a condition.",
    ),
)
