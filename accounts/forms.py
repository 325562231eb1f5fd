"""Forms of people: sign in, register, tokens. Passwords are changed and reset by Django's own forms."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import SignInRefused, sign_in_check, user_register
from skillora.lib.errors import DomainError

PASSWORD_LENGTH = 128


class SignInForm(forms.Form):
    """E-mail and password; a refused pair says how many tries are left."""

    email = forms.CharField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput({"autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}, render_value=False),
    )
    keep = forms.BooleanField(label=_("Keep me signed in for 30 days"), required=False)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None
        self.locked = False

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "email" in data and "password" in data:
            try:
                self.user = sign_in_check(
                    request=self.request, email=data["email"], password=data["password"]
                )
            except SignInRefused as error:
                self.locked = error.tries_left == 0
                self.add_error("password", error.message)
        return data


class RegisterForm(forms.Form):
    """A new account; the service has the last word."""

    full_name = forms.CharField(
        label=_("Name"), max_length=150, required=False, widget=forms.TextInput({"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput({"autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_LENGTH,
        strip=False,
        help_text=_("At least 10 characters, not a common word, not your e-mail."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def save(self) -> User | None:
        """The new user; None and an error on the form where the service refuses."""
        data = self.cleaned_data
        try:
            return user_register(email=data["email"], password=data["password"], full_name=data["full_name"])
        except DomainError as error:
            field = "password" if error.code == "weak_password" else "email"
            self.add_error(field, ValidationError(error.message))
            return None


class TokenForm(forms.Form):
    """Name and lifetime of a new API token."""

    LIFETIMES = ((30, _("30 days")), (90, _("90 days")), (365, _("1 year")))

    name = forms.CharField(
        label=_("What for"), max_length=100, widget=forms.TextInput({"autocomplete": "off"})
    )
    days = forms.TypedChoiceField(label=_("Lifetime"), choices=LIFETIMES, coerce=int, initial=90)


class NameForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the user may change alone."""

    class Meta:
        model = User
        fields = ["full_name"]


class AdminUserCreation(AdminUserCreationForm):  # type: ignore[type-arg]
    """A user made by staff: e-mail in small letters, as everywhere."""

    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "role")

    def clean_email(self) -> str:
        """One spelling per address."""
        return str(self.cleaned_data["email"]).lower()
