"""Backups of every table: an Avro file per table from one snapshot, and a manifest, written last.

declarations  what domains say about their tables: derived, partitioned, never empty
tables        which tables and columns there are; count and order-independent checksum of a table
avro          a table's schema and rows as an Avro container file, and back
manifest      what a backup holds; the seal that a flipped bit breaks
storages      a local folder, or (bucket) S3-compatible storage
writing       database → storage
restoring     storage → database, in one transaction
services      what commands, pages and tasks share; retention

Uploaded files are not part of a backup: imports keep the file's name, size and SHA-256, not its bytes.
"""
