"""A domain is wired when every command has exactly one handler, every event is applied, and nothing is left over."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, get_args

from eslab.aggregates import Aggregate, Decider
from eslab.commands import CommandHandler
from eslab.errors import EslabError, UnhandledEvent
from eslab.processes import Reactor
from eslab.projections import Projection


class Wired(NamedTuple):
    """A domain in which nothing is left over, and how much of each there is."""

    domain: str
    commands: int
    handlers: int
    events: int
    folds: int

    def __repr__(self) -> str:
        return (
            f"{self.domain}: {self.commands} commands, each with one handler; {self.events} events, each applied "
            f"({self.folds} aggregates, deciders and projections); nothing is left over"
        )


def check_wiring(domain: types.ModuleType | dict[str, Any]) -> Wired:
    """Raise AssertionError with all faults of a domain's wiring; `domain` is a module, or a notebook's globals()."""
    if faults := wiring_faults(domain):
        raise AssertionError("\n".join([f"{len(faults)} faults in the wiring:", *faults]))
    it = Domain(domain)
    handlers = sum(len(wiring) for wiring in it.wirings.values())
    folds = len(it.aggregates) + len(it.deciders) + len(it.projections)
    return Wired(it.name, len(it.commands), handlers, len(it.events), folds)


def wiring_faults(domain: types.ModuleType | dict[str, Any]) -> list[str]:
    """What is wrong with a domain's wiring, one sentence each with the next step; empty if nothing is."""
    it = Domain(domain)
    return [*_commands(it), *_handlers(it), *_events(it), *_aggregates(it), *_reactors(it)]


class Domain:
    """What a module declares, by kind; what it imports from elsewhere is not its own."""

    def __init__(self, domain: types.ModuleType | dict[str, Any]) -> None:
        names = vars(domain) if isinstance(domain, types.ModuleType) else domain
        self.names: dict[str, Any] = {
            name: one for name, one in names.items() if not name.startswith("__") and _plain_name(name)
        }
        self.module: str = names.get("__name__", "__main__")
        self.name = self.module.rpartition(".")[2]
        self.source = _source(domain)
        classes = list(dict.fromkeys(self._own_classes()))
        self.commands = [one for one in classes if "__command__" in vars(one)]
        self.events = [one for one in classes if "__event_name__" in vars(one)]
        self.messages = [one for one in classes if "__message__" in vars(one)]
        self.aggregates = [one for one in classes if issubclass(one, Aggregate)]
        self.projections = [one for one in classes if issubclass(one, Projection)]
        self.reactors = [one for one in classes if issubclass(one, Reactor)]
        self.handlers = [one for one in classes if issubclass(one, CommandHandler)]
        self.deciders = {name: one for name, one in self.names.items() if isinstance(one, Decider)}
        self.wirings = {name: one for name, one in self.names.items() if _is_wiring(name, one) and self._own(one)}

    def _own(self, wiring: Mapping[Any, Any]) -> bool:
        """Whether a wiring has anything to do with this domain, and was not only imported to run another."""
        kinds = [one if isinstance(one, type) else type(one) for pair in wiring.items() for one in pair]
        return not wiring or any(kind.__module__ == self.module for kind in kinds)

    def _own_classes(self) -> Iterator[type]:
        return (one for one in self.names.values() if isinstance(one, type) and one.__module__ == self.module)


def _plain_name(name: str) -> bool:
    return not (name.startswith("_") and name[1:].isdigit())  # IPython keeps results as _1, _2 and so on


def _is_wiring(name: str, one: object) -> bool:
    if not isinstance(one, Mapping):
        return False
    return name == "HANDLERS" or any(isinstance(value, CommandHandler) for value in one.values())


def _source(domain: types.ModuleType | dict[str, Any]) -> str:
    try:
        return inspect.getsource(domain) if isinstance(domain, types.ModuleType) else ""
    except (OSError, TypeError):
        return ""


# --- the five questions ---------------------------------------------------------------------------------------------


def _commands(it: Domain) -> Iterator[str]:
    for command in it.commands:
        called = command.__name__
        places = [name for name, wiring in it.wirings.items() if command in wiring]
        places += [f"{name} again" for name in _twice(it, command)]
        if not places:
            yield f"command {called} has no handler, expected one: add {called}: ...Handler() to HANDLERS"
        elif len(places) > 1:
            yield f"command {called} has {len(places)} handlers ({', '.join(places)}), expected one: keep one"


def _twice(it: Domain, command: type) -> Iterator[str]:
    """The wirings whose literal names a command more than once: Python keeps the last and says nothing."""
    for node in ast.walk(ast.parse(it.source)):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            keys = [key.id for key in node.value.keys if isinstance(key, ast.Name)]
            if isinstance(target, ast.Name) and target.id in it.wirings:
                yield from [target.id] * (keys.count(command.__name__) - 1)


def _handlers(it: Domain) -> Iterator[str]:
    wired = [(name, *pair) for name, wiring in it.wirings.items() for pair in wiring.items()]
    for name, command, handler in wired:
        called = getattr(command, "__name__", repr(command))
        if command not in it.commands:
            yield f"{name} has a handler for {called}, which is no command of {it.name}: remove it, or declare it"
        if not isinstance(handler, CommandHandler):
            said = f"the class {handler.__name__}" if isinstance(handler, type) else repr(handler)
            yield f"{name}[{called}] is {said}, expected an instance of a handler class: write {called}: ...Handler()"
            continue
        kind = type(handler)
        for what in ("stream", "handle"):
            if getattr(kind, what) is getattr(CommandHandler, what):
                yield f"{kind.__name__} has no {what}, expected one of its own: give it a method {what}"
        if not hasattr(kind, "fold"):
            yield f"{kind.__name__} does not say on what it decides: give it fold = an Aggregate class, or a Decider"
    used = {kind for _, _, handler in wired for kind in type(handler).__mro__}
    used |= {kind for _, _, handler in wired if isinstance(handler, type) for kind in handler.__mro__}
    for left in it.handlers:
        if left not in used:
            yield f"{left.__name__} is wired to no command: add it to HANDLERS, or remove it"


def _events(it: Domain) -> Iterator[str]:
    folds: Iterable[Any] = [*(aggregate.apply for aggregate in it.aggregates),
                            *(decider.evolve_event for decider in it.deciders.values())]  # fmt: skip
    applied = {event for function in folds for event in _mentioned(function, it)}
    for event in it.events:
        if (it.aggregates or it.deciders) and event not in applied:
            yield (f"event {event.__name__} is applied by no aggregate or decider, expected one: add `case "
                   f"{event.__name__}(...)` to apply, or remove the event")  # fmt: skip
        elif not (it.aggregates or it.deciders) and not any(_shown(event, one) for one in it.projections):
            yield f"event {event.__name__} is handled by no projection, expected one: name it in its types"


def _aggregates(it: Domain) -> Iterator[str]:
    """A stranger must be refused, else the wrong class of a cell run again is passed over in silence."""
    stranger: Any = types.SimpleNamespace(payload=_Stranger(), version=1, stream="given-1", position=1)
    folds = [(one.__name__, one) for one in it.aggregates] + list(it.deciders.items())
    for name, one in folds:
        try:
            one.evolve(one.initial(), stranger)
        except (UnhandledEvent, EslabError):
            continue
        yield f"{name} passes over an event that it does not know: end with `case _: raise unhandled(self, event)`"


def _reactors(it: Domain) -> Iterator[str]:
    """What is declared to be sent must be sent by somebody, and be something that can be received."""
    for message in it.messages:
        if not any(message in reactor.sends for reactor in it.reactors):
            yield f"message {message.__name__} is sent by no reactor: add it to the sends of one, or remove it"
    for reactor in it.reactors:
        for sent in reactor.sends:
            if not {"__message__", "__command__"} & set(vars(sent)):
                yield (f"{reactor.__name__} sends {sent.__name__}, expected a message or a command: write @message "
                       f"above it")  # fmt: skip


class _Stranger:
    """An event of no domain."""


# --- which events a function has a case for -------------------------------------------------------------------------


def _shown(event: type, projection: type[Projection]) -> bool:
    if projection.types is not None:
        return event in projection.types or getattr(event, "__event_name__", "") in projection.types
    return False


def _mentioned(function: Callable[..., Any], it: Domain) -> set[Any]:
    """The events that a function names, also in the helpers that it calls and in the tables it looks into."""
    found: set[Any] = set()
    seen: set[Any] = set()
    waiting: list[Any] = [function]
    while waiting:
        one = waiting.pop()
        code = getattr(getattr(one, "__func__", one), "__code__", None)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, type):
            found |= {one} & set(it.events)
        elif code is not None:
            waiting += [it.names[name] for name in _names(code) if name in it.names]
            waiting += [vars(cls)[name] for cls in it.aggregates for name in _names(code) if name in vars(cls)]
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set, frozenset, types.UnionType)):
            waiting += get_args(one) or list(one)  # type: ignore[arg-type]  # a union has arguments, the others have items
    return found


def _names(code: types.CodeType) -> set[str]:
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return set(code.co_names).union(*map(_names, inner))
