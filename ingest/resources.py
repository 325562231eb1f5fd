"""The admin's import and export of a dataset's table: the cleaning of files judges every row, before it is saved."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from import_export import resources

from ingest import declarations
from ingest.batches import Sent
from ingest.rejects import guarded, unguarded


class Before(resources.Diff):  # type: ignore[misc]
    """What a cell said and what it will say, without the inline colours that the content policy refuses."""

    def as_html(self) -> list[SafeString]:
        """One for each column."""
        shown = []
        for before, after in zip(map(str, self.left), map(str, self.right), strict=True):
            same = self.new or before == after
            shown.append(
                format_html("{}", after)
                if same
                else format_html("<del>{}</del> <ins>{}</ins>", before, after)
            )
        return shown


class CleanedResource(resources.ModelResource):  # type: ignore[misc]
    """Rows by canonical names (or what files call them); what is wrong is said per row and column."""

    dataset = ""  # its slug

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """Clean all rows at once, as a batch by API is."""
        declared = declarations.dataset(self.dataset)
        rows = [{key: _text(value, unguarded) for key, value in row.items() if key} for row in dataset.dict]
        sent = Sent(declared, rows, guesses=True)
        clean, rejected = sent.cleaned(lenient=False)
        self.refused = {one.line: one.errors for one in rejected}
        names = list(clean.columns)
        columns = [values.tolist() for values in clean.columns.values()]
        values = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        self.values = dict(zip(clean.lines.tolist(), values, strict=True))
        known = {field.attname for field in declared.model._meta.concrete_fields}
        for name in sorted(known - set(dataset.headers or [])):
            dataset.append_col([""] * len(rows), header=name)

    def export_field(self, field: Any, instance: Model, **kwargs: Any) -> Any:
        """A text that a spreadsheet would run gets an apostrophe, which the way back takes off again."""
        return _text(super().export_field(field, instance, **kwargs), guarded)

    def get_diff_class(self) -> type[Before]:
        """For the preview."""
        return Before

    def before_import_row(self, row: Any, row_number: int = 0, **kwargs: Any) -> None:
        """The cleaned values in place of the texts; ValidationError with every reason."""
        if errors := self.refused.get(row_number):
            names = {field.name for field in self._meta.model._meta.concrete_fields}
            found: dict[str, list[str]] = {}
            for error in errors:
                found.setdefault(error.field if error.field in names else "__all__", []).append(error.message)
            raise ValidationError(found)
        for name, value in self.values[row_number].items():
            row[name] = value if value or name != "id" else ""

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        """Ids that the database makes go on after those that were given."""
        if not kwargs.get("dry_run"):
            with connection.cursor() as cursor:
                for statement in connection.ops.sequence_reset_sql(no_style(), [self._meta.model]):
                    cursor.execute(statement)


def _text(value: Any, change: Callable[[str], str]) -> Any:
    return change(value) if isinstance(value, str) else value


def cleaned_resource(slug: str, model: type[Model], *fields: str) -> type[CleanedResource]:
    """The resource of a dataset's table, of these fields; the first is its key."""
    meta = type(
        "Meta",
        (),
        {
            "model": model,
            "fields": fields,
            "import_id_fields": fields[:1],
            "skip_unchanged": True,
            "report_skipped": True,
        },
    )
    return type(f"{model.__name__}Resource", (CleanedResource,), {"Meta": meta, "dataset": slug})
