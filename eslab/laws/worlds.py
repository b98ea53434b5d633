"""In another world there is another time, another chance and another environment; a pure function sees none of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple


class World(NamedTuple):
    """A time to begin with, a seed, a time zone (as the TZ variable has it), and whether there is an environment."""

    began: dt.datetime
    seed: int
    zone: str
    environment: bool


ONE = World(dt.datetime(2001, 9, 9, 1, 46, 40, tzinfo=dt.UTC), 1, "WEST7", True)
ANOTHER = World(dt.datetime(2033, 5, 18, 3, 33, 20, tzinfo=dt.UTC), 2, "EAST-9:30", False)


@contextlib.contextmanager
def changed_world(world: World, namespaces: Iterable[dict[str, Any]] = ()) -> Iterator[None]:
    """For a while, `time`, `datetime`, `random`, `uuid`, `os.urandom`, the zone and the environment are others.

    So they are in these namespaces, where a name may mean one of their functions. It cannot change a clock that was
    put into a default or a closure, nor files, the network, the order of a set, or what a package in C asks the
    system itself. Everything of this process is changed, so nothing else should run meanwhile.
    """
    instead = _instead(world)
    modules = [vars(module) for module in (time, dt, uuid, os, random)]
    changed = [
        (names, name, value)
        for names in {id(names): names for names in (*modules, *namespaces)}.values()
        for name, value in list(names.items())
        if id(value) in instead
    ]
    chance, environment = random.getstate(), dict(os.environ)
    try:
        for names, name, value in changed:
            names[name] = instead[id(value)]
        random.seed(world.seed)
        _set_environment({**(environment if world.environment else {}), "TZ": world.zone})
        yield
    finally:
        for names, name, value in changed:
            names[name] = value
        random.setstate(chance)
        _set_environment(environment)


def _set_environment(variables: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
    if hasattr(time, "tzset"):
        time.tzset()


def _instead(world: World) -> dict[int, Any]:
    """What stands in the place of a function or a class, by the id of that."""
    chance = random.Random(world.seed)
    milliseconds = itertools.count()

    def now() -> float:
        return world.began.timestamp() + next(milliseconds) / 1000

    def given_or_now(function: Callable[[float], Any]) -> Callable[..., Any]:
        return lambda seconds=None: function(now() if seconds is None else seconds)

    seconds: tuple[Any, ...] = (time.time, time.monotonic, time.perf_counter, time.process_time)
    nanoseconds: tuple[Any, ...] = (time.time_ns, time.monotonic_ns, time.perf_counter_ns)
    parts: tuple[Any, ...] = (time.localtime, time.gmtime, time.ctime)
    return {
        **{id(one): now for one in seconds},
        **{id(one): lambda: int(now() * 1e9) for one in nanoseconds},
        **{id(one): given_or_now(one) for one in parts},
        **{id(one): lambda *_: uuid.UUID(int=chance.getrandbits(128), version=4) for one in (uuid.uuid1, uuid.uuid4)},
        id(os.urandom): chance.randbytes,
        id(dt.datetime): _moment(now),  # dt.date asks time.time, so it knows already
    }


def _moment(now: Callable[[], float]) -> type:
    """A class like datetime that knows another now; what it makes are plain datetimes."""
    moment = dt.datetime

    class Alike(type):
        def __instancecheck__(cls, thing: object) -> bool:
            return isinstance(thing, moment)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, moment)

    class Moment(moment, metaclass=Alike):  # type: ignore[valid-type,misc]  # the real one, under a name of its own
        def __new__(cls, *args: Any, **named: Any) -> Any:
            return moment(*args, **named)

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return moment.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return moment.fromtimestamp(now(), dt.UTC).replace(tzinfo=None)

    return Moment
