"""Countries and currencies of ISO 3166-1 and 4217, ids = numeric codes; id 0 of every small table is unknown."""

from typing import Any

import pycountry
from django.db import migrations

SMALL_TABLES = ("Title", "Company", "City", "Stack")
EXTRA_COUNTRIES = {983: ("XK", "Kosovo")}  # user-assigned codes that files do use


def fill(apps: Any, schema_editor: Any) -> None:
    for name in SMALL_TABLES:
        apps.get_model("market", name).objects.create(id=0, name="")
    country = apps.get_model("market", "Country")
    rows = {int(c.numeric): (c.alpha_2, getattr(c, "common_name", c.name)) for c in pycountry.countries}
    rows |= {0: ("", "")} | EXTRA_COUNTRIES
    country.objects.bulk_create([country(id=pk, code=code, name=name) for pk, (code, name) in rows.items()])
    currency = apps.get_model("market", "Currency")
    known = {int(c.numeric): (c.alpha_3, c.name) for c in pycountry.currencies} | {0: ("", "")}
    currency.objects.bulk_create([currency(id=pk, code=code, name=name) for pk, (code, name) in known.items()])


class Migration(migrations.Migration):
    dependencies = [("market", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
