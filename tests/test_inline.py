"""Inline views: what was appended is in the view, and what the view cannot handle is not appended."""

import contextlib

import pytest
from test_read_models import BellRung, InPostgres, InSqlite, Rings, letter, seen

from eslab import MemoryStore, Projector
from eslab.errors import DuplicateEvent, ProjectionChanged, ProjectionFailed, StoreUnavailable
from eslab.projections.inline import inline
from eslab.projections.read_models import Mark
from eslab.stores.sqlite import SqliteStore


class Bells:
    """A store, another program on the same log, and projections whose view lies with it."""

    def __init__(self, kind, tmp_path, request):
        self.views, self.kind = contextlib.ExitStack(), kind
        if kind == "memory":
            self.store = self.other = MemoryStore()
            self.cls, self.at = Rings, ()
        elif kind == "sqlite":
            self.store, self.other = (SqliteStore(tmp_path / "events.db") for _ in range(2))
            self.cls, self.at = InSqlite, (self.store.path,)
        else:
            postgres = request.getfixturevalue("postgres")
            self.store = postgres.open_store()
            self.other, self.dsn = postgres.open_store(self.store.schema), postgres.dsn
            self.cls = lambda dsn: InPostgres(dsn, schema=self.store.schema)
            self.at = (postgres.dsn,)

    def inline(self, projection=None):
        model = inline(self.store, projection or self.cls(*self.at))
        self.views.callback(model.close)
        return model


shared_logs = pytest.mark.parametrize(
    "bells", ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)], indirect=True
)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def bells(request, tmp_path):
    made = Bells(request.param, tmp_path, request)
    yield made
    made.views.close()
    made.store.close()
    made.other.close()


def ring(store, *times):
    return [store.append(f"bell-{number % 2 + 1}", [BellRung(one)]) for number, one in enumerate(times)][-1]


@pytest.mark.parametrize("bells", ["memory", "sqlite", "postgres"], indirect=True)
def test_what_was_appended_is_in_the_view(bells):
    ring(bells.store, 1, 2)
    view = bells.inline()
    assert seen(view) == {"bell-1": 1, "bell-2": 2}
    ring(bells.store, 10)
    assert seen(view) == {"bell-1": 11, "bell-2": 2}
    bells.store.copy(MemoryStore().append("bell-3", [BellRung(3)]))
    assert (seen(view)["bell-3"], view.checkpoint, view.mark.position) == (3, 4, 4)


def test_what_the_view_cannot_handle_is_not_appended(bells):
    view = bells.inline()
    ring(bells.store, 1)
    with pytest.raises(ProjectionFailed, match=r"nothing was appended: .* could not handle position 4, .*13 rings"):
        bells.store.append({"bell-1": [BellRung(5), BellRung(6)], "bell-2": [BellRung(13)]})
    assert (bells.store.position, view.checkpoint, seen(view)) == (1, 1, {"bell-1": 1})
    ring(bells.store, 2)
    assert (bells.store.position, view.checkpoint, seen(view)) == (2, 2, {"bell-1": 3})


def test_an_append_that_is_refused_later_leaves_the_view(bells):
    bells.store.ids = lambda: "always the same"
    view = bells.inline()
    ring(bells.store, 1)
    with pytest.raises(DuplicateEvent):
        ring(bells.store, 2)
    assert (view.checkpoint, seen(view)) == (1, {"bell-1": 1})


def test_a_repetition_changes_nothing_more(bells):
    view = bells.inline()
    history = MemoryStore().append("bell-1", [BellRung(4), BellRung(5)])
    bells.store.copy(history)
    bells.store.copy(history)
    assert seen(view) == {"bell-1": 9}


@shared_logs
def test_what_others_append_without_the_view_comes_into_it_with_the_next_append(bells):
    view = bells.inline()
    ring(bells.other, 1, 2, 3)
    assert seen(view) == {}
    ring(bells.store, 10)
    assert (seen(view), view.checkpoint) == ({"bell-1": 14, "bell-2": 2}, 4)


@shared_logs
def test_the_same_view_is_run_by_a_projector_and_inline(bells):
    ring(bells.store, 1, 2)
    projector = Projector(bells.store, bells.cls(*bells.at))
    bells.views.callback(projector.read_model.close)
    projector.catch_up()
    view = bells.inline()
    ring(bells.store, 10)
    assert (projector.lag, projector.catch_up(), seen(view)) == (0, 0, {"bell-1": 11, "bell-2": 2})
    ring(bells.other, 5)
    assert (projector.catch_up(), seen(view)["bell-1"]) == (1, 16)


def test_a_cell_that_is_run_again_makes_no_second_view(bells):
    bells.inline()
    view = bells.inline()
    ring(bells.store, 1, 2)
    assert (seen(view), len(bells.store._inline)) == ({"bell-1": 1, "bell-2": 2}, 1)


def test_two_views_change_with_one_append(bells):
    twin = type(bells.cls(*bells.at))
    halls = type("Halls", (twin,), {"name": "Halls", "tables": {"halls": "CREATE TABLE halls (x INTEGER)"},
                                    "evolve": lambda self, state, recorded: state})  # fmt: skip
    options = {"schema": bells.store.schema} if bells.kind == "postgres" else {}
    first, second = bells.inline(), bells.inline(halls(*bells.at, **options))
    ring(bells.store, 1, 2)
    assert (first.checkpoint, second.checkpoint, seen(first)) == (2, 2, {"bell-1": 1, "bell-2": 2})


@shared_logs
def test_a_view_with_dead_letters_is_not_changed_out_of_turn(bells):
    poisoned = ring(bells.store, 13)[0]
    view = bells.cls(*bells.at).read_model()
    bells.views.callback(view.close)
    view.apply([], 0, Mark(0, made_by="yesterday"))
    with pytest.raises(ProjectionChanged, match=r"made by yesterday"):
        bells.inline()
    Projector(bells.store, bells.cls(*bells.at)).accept()
    view.apply([], 0, view.mark._replace(checkpoint=1), [letter(poisoned)])
    ring(bells.store, 1)
    with pytest.raises(ProjectionFailed, match=r"1 dead letters wait, first position 1, .* retry\(\) or skip"):
        bells.inline()


def test_a_view_elsewhere_is_refused(bells, tmp_path):
    for elsewhere in (InSqlite(str(tmp_path / "elsewhere.db")), Rings()):
        if not (bells.kind == "memory" and isinstance(elsewhere, Rings)):
            with pytest.raises(StoreUnavailable, match=r"view Bells is in .*, expected it where <.*Store.*Projector"):
                bells.inline(elsewhere)


def test_a_view_inline_cannot_append():
    class Echo(Rings):
        def evolve(self, state, recorded, /):
            ring(store, 1)

    store = MemoryStore()
    inline(store, Echo)
    with pytest.raises(ProjectionFailed, match="EmitDuringApply"):
        ring(store, 1)
    assert store.position == 0
