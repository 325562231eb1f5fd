"""The table of pay data in ranges of its id: one part for all small imports, and those that large imports add."""

from django.db import migrations

# 2^52: ids from there on belong to imports with tables of their own (ingest.models.APART).
PARTED = """
ALTER TABLE market_salaryrecord RENAME TO market_salaryrecord_shared;
ALTER TABLE market_salaryrecord_shared RENAME CONSTRAINT market_salaryrecord_pkey TO market_salaryrecord_shared_pkey;
CREATE TABLE market_salaryrecord (LIKE market_salaryrecord_shared INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (id);
ALTER TABLE market_salaryrecord ADD PRIMARY KEY (id);
ALTER TABLE market_salaryrecord ATTACH PARTITION market_salaryrecord_shared
    FOR VALUES FROM (MINVALUE) TO (4503599627370496);
"""
# Rows of large imports keep their ids, and lie in the one table again.
WHOLE = """
ALTER TABLE market_salaryrecord DETACH PARTITION market_salaryrecord_shared;
INSERT INTO market_salaryrecord_shared SELECT * FROM market_salaryrecord;
DROP TABLE market_salaryrecord;
ALTER TABLE market_salaryrecord_shared RENAME TO market_salaryrecord;
ALTER TABLE market_salaryrecord RENAME CONSTRAINT market_salaryrecord_shared_pkey TO market_salaryrecord_pkey;
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0001_initial")]

    operations = [migrations.RunSQL(PARTED, WHOLE)]
