"""The parts of a view in PostgreSQL are its tables, with their columns, constraints, indexes, views and sequences."""

from __future__ import annotations

from typing import Any, NamedTuple

KINDS = {"v": "VIEW", "r": "TABLE", "p": "TABLE", "S": "SEQUENCE"}
"""What stands by itself, in the order in which it is dropped."""
RELATIONS = """
SELECT relkind::text, relname::text FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND relkind IN ('v', 'r', 'p', 'S')
  AND NOT (relkind = 'S' AND EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i')))
ORDER BY relname
"""
NAMES = "SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = %s"
DESCRIPTION = """
WITH mine AS (
    SELECT pg_class.oid, relname, relkind, quote_ident(nspname) || '.' AS place FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = %s AND relkind IN ('v', 'r', 'p', 'S')
)
SELECT relname::text, part, replace(replace(what, place, ''), 'pg_temp.', '') FROM (
    SELECT oid, 'kind' AS part, relkind::text AS what FROM mine
    UNION ALL
    SELECT attrelid, 'column ' || attname, concat_ws(' ',
        row_number() OVER (PARTITION BY attrelid ORDER BY attnum), format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(adbin, adrelid),
        'IDENTITY ' || nullif(attidentity::text, ''), 'GENERATED ' || nullif(attgenerated::text, ''),
        'COLLATE ' || nullif(attcollation, 0)::regcollation::text)
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
    UNION ALL SELECT conrelid, 'constraint ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    UNION ALL SELECT indrelid, 'index ' || indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    UNION ALL SELECT tgrelid, 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT oid, 'query', pg_get_viewdef(oid) FROM mine WHERE relkind = 'v'
) AS parts JOIN mine USING (oid)
"""
GRANTS = """
SELECT relname::text, privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace, aclexplode(relacl)
WHERE nspname = %s AND relname = ANY(%s) AND grantee <> relowner
"""


class Relation(NamedTuple):
    """A table, a view or a sequence."""

    kind: str
    name: str


def relations(db: Any, schema: str) -> list[Relation]:
    """What stands by itself in a schema; a sequence of a column goes with its table."""
    return [Relation(KINDS[kind], name) for kind, name in db.execute(RELATIONS, (schema,))]


def described(db: Any, schema: str) -> dict[tuple[str, str], str]:
    """What there is to say of each part of each relation in a schema."""
    db.execute(f"SET LOCAL search_path TO {quoted(schema)}")
    return {(relation, part): what for relation, part, what in db.execute(DESCRIPTION, (schema,))}


def drop(db: Any, schema: str, names: set[str]) -> None:
    """Take away the relations of these names; those of one kind together, as they may refer to each other."""
    there = [one for one in relations(db, schema) if one.name in names]
    for kind in dict.fromkeys(KINDS.values()):
        if mine := [f"{quoted(schema)}.{quoted(one.name)}" for one in there if one.kind == kind]:
            db.execute(f"DROP {kind} {', '.join(mine)}")


def move(db: Any, parts: list[Relation], beside: str, schema: str) -> None:
    """Take relations over from another schema, with all that is theirs."""
    for part in parts:
        db.execute(f"ALTER {part.kind} {quoted(beside)}.{quoted(part.name)} SET SCHEMA {quoted(schema)}")


def grants(db: Any, schema: str, names: set[str]) -> list[tuple[str, str, str]]:
    """Who else may do what with relations of these names: name, right, role."""
    found: list[tuple[str, str, str]] = db.execute(GRANTS, (schema, list(names))).fetchall()
    return found


def grant(db: Any, schema: str, rights: list[tuple[str, str, str]], names: list[str]) -> None:
    """Give rights again to those who had them."""
    for name, right, role in rights:
        if name in names:
            db.execute(f"GRANT {right} ON {quoted(schema)}.{quoted(name)} TO {role}")


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever it is."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
