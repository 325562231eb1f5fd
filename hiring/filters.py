"""The filters of hiring pages and reports, as they stand in the URL."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hiring.models import HiresByQuarter
from ingest.models import IMPORT_MAX

FIRST_YEAR, LAST_YEAR = 1900, 2199  # of the rollup
SEED_FIRST, SEED_LAST, SEED_YEAR = 2000, 2030, 2021  # of the seed paths
ID_MAX = (1 << 63) - 1
QUARTERS = (1, 2, 3, 4)


class YearForm(forms.Form):
    """A UTC year; where none is asked for, the latest in which somebody was hired."""

    year = forms.IntegerField(required=False, min_value=FIRST_YEAR, max_value=LAST_YEAR, label=_("Year"))

    def clean_year(self) -> int:
        """Never None."""
        asked = self.cleaned_data["year"]
        return int(asked or HiresByQuarter.objects.latest_year() or timezone.now().year)


class HiringFilters(YearForm):
    """department: an id, 0 for hires that name none. title: found anywhere in a job's name."""

    department = forms.IntegerField(required=False, min_value=0, max_value=ID_MAX, label=_("Department"))
    title = forms.CharField(required=False, max_length=200, label=_("Job title contains"))


class MatrixFilters(HiringFilters):
    """zeros: "0" leaves the cells empty in which nobody was hired; they are shown where nothing is asked for."""

    zeros = forms.ChoiceField(
        required=False, label=_("Show zeros"), choices=[("1", _("Yes")), ("0", _("No"))], initial="1"
    )

    def clean_zeros(self) -> bool:
        """True where nothing is asked for."""
        return bool(self.cleaned_data["zeros"] != "0")


class PeopleFilters(HiringFilters):
    """job: an id, 0 for hires that name none. import: whose rows they are; its year is 0, all of them, if not given."""

    job = forms.IntegerField(required=False, min_value=0, max_value=ID_MAX, label=_("Job"))
    quarter = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label=_("Quarter"),
        choices=[("", _("All")), *((q, f"Q{q}") for q in QUARTERS)],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import"] = forms.IntegerField(
            required=False, min_value=1, max_value=IMPORT_MAX, label=_("Import")
        )

    def clean_year(self) -> int:
        """0 for all years of an import."""
        return 0 if self.data.get("import") and not self.cleaned_data["year"] else super().clean_year()


class AboveMeanForm(YearForm):
    """include_zero: departments that hired nobody count in the mean."""

    include_zero = forms.ChoiceField(
        required=False,
        label=_("Also count departments without a hire"),
        choices=[("", _("No")), ("0", _("No")), ("1", _("Yes"))],
    )

    def clean_include_zero(self) -> bool:
        """False where nothing is asked for."""
        return bool(self.cleaned_data["include_zero"] == "1")


class SeedYear(forms.Form):
    """The year of the paths of other systems: 2000 to 2030, 2021 where none is asked for."""

    year = forms.IntegerField(required=False, min_value=SEED_FIRST, max_value=SEED_LAST)

    def clean(self) -> dict[str, Any]:
        """The year as reports take it."""
        cleaned = super().clean() or self.cleaned_data
        if "year" in cleaned and cleaned["year"] is None:
            cleaned["year"] = SEED_YEAR
        return cleaned
