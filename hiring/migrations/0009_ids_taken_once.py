"""The ids of all new years that a load makes are taken by one statement, when these join.

Before, each COPY into a new year took its own: a row of `hired_employee_ids` holds ids of every year, so it was written
some eighty times by one transaction, whose old versions nobody may clear away, and rows were kept twice for the
trigger. And a batch whose ids are in such a row waited from the first COPY on, in place of the end.
"""

from importlib import import_module

from django.db import migrations

PARTS = import_module("hiring.migrations.0006_partition_by_partition")
SAMPLED = import_module("hiring.migrations.0007_quiet_statistics")

TAKE_ALL = PARTS.TAKE_IDS.replace("FROM added", "FROM (%1$s) a").replace("INTO ids_given, ids_fresh", "").strip()
TAKE, REFUSE = TAKE_ALL[: TAKE_ALL.index("IF ids_fresh")], TAKE_ALL[TAKE_ALL.index("IF ids_fresh") :]
APART = SAMPLED.SAMPLED_APART
GUARDED = APART[APART.index(SAMPLED.NEW) : APART.index("    RETURN true;")]
JOIN_ONE = SAMPLED.JOIN.replace("    EXECUTE format('DROP TRIGGER hired_employees_apart ON %I', part);\n", "")

YEARS = f"""
{APART.replace(GUARDED, "")}
DROP FUNCTION hired_employees_ids_guard();
{JOIN_ONE.replace("hired_employees_year_join", "hired_employees_year_attach")}
DROP FUNCTION hired_employees_year_join(integer);

CREATE FUNCTION hired_employees_years_join(wanted integer[]) RETURNS void LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
    ids_given bigint;
    ids_fresh bigint;
    year integer;
BEGIN
    EXECUTE format($take${TAKE.strip().rstrip(";")}$take$,
                   (SELECT string_agg(format('SELECT id FROM %I', 'hired_employees_' || y), ' UNION ALL ')
                    FROM unnest(wanted) y)) INTO ids_given, ids_fresh;
    {REFUSE}
    FOREACH year IN ARRAY wanted LOOP
        PERFORM hired_employees_year_attach(year);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION hired_employees_year(wanted integer) RETURNS boolean LANGUAGE plpgsql
SET timezone = 'UTC' AS $$
BEGIN
    IF NOT hired_employees_year_apart(wanted) THEN
        RETURN false;
    END IF;
    PERFORM hired_employees_year_attach(wanted);
    RETURN true;
END $$;
"""
BEFORE = f"""
{PARTS.TAKE_ONLY}
{APART}
{SAMPLED.JOIN}
{PARTS.YEARS[PARTS.YEARS.index("CREATE OR REPLACE FUNCTION hired_employees_year(") :]}
DROP FUNCTION hired_employees_years_join(integer[]), hired_employees_year_attach(integer);
"""


class Migration(migrations.Migration):
    dependencies = [("hiring", "0008_origin_found")]

    operations = [migrations.RunSQL(YEARS, BEFORE)]
