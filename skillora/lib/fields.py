"""Model fields that several apps use."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models


class CentsField(models.BigIntegerField):  # type: ignore[type-arg]
    """An amount of money as a Decimal with two places, stored as whole hundredths in a bigint.

    Exact sums and percentiles, eight fixed bytes in binary COPY. Lookups and values are in whole units:
    `filter(pay__gte=100_000)`.
    """

    def from_db_value(self, value: int | None, *args: object) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-2)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        try:
            return Decimal(str(value))
        except ArithmeticError as error:
            raise ValidationError(f"{value!r} is not an amount") from error

    def get_prep_value(self, value: Any) -> int | None:
        value = self.to_python(value)
        return None if value is None else int((value * 100).to_integral_value())

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return models.Field.formfield(self, form_class=forms.DecimalField, decimal_places=2, **kwargs)

    @property
    def validators(self) -> list[Any]:  # bounds of bigint hold for the stored hundredths, not for the amount
        return list(self._validators)  # type: ignore[attr-defined]
