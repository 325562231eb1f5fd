"""What rejected rows refer to and what is not there yet: created on the spot, by the service that takes batches."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from accounts.models import User
from ingest import fixing, services
from ingest.batches import batch_load
from ingest.declarations import dataset
from ingest.fixing import Rule
from ingest.grouping import Missing, missing_of
from ingest.kinds import References
from ingest.models import Import, RejectState
from skillora.lib.errors import DomainError


def reference_create(
    *, by: User, source: Import, code: str, field: str, value: str, cells: Mapping[str, str]
) -> tuple[Missing, int]:
    """Create the row that cells of `field` refer to as `value`; what it was, and how many rejects are valid now.

    cells: canonical names of its dataset → texts. A row that somebody made meanwhile stays as it is. An import that
    is not loaded is to be checked anew. DomainError 422 where the row cannot be made; NotAllowed, Conflict.
    """
    services.import_for(by=by, pk=source.pk, change=True)
    column = next((one for one in dataset(source.dataset).columns if one.name == field), None)
    missing = missing_of(column, code) if column else None
    if column is None or missing is None or not isinstance(column.kind, References):
        raise DomainError(_("There is nothing to create for this reason."), "nothing_to_create")
    key = column.kind.number(value)
    if key is None:
        raise DomainError(column.kind.help(value), "not_an_integer")
    if not missing.dataset.model._default_manager.filter(pk=key).exists():
        row = {missing.dataset.key[0]: str(key), **cells}
        loaded = batch_load(by=by, dataset=missing.dataset.slug, rows=[row], mode="atomic")
        if loaded.source is None:
            errors = loaded.rows[0].errors
            raise DomainError(str(errors[0]["detail"]), "row_rejected", errors=list(errors))
    return missing, _look_again(source, by, Rule(code, field, "replace"), column.kind, key)


def _look_again(source: Import, by: User, rule: Rule, kind: References, key: int) -> int:
    """Judge those rejects again, as they are, that refer to what is there now; how many are valid."""
    if source.load is None:
        return 0
    open_ = source.rejects.filter(state=RejectState.OPEN, code=rule.code, field=rule.field)
    valid = 0
    for text in open_.order_by().values_list("value", flat=True).distinct():
        if kind.number(text) == key:
            again = Rule(rule.code, rule.field, rule.action, text, text)
            valid += fixing.rejects_rule(source=source, by=by, rule=again)["valid"]
    return valid
