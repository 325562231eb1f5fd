"""What backups need to know of these tables."""

from ingest.backups.declarations import Partitions, leave_out, partitioned

leave_out("hiring.hiresbyquarter", "counted again by the database as the people come back")
partitioned(
    "hiring.hiredemployee",
    Partitions(
        wanted="SELECT DISTINCT extract(year FROM hired_at AT TIME ZONE 'UTC')::int FROM hired_employees",
        make=lambda cursor, year: cursor.execute("SELECT hired_employees_year(%s)", [year]),
    ),
)
