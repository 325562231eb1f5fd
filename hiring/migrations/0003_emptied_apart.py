"""Truncating people with one statement that names the rollup too, but not the ids (Django's flush), works."""

from django.db import migrations

EMPTIED = """
CREATE OR REPLACE FUNCTION hired_employees_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A table that the same statement truncates is empty already, and must not be truncated again.
    IF EXISTS (SELECT FROM hired_employee_ids) THEN
        TRUNCATE hired_employee_ids;
    END IF;
    IF EXISTS (SELECT FROM hires_by_quarter) THEN
        TRUNCATE hires_by_quarter;
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("hiring", "0002_hired_employees")]

    operations = [migrations.RunSQL(EMPTIED, migrations.RunSQL.noop)]
