"""`manage.py workload_import FOLDER ROWS… --copies N`: submit N imports of each salary file of so many rows.

Each file is written to FOLDER at its first use, and uploaded and mapped once; its other imports are remaps.
All are submitted together, at the end. Prints `import run rows` a line.
"""

from argparse import ArgumentParser
from copy import copy
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from ingest import declarations, samples, services

DATASET = "salary_records"


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Submit salary files as a person does, and leave before they are loaded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("rows", nargs="+", type=int)
        parser.add_argument("--copies", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        mapped = []
        for rows in options["rows"]:
            path = _file(options["folder"], rows)
            source = services.import_create(by=None, dataset=DATASET, upload=path, name=path.name)
            source = services.import_map(source=source, by=None, fill=True)
            mapped.append((rows, source))
            for _more in range(1, options["copies"]):
                source = copy(source)
                source.pk = None  # another import of the same stored file
                source.save()
                mapped.append((rows, source))
        for rows, source in mapped:
            run = services.import_submit(source=source, by=None, force=True)
            self.stdout.write(f"{source.pk} {run.pk} {rows}")


def _file(folder: Path, rows: int) -> Path:
    """A file of `rows` rows, 2 % of them faulty."""
    path = folder / f"salaries-{rows}.csv"
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.writelines(samples.sample(declarations.dataset(DATASET), rows=rows, seed=rows))
        part.rename(path)
    return path
