"""The courses of a school: rules that no single stream can keep, decided on the events that a query finds.

A course has so many seats, a student takes so many courses, a username has one owner. (The example, and the idea, are
those of dcb.events.)
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from eslab.aggregates import Decider, unhandled
from eslab.commands import CommandHandler, command
from eslab.errors import CommandRefused, InvalidCommand
from eslab.events import NewEvent, Recorded, event
from eslab.projections import Projection
from eslab.queries import Query, QueryItem

MOST_COURSES = 3
"""How many courses a student may take at the same time."""

# --- events ---------------------------------------------------------------------------------------------------------


@event(name="courses.CourseDefined")
class CourseDefined:
    course: str
    capacity: int


@event(name="courses.CourseCapacityChanged")
class CourseCapacityChanged:
    course: str
    capacity: int


@event(name="courses.StudentRegistered")
class StudentRegistered:
    student: str
    username: str


@event(name="courses.StudentSubscribed")
class StudentSubscribed:
    course: str
    student: str


@event(name="courses.StudentUnsubscribed")
class StudentUnsubscribed:
    course: str
    student: str


CourseEvent = CourseDefined | CourseCapacityChanged | StudentRegistered | StudentSubscribed | StudentUnsubscribed


def tagged(event: CourseEvent) -> NewEvent:
    """The event with a tag for each thing that it is about, such as `course:c1` and `student:s1`."""
    tags = [f"{what}:{getattr(event, what)}" for what in ("course", "student", "username") if hasattr(event, what)]
    return NewEvent(event, tags=tags)


# --- commands -------------------------------------------------------------------------------------------------------


@command
class DefineCourse:
    course: str
    capacity: int


@command
class ChangeCapacity:
    course: str
    capacity: int


@command
class RegisterStudent:
    student: str
    username: str


@command
class SubscribeStudent:
    course: str
    student: str


@command
class UnsubscribeStudent:
    course: str
    student: str


CourseCommand = DefineCourse | ChangeCapacity | RegisterStudent | SubscribeStudent | UnsubscribeStudent

# --- state and decisions --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Enrolment:
    """What is known from the events that a decision asked for, and nothing about anybody else."""

    capacities: Mapping[str, int] = dataclasses.field(default_factory=dict)
    students: frozenset[str] = frozenset()
    usernames: frozenset[str] = frozenset()
    seats: frozenset[tuple[str, str]] = frozenset()
    """A course and a student for each seat that is taken."""

    def taken(self, course: str) -> int:
        return sum(seat[0] == course for seat in self.seats)

    def courses_of(self, student: str) -> int:
        return sum(seat[1] == student for seat in self.seats)


def evolve(state: Enrolment, event: CourseEvent) -> Enrolment:
    match event:
        case CourseDefined(course, capacity) | CourseCapacityChanged(course, capacity):
            return dataclasses.replace(state, capacities={**state.capacities, course: capacity})
        case StudentRegistered(student, username):
            students, usernames = state.students | {student}, state.usernames | {username}
            return dataclasses.replace(state, students=students, usernames=usernames)
        case StudentSubscribed(course, student):
            return dataclasses.replace(state, seats=state.seats | {(course, student)})
        case StudentUnsubscribed(course, student):
            return dataclasses.replace(state, seats=state.seats - {(course, student)})
        case _:
            raise unhandled("evolve", event)


def decide(command: CourseCommand, state: Enrolment) -> list[CourseEvent]:
    match command:
        case DefineCourse(course, capacity):
            must(course not in state.capacities, f"course {course} is defined, expected a new one: choose another id")
            return [CourseDefined(course, capacity)]
        case ChangeCapacity(course, capacity):
            must(course in state.capacities, f"course {course} is not defined, expected one that is: define it first")
            taken = state.taken(course)
            must(taken <= capacity, f"{taken} seats are taken, expected {capacity} at most: wait until somebody leaves")
            return [CourseCapacityChanged(course, capacity)]
        case RegisterStudent(student, username):
            must(student not in state.students, f"student {student} is registered, expected a new one: leave it so")
            must(username not in state.usernames, f"username {username} is taken, expected a free one: choose another")
            return [StudentRegistered(student, username)]
        case SubscribeStudent(course, student):
            must(course in state.capacities, f"course {course} is not defined, expected one that is: define it first")
            must(student in state.students, f"student {student} is not registered, expected one who is: register first")
            must((course, student) not in state.seats, f"{student} sits in {course}, expected a newcomer: leave it so")
            seats, taken, courses = state.capacities[course], state.taken(course), state.courses_of(student)
            must(taken < seats, f"{taken} of {seats} seats are taken, expected a free one: choose another course")
            must(courses < MOST_COURSES, f"{student} takes {courses} courses, expected fewer: leave one of them first")
            return [StudentSubscribed(course, student)]
        case UnsubscribeStudent(course, student):
            must((course, student) in state.seats, f"{student} is not in {course}, expected one who is: leave it so")
            return [StudentUnsubscribed(course, student)]


def must(rule_holds: bool, refusal: str) -> None:
    if not rule_holds:
        raise CommandRefused(refusal)


DECIDER = Decider(initial_state=Enrolment(), decide=decide, evolve=evolve, category="course")

# --- handlers: each says which events its decision rests on ---------------------------------------------------------


class CourseHandler(CommandHandler[Any, Enrolment]):
    """Decides on all events of one course. The stream says where an event lies, the boundary what must hold still."""

    fold = DECIDER

    def stream(self, command: Any) -> str:
        return f"course-{command.course}"

    def boundary(self, command: Any) -> Query:
        return Query(QueryItem(tags=[f"course:{command.course}"]))

    def validate(self, command: Any) -> None:
        for field in dataclasses.fields(command):
            check(field.name, getattr(command, field.name))

    def handle(self, command: Any, state: Enrolment) -> list[NewEvent]:
        return [tagged(event) for event in decide(command, state)]


class RegisterStudentHandler(CourseHandler):
    def stream(self, command: RegisterStudent) -> str:
        return f"student-{command.student}"

    def boundary(self, command: RegisterStudent) -> Query:
        return Query(QueryItem(tags=[f"student:{command.student}"]), QueryItem(tags=[f"username:{command.username}"]))


class SubscribeStudentHandler(CourseHandler):
    def boundary(self, command: SubscribeStudent) -> Query:
        return Query(QueryItem(tags=[f"course:{command.course}"]), QueryItem(tags=[f"student:{command.student}"]))


class UnsubscribeStudentHandler(CourseHandler):
    def boundary(self, command: UnsubscribeStudent) -> Query:
        return Query(QueryItem(tags=[f"course:{command.course}", f"student:{command.student}"]))


def check(what: str, value: object) -> None:
    """Raise InvalidCommand unless a capacity is a number of seats, and any other field a plain word, fit for a tag."""
    if what == "capacity":
        if type(value) is not int or value < 1:
            raise InvalidCommand(f"capacity is {value!r}, expected whole seats, 1 or more: correct it", found=value)
    elif not isinstance(value, str) or not re.fullmatch(r"[a-z0-9.-]{1,40}", value):
        raise InvalidCommand(
            f"{what} is {value!r}, expected 1 to 40 small letters, digits, dots and dashes: correct it", found=value
        )


HANDLERS = {
    DefineCourse: CourseHandler(),
    ChangeCapacity: CourseHandler(),
    RegisterStudent: RegisterStudentHandler(),
    SubscribeStudent: SubscribeStudentHandler(),
    UnsubscribeStudent: UnsubscribeStudentHandler(),
}

# --- projections ----------------------------------------------------------------------------------------------------


class WhoSitsWhere(Projection):
    """The students of every course, in the order in which they came: a dict of lists."""

    types = (CourseDefined, StudentSubscribed, StudentUnsubscribed)

    def evolve(self, courses: dict[str, list[str]], recorded: Recorded, /) -> dict[str, list[str]]:
        match recorded.payload:
            case CourseDefined(course):
                courses[course] = []
            case StudentSubscribed(course, student):
                courses[course].append(student)
            case StudentUnsubscribed(course, student):
                courses[course].remove(student)
        return courses
