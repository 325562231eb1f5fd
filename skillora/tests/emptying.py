"""The test database as it was after `migrate`, put back after each test whose transactions are real.

Django's flush truncates every table and runs all receivers of post_migrate anew, half a second each time. Here the
few tables that a test wrote to are emptied, and the reference rows come back from copies of their tables.
"""

from django.db import connection

# Tables as they are after `migrate`: those with rows are copied into a schema of their own.
REMEMBER = """
CREATE SCHEMA kept;
DO $$ DECLARE name text; filled boolean;
BEGIN
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP
        EXECUTE format('SELECT EXISTS (TABLE public.%I)', name) INTO filled;
        IF filled THEN EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', name); END IF;
    END LOOP;
END $$
"""
PUT_BACK = """
DO $$ DECLARE name text; differs boolean; changed text[] := '{}';
    unlike text := 'SELECT EXISTS ((TABLE public.%1$I EXCEPT TABLE kept.%1$I) UNION ALL
                                   (TABLE kept.%1$I EXCEPT TABLE public.%1$I))';
BEGIN
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP
        EXECUTE format(CASE WHEN to_regclass(format('kept.%I', name)) IS NULL THEN
            'SELECT EXISTS (TABLE public.%I)' ELSE unlike END, name) INTO differs;
        IF differs THEN changed := changed || format('public.%I', name); END IF;
    END LOOP;
    IF changed = '{}' THEN RETURN; END IF;
    EXECUTE 'TRUNCATE ' || array_to_string(changed, ', ') || ' CASCADE';
    SET LOCAL session_replication_role = replica;  -- no trigger and no order of references
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'kept'::regnamespace LOOP
        EXECUTE format(unlike, name) INTO differs;
        IF differs THEN EXECUTE format('INSERT INTO public.%1$I TABLE kept.%1$I', name); END IF;
    END LOOP;
END $$
"""


def remember() -> None:
    """Keep what is there now, in a database that `migrate` has just made."""
    with connection.cursor() as cursor:
        cursor.execute(REMEMBER)


def put_back(_test: object) -> None:
    """Leave exactly what was remembered; in the place of TransactionTestCase's own teardown."""
    with connection.cursor() as cursor:
        cursor.execute(PUT_BACK)
