"""What backups need to know of these tables."""

from ingest.backups.declarations import seeded

# market.reference writes their first rows after each `migrate`.
seeded("market.title", "market.company", "market.city", "market.stack", "market.country", "market.currency")
