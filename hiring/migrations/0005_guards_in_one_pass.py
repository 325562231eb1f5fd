"""The guards of hired_employees, one for each kind of statement, each reading its rows as few times as it can.

Before, the thresholds of the quarters were an array variable, copied for every row, and an update took all its rows
out of the rollup and put them in again. Now an update touches only ids and counts that it changes. The rollup keeps
room in its pages, so that a count that changes writes no index entry.
"""

from importlib import import_module

from django.db import migrations

QUARTERS = """
CREATE FUNCTION hires_quarters() RETURNS timestamptz[] LANGUAGE sql IMMUTABLE PARALLEL SAFE SET timezone = 'UTC' AS $$
    SELECT array_agg(q ORDER BY q)
    FROM generate_series('1900-01-01Z'::timestamptz, '2200-01-01Z'::timestamptz, interval '3 months') q
$$;
"""

# Both want an id once, whoever had it before: an id that is stored or comes twice leaves less fresh than given.
TAKE_IDS = """
        WITH wanted AS MATERIALIZED (
            SELECT id >> 6 AS block, bit_or(1::bigint << (id & 63)::int) AS taken, count(*) AS n
            FROM added GROUP BY 1 ORDER BY 1
        ), stored AS (
            INSERT INTO hired_employee_ids AS b SELECT block, taken FROM wanted
            ON CONFLICT (block) DO UPDATE SET taken = b.taken | excluded.taken WHERE b.taken & excluded.taken = 0
            RETURNING b.block
        )
        SELECT (SELECT sum(n) FROM wanted),
               (SELECT sum(bit_count(taken::bit(64))) FROM wanted WHERE block IN (SELECT block FROM stored))
            INTO ids_given, ids_fresh;
        IF ids_fresh IS DISTINCT FROM ids_given THEN
            RAISE unique_violation USING MESSAGE = 'an employee with one of these ids exists',
                CONSTRAINT = 'hired_employees_id', TABLE = 'hired_employees';
        END IF;
"""

FREE_IDS = """
        UPDATE hired_employee_ids b SET taken = b.taken & ~freed.taken
        FROM (SELECT id >> 6 AS block, bit_or(1::bigint << (id & 63)::int) AS taken
              FROM removed GROUP BY 1 ORDER BY 1) freed
        WHERE b.block = freed.block;
"""

# {rows}: n (quarter since 1900), department_id, job_id, hires (1 or -1). OFFSET 0: n is computed once for each row.
COUNT = """
        WITH counted AS (
            INSERT INTO hires_by_quarter AS h (year, department_id, job_id, q1, q2, q3, q4)
            SELECT 1900 + (n >> 2), department_id, job_id, {quarters}
            FROM ({rows} OFFSET 0) a
            GROUP BY 1, 2, 3 {having} ORDER BY 1, 2, 3
            ON CONFLICT (year, department_id, job_id) DO UPDATE
                SET q1 = h.q1 + excluded.q1, q2 = h.q2 + excluded.q2, q3 = h.q3 + excluded.q3, q4 = h.q4 + excluded.q4
            RETURNING h.department_id, h.job_id
        ), places AS (SELECT DISTINCT department_id, job_id FROM counted)
        SELECT array_agg(DISTINCT nullif(department_id, 0)), array_agg(DISTINCT nullif(job_id, 0))
            INTO departments_used, jobs_used FROM places;
"""
PLACED = """SELECT width_bucket(hired_at, hires_quarters()) - 1 AS n, coalesce(department_id, 0) AS department_id,
                coalesce(job_id, 0) AS job_id"""
ONLY_ADDED = COUNT.format(
    quarters=", ".join(f"count(*) FILTER (WHERE n & 3 = {q})" for q in range(4)),
    rows=f"{PLACED} FROM added",
    having="",
)
ONLY_REMOVED = COUNT.format(
    quarters=", ".join(f"-count(*) FILTER (WHERE n & 3 = {q})" for q in range(4)),
    rows=f"{PLACED} FROM removed",
    having="",
)
SUMS = [f"coalesce(sum(hires) FILTER (WHERE n & 3 = {q}), 0)" for q in range(4)]
BOTH = COUNT.format(
    quarters=", ".join(SUMS),
    rows=f"{PLACED}, -1 AS hires FROM removed UNION ALL {PLACED}, 1 FROM added",
    having="HAVING " + " OR ".join(f"{one} <> 0" for one in SUMS),
)

FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
    ids_given bigint;
    ids_fresh bigint;
    departments_used bigint[];
    jobs_used bigint[];
BEGIN
{body}
    RETURN NULL;
END $$;
"""
REFUSE = "        PERFORM hires_refuse_orphans(departments_used, jobs_used);"
RENUMBERED = f"""
        IF EXISTS (SELECT id FROM added EXCEPT ALL SELECT id FROM removed) THEN
{FREE_IDS}{TAKE_IDS}
        END IF;
"""
GUARDS = (
    FUNCTION.format(name="hired_employees_insert_guard", body=TAKE_IDS + ONLY_ADDED + REFUSE)
    + FUNCTION.format(name="hired_employees_update_guard", body=RENUMBERED + BOTH + REFUSE)
    + FUNCTION.format(name="hired_employees_delete_guard", body=FREE_IDS + ONLY_REMOVED)
)

WATCH = """
CREATE OR REPLACE FUNCTION hired_employees_watch(watched regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER hired_employees_inserted AFTER INSERT ON %s REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION hired_employees_insert_guard()', watched);
    EXECUTE format('CREATE OR REPLACE TRIGGER hired_employees_updated AFTER UPDATE ON %s
        REFERENCING OLD TABLE AS removed NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION hired_employees_update_guard()', watched);
    EXECUTE format('CREATE OR REPLACE TRIGGER hired_employees_deleted AFTER DELETE ON %s REFERENCING OLD TABLE AS removed
        FOR EACH STATEMENT EXECUTE FUNCTION hired_employees_delete_guard()', watched);
END $$;
SELECT hired_employees_watch(relid) FROM pg_partition_tree('hired_employees');
DROP FUNCTION hired_employees_guard();
ALTER TABLE hires_by_quarter SET (fillfactor = 60);
"""

_BEFORE = import_module("hiring.migrations.0002_hired_employees").GUARDS


def _before(first: str, end: str) -> str:
    """A function of 0002."""
    said: str = _BEFORE[_BEFORE.index(first) : _BEFORE.index(end)]
    return said.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


ONE_GUARD = f"""
{_before("CREATE FUNCTION hired_employees_guard()", "CREATE FUNCTION hired_employees_emptied()")}
{_before("CREATE FUNCTION hired_employees_watch(", "SELECT hired_employees_watch(")}
DO $$
DECLARE
    watched regclass;
BEGIN
    FOR watched IN SELECT relid FROM pg_partition_tree('hired_employees') LOOP
        EXECUTE format('DROP TRIGGER hired_employees_inserted ON %s', watched);
        EXECUTE format('DROP TRIGGER hired_employees_updated ON %s', watched);
        EXECUTE format('DROP TRIGGER hired_employees_deleted ON %s', watched);
        PERFORM hired_employees_watch(watched);
    END LOOP;
END $$;
DROP FUNCTION hired_employees_insert_guard(), hired_employees_update_guard(), hired_employees_delete_guard();
DROP FUNCTION hires_quarters();
ALTER TABLE hires_by_quarter RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("hiring", "0004_incomplete_found")]

    operations = [migrations.RunSQL(QUARTERS + GUARDS + WATCH, ONE_GUARD)]
