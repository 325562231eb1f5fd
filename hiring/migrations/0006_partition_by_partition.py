"""What a load needs that writes into one partition after the other.

1024 ids to a row of `hired_employee_ids` in place of 64: the ids of one year lie apart, and each statement touches a
sixteenth of the rows. A new year can be filled before it becomes a partition: its indexes are then built at once.
"""

from importlib import import_module

from django.db import migrations

TABLES = import_module("hiring.migrations.0002_hired_employees")
GUARDS = import_module("hiring.migrations.0005_guards_in_one_pass")

# A block is sixteen words of 64 ids, the first one first; id & 63 counts from the lowest bit of its word.
WORDS = "SELECT id >> 6 AS word, bit_or(1::bigint << (id & 63)::int) AS taken, count(*) AS n FROM {rows} GROUP BY 1"
BLOCK = "word >> 4 AS block, bit_or(taken::bit(64)::bit(1024) >> (word & 15)::int * 64) AS taken"

TAKE_IDS = f"""
        WITH wanted AS MATERIALIZED (
            SELECT {BLOCK}, sum(n) AS n FROM ({WORDS.format(rows="added")}) w GROUP BY 1 ORDER BY 1
        ), stored AS (
            INSERT INTO hired_employee_ids AS b SELECT block, taken FROM wanted
            ON CONFLICT (block) DO UPDATE SET taken = b.taken | excluded.taken
                WHERE b.taken & excluded.taken = 0::bit(1024)
            RETURNING b.block
        )
        SELECT (SELECT sum(n) FROM wanted),
               (SELECT sum(bit_count(taken)) FROM wanted WHERE block IN (SELECT block FROM stored))
            INTO ids_given, ids_fresh;
        IF ids_fresh IS DISTINCT FROM ids_given THEN
            RAISE unique_violation USING MESSAGE = 'an employee with one of these ids exists',
                CONSTRAINT = 'hired_employees_id', TABLE = 'hired_employees';
        END IF;
"""
FREE_IDS = f"""
        UPDATE hired_employee_ids b SET taken = b.taken & ~freed.taken
        FROM (SELECT {BLOCK} FROM ({WORDS.format(rows="removed")}) w GROUP BY 1 ORDER BY 1) freed
        WHERE b.block = freed.block;
"""


def guards(take_ids: str, free_ids: str) -> str:
    """The three functions of 0005 with other bookkeeping of ids."""
    said: str = GUARDS.GUARDS.replace(GUARDS.TAKE_IDS, take_ids).replace(GUARDS.FREE_IDS, free_ids)
    return said.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


WIDER = f"""
LOCK TABLE hired_employees, hired_employee_ids IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE wider AS
    SELECT {BLOCK} FROM (SELECT block AS word, taken FROM hired_employee_ids WHERE taken <> 0) w GROUP BY 1;
TRUNCATE hired_employee_ids;
ALTER TABLE hired_employee_ids ALTER taken TYPE bit(1024) USING taken::bit(64)::bit(1024);
INSERT INTO hired_employee_ids SELECT block, taken FROM wider ORDER BY block;
DROP TABLE wider;
"""
NARROWER = """
LOCK TABLE hired_employees, hired_employee_ids IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE narrower AS
    SELECT block * 16 + n AS block, substring(taken FROM n * 64 + 1 FOR 64)::bit(64)::bigint AS taken
    FROM hired_employee_ids, generate_series(0, 15) n;
TRUNCATE hired_employee_ids;
ALTER TABLE hired_employee_ids ALTER taken TYPE bigint USING taken::bit(64)::bigint;
INSERT INTO hired_employee_ids SELECT block, taken FROM narrower WHERE taken <> 0 ORDER BY block;
DROP TABLE narrower;
"""


TAKE_ONLY = GUARDS.FUNCTION.format(name="hired_employees_ids_guard", body=TAKE_IDS)
COUNT_ALL = GUARDS.ONLY_ADDED.replace("FROM added", "FROM %1$I").replace(
    "INTO departments_used, jobs_used ", ""
)

# A year is made by one session at a time; the others wait for its commit, and only those that need the same year.
YEARS = f"""
CREATE FUNCTION hired_employees_year_apart(wanted integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    part text := format('hired_employees_%s', wanted);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('hired_employees_year'), wanted);
    -- Who waited may not know yet by name what was made meanwhile.
    IF EXISTS (SELECT FROM pg_class WHERE relname = part AND relnamespace =
               (SELECT relnamespace FROM pg_class WHERE oid = 'hired_employees'::regclass)) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE hired_employees INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
    EXECUTE format('CREATE TRIGGER hired_employees_apart AFTER INSERT ON %I REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION hired_employees_ids_guard()', part);
    RETURN true;
END $$;

-- What is in there is counted, and its indexes are made. Waits for nobody who reads or writes other years.
CREATE FUNCTION hired_employees_year_join(wanted integer) RETURNS void LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
    part text := format('hired_employees_%s', wanted);
    departments_used bigint[];
    jobs_used bigint[];
BEGIN
    EXECUTE format($count${COUNT_ALL.strip().rstrip(";")}$count$, part) INTO departments_used, jobs_used;
    PERFORM hires_refuse_orphans(departments_used, jobs_used);
    EXECUTE format('DROP TRIGGER hired_employees_apart ON %I', part);
    EXECUTE format('ALTER TABLE hired_employees ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part,
        make_timestamptz(wanted, 1, 1, 0, 0, 0, 'UTC'), make_timestamptz(wanted + 1, 1, 1, 0, 0, 0, 'UTC'));
    PERFORM hired_employees_watch(part::regclass);
END $$;

CREATE OR REPLACE FUNCTION hired_employees_year(wanted integer) RETURNS boolean LANGUAGE plpgsql
SET timezone = 'UTC' AS $$
BEGIN
    IF NOT hired_employees_year_apart(wanted) THEN
        RETURN false;
    END IF;
    PERFORM hired_employees_year_join(wanted);
    RETURN true;
END $$;
"""
WHOLE_YEARS = (
    "CREATE OR REPLACE "
    + TABLES.GUARDS[TABLES.GUARDS.index("FUNCTION hired_employees_year(") :]
    + "DROP FUNCTION hired_employees_year_apart(integer), hired_employees_year_join(integer);"
    "DROP FUNCTION hired_employees_ids_guard();"
)


class Migration(migrations.Migration):
    dependencies = [("hiring", "0005_guards_in_one_pass")]

    operations = [
        migrations.RunSQL(
            WIDER + guards(TAKE_IDS, FREE_IDS), NARROWER + guards(GUARDS.TAKE_IDS, GUARDS.FREE_IDS)
        ),
        migrations.RunSQL(TAKE_ONLY + YEARS, WHOLE_YEARS),
    ]
