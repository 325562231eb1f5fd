"""What backups need to know of these tables."""

from ingest.backups.declarations import leave_out

leave_out("ingest.upload", "files that are half sent are not in a backup")
