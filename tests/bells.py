"""Bells that ring: a store of rings, and what tests of projections count of them."""

from typing import ClassVar

from eslab import Projection, SqliteProjection, event


@event(name="bells.BellRung")
class BellRung:
    times: int


MOST_RINGS = 12
"""More rings at once cannot be handled, except 20 and more, by which tests tell streams apart."""


class Ringing(SqliteProjection):
    """How often each bell rang, and every ring one by one; an event of 13 to 19 rings cannot be handled."""

    types = (BellRung,)
    tables: ClassVar[dict[str, str]] = {
        "bells": "CREATE TABLE bells (bell TEXT PRIMARY KEY, rings INTEGER NOT NULL)",
        "ring log": 'CREATE TABLE "ring log" (position INTEGER, bell TEXT)',
    }

    def evolve(self, db, recorded, /):
        times = recorded.payload.times
        db.execute("INSERT INTO bells VALUES (?, 0) ON CONFLICT DO NOTHING", [recorded.stream])
        db.execute("UPDATE bells SET rings = rings + ? WHERE bell = ?", [times, recorded.stream])
        db.execute('INSERT INTO "ring log" VALUES (?, ?)', [recorded.position, recorded.stream])
        if MOST_RINGS < times < 20:
            raise ValueError(f"{times} rings")
        return db


class Rings(Projection):
    """The same as Python state, changed in place."""

    types = (BellRung,)

    def evolve(self, bells, recorded, /):
        bells[recorded.stream] = bells.get(recorded.stream, 0) + recorded.payload.times
        if MOST_RINGS < recorded.payload.times < 20:
            raise ValueError(f"{recorded.payload.times} rings")
        return bells


def ring(store, *times):
    for number, one in enumerate(times):
        store.append(f"bell-{number % 3}", [BellRung(one)])


def seen(projector):
    """All that the read model of Ringing holds."""
    db = projector.state
    log = db.execute('SELECT position, bell FROM "ring log" ORDER BY position').fetchall()
    return dict(db.execute("SELECT bell, rings FROM bells ORDER BY bell").fetchall()), log


EIGHT = {"bell-0": 12, "bell-1": 15, "bell-2": 9}
"""The rings of each bell after `ring(store, 1, 2, 3, 4, 5, 6, 7, 8)`."""
