"""A PostgreSQL server for tests: that of ESLAB_POSTGRES_DSN, or one from the wheel; each test has schemas of its own.

The role of the address must be a superuser: some tests make roles and databases, and end other connections.
"""

import atexit
import functools
import itertools
import os
import shutil
import tempfile
import traceback
import uuid

import psycopg
import pytest

from eslab.stores.postgres import PostgresStore
from eslab.stores.server import local_server


@functools.cache
def server() -> str:
    """The address of the server, which is started when it is first asked for and ends with this program."""
    if dsn := os.environ.get("ESLAB_POSTGRES_DSN"):
        return dsn
    folder = tempfile.mkdtemp(prefix="eslab-postgres-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # runs after the server has been stopped
    return local_server(folder)


@functools.cache
def other_program(dsn: str) -> psycopg.Connection:
    """A connection beside those of the stores, kept open for all tests."""
    connection = psycopg.connect(dsn, autocommit=True)
    atexit.register(connection.close)
    return connection


class Postgres:
    """Schemas and stores on the server of the tests, gone when this is closed; also usable without pytest (`with`)."""

    def __init__(self, dsn=None):
        self.dsn = dsn or server()
        self.stores, self.schemas = [], []
        self._names = (f"test_{uuid.uuid4().hex[:12]}_{n}" for n in itertools.count())

    def schema(self):
        """The name of a schema that nobody else uses; there is none of this name yet."""
        self.schemas.append(next(self._names))
        return self.schemas[-1]

    def open_store(self, schema=None, **options):
        """A store, in a new and empty schema if none is named; closed at the end."""
        self.stores.append(PostgresStore(self.dsn, schema=schema or self.schema(), **options))
        return self.stores[-1]

    def ask(self, sql, *values):
        """What another program gets as an answer from the server; [] if there is none."""
        answer = other_program(self.dsn).execute(sql, values or None)
        return answer.fetchall() if answer.description else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for store in self.stores:
            store.close()
        for schema in self.schemas:
            self.ask(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@pytest.fixture
def postgres():
    """The server, with schemas for this test alone."""
    with Postgres() as schemas:
        yield schemas


def told(error):
    """Everything that is said of an error, its causes and its facts included."""
    causes = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    parts = [*traceback.format_exception(error), *(f"{one!s} {one!r} {vars(one)}" for one in causes)]
    return "\n".join(parts)
