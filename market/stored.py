"""What backups need to know of these tables."""

from ingest import apart
from ingest.backups.declarations import partitioned, seeded
from market.models import SalaryRecord

# market.reference writes their first rows after each `migrate`.
seeded("market.title", "market.company", "market.city", "market.stack", "market.country", "market.currency")
partitioned("market.salaryrecord", apart.partitions(SalaryRecord))
