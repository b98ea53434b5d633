"""The courses: rules that cross streams hold alone, for two writers at the last seat, and under any interleaving."""

import threading
from functools import partial

import pytest
from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st

from eslab import CommandBus, CommandRefused, InvalidCommand, MemoryStore, Projector, fold
from eslab.domains.courses import (
    DECIDER,
    HANDLERS,
    MOST_COURSES,
    ChangeCapacity,
    CourseCapacityChanged,
    CourseDefined,
    DefineCourse,
    RegisterStudent,
    StudentRegistered,
    StudentSubscribed,
    StudentUnsubscribed,
    SubscribeStudent,
    SubscribeStudentHandler,
    UnsubscribeStudent,
    WhoSitsWhere,
    tagged,
)
from eslab.errors import ConditionFailed
from eslab.queries import AppendCondition, Query
from eslab.stores.sqlite import SqliteStore
from eslab.testing import given

ADA, ALAN = StudentRegistered("s1", "ada"), StudentRegistered("s2", "alan")
OPEN = CourseDefined("chess", 2), ADA, ALAN


def school(*events):
    return given(HANDLERS, *map(tagged, events))


# --- the rules ---


def test_an_event_is_tagged_with_what_it_is_about():
    assert tagged(StudentSubscribed("chess", "s1")).tags == ["course:chess", "student:s1"]
    assert tagged(ADA).tags == ["student:s1", "username:ada"]
    assert tagged(CourseDefined("chess", 2)).tags == ["course:chess"]


def test_a_course_is_defined_once():
    school().when(DefineCourse("chess", 2)).then(CourseDefined("chess", 2))
    school(*OPEN).when(DefineCourse("chess", 9)).refused(because="course chess is defined")
    school(*OPEN).when(DefineCourse("greek", 9)).then(CourseDefined("greek", 9))


def test_a_student_and_a_username_are_registered_once():
    school(ADA).when(RegisterStudent("s2", "alan")).then(ALAN)
    school(ADA).when(RegisterStudent("s1", "alan")).refused(because="student s1 is registered")
    school(ADA).when(RegisterStudent("s2", "ada")).refused(because="username ada is taken")


def test_a_course_has_no_more_students_than_seats():
    last = [*OPEN, StudentSubscribed("chess", "s2")]
    full = [*last, StudentSubscribed("chess", "s3")]
    school(*last).when(SubscribeStudent("chess", "s1")).then(StudentSubscribed("chess", "s1"))
    school(*full).when(SubscribeStudent("chess", "s1")).refused(because="2 of 2 seats are taken")
    more = [*full, CourseCapacityChanged("chess", 3)]
    school(*more).when(SubscribeStudent("chess", "s1")).then(StudentSubscribed("chess", "s1"))
    school(*full, StudentUnsubscribed("chess", "s3")).when(SubscribeStudent("chess", "s1")).then(
        StudentSubscribed("chess", "s1")
    )


def test_a_student_takes_no_more_courses_than_there_is_time_for():
    busy = [*OPEN, *(StudentSubscribed(f"c{n}", "s1") for n in range(MOST_COURSES))]
    school(*busy).when(SubscribeStudent("chess", "s1")).refused(because="s1 takes 3 courses")
    school(*busy).when(SubscribeStudent("chess", "s2")).then(StudentSubscribed("chess", "s2"))
    left = [*busy, StudentUnsubscribed("c0", "s1")]
    school(*left).when(SubscribeStudent("chess", "s1")).then(StudentSubscribed("chess", "s1"))


def test_only_who_is_known_sits_in_a_course_that_is_known_and_sits_there_once():
    school(ADA).when(SubscribeStudent("chess", "s1")).refused(because="course chess is not defined")
    school(OPEN[0]).when(SubscribeStudent("chess", "s1")).refused(because="student s1 is not registered")
    sits = [*OPEN, StudentSubscribed("chess", "s1")]
    school(*sits).when(SubscribeStudent("chess", "s1")).refused(because="s1 sits in chess")


def test_only_who_sits_there_leaves():
    sits = [*OPEN, StudentSubscribed("chess", "s1")]
    school(*sits).when(UnsubscribeStudent("chess", "s1")).then(StudentUnsubscribed("chess", "s1"))
    school(*sits).when(UnsubscribeStudent("chess", "s2")).refused(because="s2 is not in chess")
    left = [*sits, StudentUnsubscribed("chess", "s1")]
    school(*left).when(UnsubscribeStudent("chess", "s1")).refused(because="s1 is not in chess")


def test_a_course_keeps_the_seats_that_are_taken():
    full = [*OPEN, StudentSubscribed("chess", "s1"), StudentSubscribed("chess", "s2")]
    school(*full).when(ChangeCapacity("chess", 2)).then(CourseCapacityChanged("chess", 2))
    school(*full).when(ChangeCapacity("chess", 1)).refused(because="2 seats are taken, expected 1 at most")
    school(*full).when(ChangeCapacity("greek", 1)).refused(because="course greek is not defined")


@pytest.mark.parametrize("id", ["", "Ada", "a da", "ada\n", "x" * 41, "course:c1", 7, None])
def test_an_id_is_a_plain_word_that_fits_into_a_tag(id):
    for wish in (
        RegisterStudent("s1", id),
        RegisterStudent(id, "ada"),
        SubscribeStudent(id, "s1"),
        DefineCourse(id, 2),
    ):
        school().when(wish).refused(InvalidCommand, because="expected 1 to 40 small letters")


@pytest.mark.parametrize("capacity", [0, -1, 1.5, True, "2", None])
def test_a_capacity_is_whole_seats(capacity):
    for wish in (DefineCourse("chess", capacity), ChangeCapacity("chess", capacity)):
        school(*OPEN).when(wish).refused(InvalidCommand, because="expected whole seats, 1 or more")


# --- the boundaries: each decision looks at what it rests on, and at nothing else ---

EVENTS = {
    "the course": CourseDefined("chess", 2), "its capacity": CourseCapacityChanged("chess", 2),
    "the student": ADA, "the same seat": StudentSubscribed("chess", "s1"),
    "another student in it": StudentSubscribed("chess", "s2"), "another course of the student":
    StudentUnsubscribed("greek", "s1"), "neither": StudentSubscribed("greek", "s2"), "another of that name":
    StudentRegistered("s2", "ada"), "somebody else": StudentRegistered("s2", "alan"),
}  # fmt: skip
COURSE = {"the course", "its capacity", "the same seat", "another student in it"}
STUDENT = {"the student", "the same seat", "another course of the student"}
BOUNDARIES = {
    DefineCourse("chess", 2): COURSE,
    ChangeCapacity("chess", 2): COURSE,
    RegisterStudent("s1", "ada"): STUDENT | {"another of that name"},
    SubscribeStudent("chess", "s1"): COURSE | STUDENT,
    UnsubscribeStudent("chess", "s1"): {"the same seat"},
}


@pytest.mark.parametrize("wish", BOUNDARIES, ids=lambda wish: type(wish).__name__)
def test_a_decision_rests_on_these_events_and_no_others(wish):
    store = MemoryStore()
    store.append("log-1", map(tagged, EVENTS.values()))
    found = {list(EVENTS)[recorded.position - 1] for recorded in store.read(query=HANDLERS[type(wish)].boundary(wish))}
    assert found == BOUNDARIES[wish]


def stores(tmp_path):
    """Two writers' handles on one log, on each kind of store."""
    memory = MemoryStore()
    return {"memory": (memory, memory), "sqlite": (SqliteStore(tmp_path / "s.db"), SqliteStore(tmp_path / "s.db"))}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_of_two_who_want_the_last_seat_at_the_same_moment_one_gets_it(kind, tmp_path):
    """Both have read before either writes; the slower one is refused by the store, and then by the rule."""
    handles, both_have_decided, came_of = stores(tmp_path)[kind], threading.Barrier(2, timeout=30), {}

    class Together(SubscribeStudentHandler):
        def handle(self, command, state):
            decided = super().handle(command, state)
            both_have_decided.wait()
            return decided

    def want(student, store):
        try:
            came_of[student] = CommandBus(store, {SubscribeStudent: Together()}, attempts=1).dispatch(
                SubscribeStudent("chess", student)
            )
        except ConditionFailed as refusal:
            came_of[student] = refusal

    office = CommandBus(handles[0], HANDLERS)
    for wish in (DefineCourse("chess", 1), RegisterStudent("s1", "ada"), RegisterStudent("s2", "alan")):
        office.dispatch(wish)
    threads = [threading.Thread(target=want, args=one) for one in zip(("s1", "s2"), handles, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    [refusal] = [one for one in came_of.values() if isinstance(one, ConditionFailed)]
    assert (refusal.facts["position"], refusal.facts["type"], handles[1].position) == (
        4,
        "courses.StudentSubscribed",
        4,
    )
    [late] = [student for student, one in came_of.items() if one is refusal]
    with pytest.raises(CommandRefused, match="1 of 1 seats are taken"):
        office.dispatch(SubscribeStudent("chess", late))


# --- any interleaving of writers ---

COURSES, STUDENTS = [f"c{n}" for n in range(1, 6)], ["s1", "s2", "s3"]
IDS = st.sampled_from(COURSES), st.sampled_from(STUDENTS)
WISHES = st.one_of(
    st.builds(SubscribeStudent, *IDS),
    st.builds(UnsubscribeStudent, *IDS),
    st.builds(ChangeCapacity, IDS[0], st.integers(1, 2)),
    st.builds(RegisterStudent, IDS[1], st.sampled_from(["ada", "alan"])),
)
STEPS = st.lists(st.tuples(st.integers(1, 3), WISHES), max_size=40)
"""A writer writes what it decided in its last step, if anything, and decides on another wish."""


def decide_now(store, wish, guard):
    """Look and decide; what is given back appends later, under a condition made of these items of the query."""
    handler = HANDLERS[type(wish)]
    query = handler.boundary(wish)
    seen = list(store.read(query=query))
    events = handler.handle(wish, fold(seen, DECIDER))
    condition = AppendCondition(Query(*query.items[guard]), after=seen[-1].position if seen else 0)
    return partial(store.append, handler.stream(wish), events, condition=condition)


def run(store, steps, guard=slice(None)):
    """Let writers take these steps; gives how many of them were too late, and which rules the log breaks."""
    waiting, late = {}, 0
    for writer, wish in steps:
        try:
            waiting.pop(writer, list)()
        except ConditionFailed:
            late += 1
        try:
            waiting[writer] = decide_now(store, wish, guard)
        except CommandRefused:
            continue
    return late, list(broken(store))


def broken(store):
    state = DECIDER.initial()
    for recorded in store.read():
        state = DECIDER.evolve(state, recorded)
        if any(state.taken(course) > state.capacities[course] for course in COURSES if course in state.capacities):
            yield f"more students than seats at {recorded.position}"
        if any(state.courses_of(student) > MOST_COURSES for student in STUDENTS):
            yield f"more courses than a student may take at {recorded.position}"
    registered = [recorded.payload for recorded in store.read(types=[StudentRegistered])]
    if len({one.username for one in registered}) < len(registered) or len(state.students) < len(registered):
        yield "a student or a username twice"


def opened():
    store = MemoryStore()
    for course in COURSES:
        CommandBus(store, HANDLERS).dispatch(DefineCourse(course, 1))
    CommandBus(store, HANDLERS).dispatch(RegisterStudent("s1", "ada"))
    return store


@settings(deadline=None, max_examples=150)
@for_any(STEPS)
def test_no_interleaving_of_three_writers_breaks_a_rule(steps):
    store = opened()
    assert run(store, steps)[1] == []
    projector = Projector(store, WhoSitsWhere())
    projector.catch_up()
    seats = {(course, student) for course, students in projector.state.items() for student in students}
    assert seats == fold(store.read(), DECIDER).seats


BUSY = [(1, SubscribeStudent("c1", "s1")), (1, SubscribeStudent("c2", "s1"))]
AFTERWARDS = [
    (1, UnsubscribeStudent("c5", "s3")),
    (2, UnsubscribeStudent("c5", "s3")),
]  # refused, but the writers write
RACES = {
    "for the last seat": ((1, SubscribeStudent("c1", "s1")), (2, SubscribeStudent("c1", "s2")), "seats", 1),
    "for the last free hour": ((1, SubscribeStudent("c3", "s1")), (2, SubscribeStudent("c4", "s1")), "courses", 0),
    "for a username": ((1, RegisterStudent("s3", "eve")), (2, RegisterStudent("s4", "eve")), "username", 0),
    "for a student": ((1, RegisterStudent("s3", "eve")), (2, RegisterStudent("s3", "bob")), "student", 1),
}


@pytest.mark.parametrize("race", RACES)
def test_a_boundary_without_one_of_its_items_breaks_the_rule_that_the_item_guards(race):
    """`kept` is the one item that does not help: with the whole boundary the slower writer is too late."""
    one, other, rule, kept = RACES[race]
    registered = [(1, RegisterStudent("s2", "alan"))]
    steps = [*registered, *(BUSY if rule == "courses" else []), one, other, *AFTERWARDS]
    assert run(opened(), steps) == (1, [])
    late, faults = run(opened(), steps, guard=slice(kept, kept + 1))
    assert late == 0
    assert faults
    assert rule in faults[0]
