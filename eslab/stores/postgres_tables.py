"""The tables of a store in PostgreSQL, and the steps that lead from one schema version to the next."""

from __future__ import annotations

import math
import re

from eslab.errors import StoreUnavailable
from eslab.stores.postgres_line import Line

COLUMNS = "position, stream, version, type, schema_version, id, recorded_at, occurred_at, payload, metadata"
FIRST = """
CREATE TABLE {schema}.settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO {schema}.settings VALUES ('made_by', 'eslab'), ('schema_version', '0');
CREATE TABLE {schema}.events (
    position       BIGINT PRIMARY KEY CHECK (position > 0),
    stream         TEXT COLLATE "C" NOT NULL,
    version        BIGINT           NOT NULL CHECK (version > 0),
    type           TEXT COLLATE "C" NOT NULL,
    schema_version BIGINT           NOT NULL,
    id             TEXT COLLATE "C" NOT NULL UNIQUE,
    recorded_at    TEXT COLLATE "C" NOT NULL,
    occurred_at    TEXT COLLATE "C" NOT NULL,
    payload        TEXT COLLATE "C" NOT NULL,
    metadata       TEXT COLLATE "C" NOT NULL,
    category       TEXT COLLATE "C" GENERATED ALWAYS AS (split_part(stream, '-', 1)) STORED,
    UNIQUE (stream, version)
);
CREATE INDEX events_by_type ON {schema}.events (type, position);
CREATE TABLE {schema}.tags (tag TEXT COLLATE "C", position BIGINT, PRIMARY KEY (tag, position));
CREATE TABLE {schema}.links (position BIGINT PRIMARY KEY, digest BYTEA NOT NULL);

CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION '% of %: a fact is never changed or deleted: append one that corrects it', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.events EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.tags EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.links EXECUTE FUNCTION {schema}.refuse();

CREATE FUNCTION {schema}.one_writer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('eslab_' || TG_TABLE_SCHEMA, 0));
    RETURN NULL;
END $$;
CREATE TRIGGER one_writer BEFORE INSERT ON {schema}.events EXECUTE FUNCTION {schema}.one_writer();

CREATE FUNCTION {schema}.in_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (
        SELECT FROM (SELECT min(position) AS start, max(position) AS stop, count(*) AS number FROM added) AS places
        WHERE stop - start + 1 <> number
           OR start - 1 <> coalesce((SELECT max(position) FROM {schema}.events WHERE position < start), 0)
    ) THEN RAISE EXCEPTION 'the positions do not follow the end of the log: begin at max(position) + 1';
    END IF;
    PERFORM pg_notify('eslab_' || TG_TABLE_SCHEMA, '');
    RETURN NULL;
END $$;
CREATE TRIGGER in_order AFTER INSERT ON {schema}.events REFERENCING NEW TABLE AS added
    EXECUTE FUNCTION {schema}.in_order();
"""
TAGS_OF_EVENTS = """SELECT DISTINCT tag #>> '{}' AS tag, position FROM events, json_array_elements(
    CASE json_typeof(metadata::json -> 'tags') WHEN 'array' THEN metadata::json -> 'tags' ELSE '[]' END) AS tag
WHERE metadata <> '{}' AND json_typeof(tag) = 'string'"""
UNINDEXED_TAGS = f"""SELECT * FROM ({TAGS_OF_EVENTS} EXCEPT SELECT tag, position FROM tags) AS missing
UNION ALL SELECT * FROM (SELECT tag, position FROM tags EXCEPT {TAGS_OF_EVENTS}) AS added"""
GUARDS = {
    ("events", "one_writer"),
    ("events", "in_order"),
    *((name, "never_changed") for name in ("events", "tags", "links")),
}
ON_GUARD = """
SELECT relname::text, tgname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled IN ('O', 'A')
"""
STEPS: tuple[str, ...] = (FIRST,)
"""Step n leads from schema version n to n + 1; an empty schema has version 0. Steps are added, never changed."""

MARKS = "SELECT value::text FROM {schema}.settings WHERE name IN ('made_by', 'schema_version') ORDER BY name"
TABLES = """
SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %s AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname
"""
OTHER_COLUMNS = ("42703", "42883", "42804", "22P02")
"""What PostgreSQL says of a table `settings` with other columns than ours."""


def checked_schema(schema: str) -> str:
    """The name of a schema, if it is one that needs no quoting. Raises StoreUnavailable."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,49}", schema) or schema.startswith("pg_"):
        raise StoreUnavailable(
            f"schema {schema!r} is not a name that a store can have: take up to 50 small letters, digits and _, "
            f"such as 'eslab' or 'class_7b'", schema=schema,
        )  # fmt: skip
    return schema


def settings_of(schema: str, patience: float) -> str:
    """The SQL with which a line begins: where its tables are, and its own mind about what a server may be set to.

    In a stricter isolation, what others wrote while a writer waited for its turn would not be seen. A bitmap would
    gather all that an index has of a tag before the first of them is looked at.
    """
    return (
        f'SET search_path TO "{schema}"; SET synchronous_commit = on; SET enable_bitmapscan = off; '
        f"SET default_transaction_isolation = 'read committed'; SET lock_timeout = {max(1, math.ceil(patience * 1000))}"
    )


def lock_of(schema: str) -> str:
    """The SQL that makes its transaction the one writer of this schema, until it ends."""
    return f"SELECT pg_advisory_xact_lock(hashtextextended('eslab_{schema}', 0))"


def claim(line: Line, schema: str, create: bool) -> None:
    """Make the tables of a schema, or bring older ones up to date; all or nothing, and once, whoever else does it.

    Raises StoreUnavailable if another program, or a newer eslab, has made them; then they stay as they are.
    """
    version = _version(line, schema)
    if version == len(STEPS):
        return
    if not version and not create:
        raise StoreUnavailable(
            f"there is no store in schema {schema!r} in {line.place}: check the address and the schema",
            place=line.place,
        )
    line.begin(lock_of(schema))
    try:
        version = _version(line, schema)  # others may have made them meanwhile
        if not line.ask("SELECT FROM pg_namespace WHERE nspname = %s", schema):
            line.run(f'CREATE SCHEMA "{schema}"')
        for step in STEPS[version:]:
            line.run(step.format(schema=f'"{schema}"'))
        line.run(f"UPDATE \"{schema}\".settings SET value = '{len(STEPS)}' WHERE name = 'schema_version'")
    except BaseException:
        line.rollback()
        raise
    line.commit()


def _version(line: Line, schema: str) -> int:
    """The version of the tables that are there; 0 if there are none. Raises StoreUnavailable if they are not ours."""
    ((encoding,),) = line.ask("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        raise StoreUnavailable(
            f"{line.place} keeps text as {encoding}, expected UTF8, which has every character: "
            f"create a database with ENCODING 'UTF8' TEMPLATE template0", place=line.place, encoding=encoding,
        )  # fmt: skip
    tables = [name for (name,) in line.ask(TABLES, schema)]
    version = _marked(line, schema) if "settings" in tables else None
    if tables and version is None:
        raise StoreUnavailable(
            f"schema {schema!r} in {line.place} is not an eslab store: another program made it (tables: "
            f"{', '.join(map(repr, tables))}). It was left as it is: choose another schema", place=line.place,
        )  # fmt: skip
    if version is not None and version > len(STEPS):
        raise StoreUnavailable(
            f"schema {schema!r} in {line.place} has schema version {version}, expected at most {len(STEPS)}: "
            f"it was made by a newer eslab, so update this one", place=line.place, version=version,
        )  # fmt: skip
    return version or 0


def _marked(line: Line, schema: str) -> int | None:
    """The schema version that is written down; None if the table is another program's."""
    try:
        marks = [value for (value,) in line.ask(MARKS.format(schema=f'"{schema}"'))]
    except StoreUnavailable as refusal:
        if refusal.facts.get("code") in OTHER_COLUMNS:
            return None
        raise
    return int(marks[1]) if len(marks) == 2 and marks[0] == "eslab" and marks[1].isdigit() else None
