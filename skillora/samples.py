"""The sample of the overview: salary rows with faults planted on purpose, loaded as whoever asks for it."""

import tempfile
from pathlib import Path

from accounts.models import User
from ingest import services
from ingest.declarations import dataset
from ingest.models import Import
from ingest.samples import sample
from market.filters import DATASET

ROWS, SEED, NAME = 20_000, 7, "sample_salaries.csv"  # the same bytes as `manage.py demo` loads


def sample_load(*, by: User) -> Import:
    """Upload the sample, map it and start its load; where it was loaded before, that import. NotAllowed."""
    with tempfile.TemporaryDirectory(prefix="skillora-sample-") as folder:
        file = Path(folder) / NAME
        with file.open("wb") as out:
            out.writelines(sample(dataset(DATASET), rows=ROWS, seed=SEED))
        source = services.import_create(by=by, dataset=DATASET, upload=file, name=NAME)
    services.import_map(source=source, by=by, fill=True)
    try:
        services.import_submit(source=source, by=by)
    except services.AlreadyImported as error:
        services.import_delete(source=source, by=by)
        return error.existing
    return source
