"""A player in Python: it has only the trace, as the one in the browser has, and shows every state of a timeline."""

import copy
import json


def decoded(tree):
    """A tree as Python values: {"map": [[key, tree], ...]} is a dict, in that order."""
    if isinstance(tree, dict):
        return {key: decoded(one) for key, one in tree["map"]}
    return [decoded(one) for one in tree] if isinstance(tree, list) else tree


def applied(state, operation):
    """The state after one operation of a patch; the state is changed in place where that is possible."""
    verb, path, *value = operation
    if not path:
        return reordered(state, value[0]) if verb == "o" else decoded(value[0])
    place = state
    for key in path[:-1]:
        place = place[key]
    last = path[-1]
    assert isinstance(place, list) == isinstance(last, int), f"{operation} has the wrong kind of key"
    if verb == "-":
        del place[last]
    elif verb == "o":
        place[last] = reordered(place[last], value[0])
    elif isinstance(place, list) and last == len(place):
        place.append(decoded(value[0]))
    else:
        place[last] = decoded(value[0])
    return state


def reordered(mapping, keys):
    assert sorted(mapping) == sorted(keys)
    return {key: mapping[key] for key in keys}


def lines(trace):
    """The head of a trace, its events, and its patches."""
    head, *rest = map(json.loads, trace.split(b"\n"))
    shared = head.get("sharedEvents", 0)
    count = len(head["type"]) - shared
    return head, rest[:count], rest[count:]


def states(trace):
    """Every state that the trace tells of, as the browser would have it."""
    head, _, patches = lines(trace)
    state = decoded(head["start"])
    found = [copy.deepcopy(state)]
    for patch in patches:
        for operation in patch:
            state = applied(state, operation)
        found.append(copy.deepcopy(state))
    return found


def in_order(value):
    """A value in which the order of keys counts when it is compared."""
    if isinstance(value, dict):
        return ("dict", [(key, in_order(one)) for key, one in value.items()])
    return [in_order(one) for one in value] if isinstance(value, list) else (type(value), value)
