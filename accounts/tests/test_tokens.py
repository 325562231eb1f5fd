"""API tokens: made, shown once, used, expired, revoked."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Role, User

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-passphrase"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ana@example.com", PASSWORD, full_name="Ana")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def made(user: User, **lifetime: int) -> str:
    return ApiToken.issue(user=user, lifetime=timedelta(**(lifetime or {"days": 1})))[1]


def test_token_opens_the_api(client: Client, user: User) -> None:
    answer = client.get("/api/users/me", headers=bearer(made(user)))
    assert answer.status_code == 200
    assert answer.json() | {"created_at": ""} == {
        "id": user.pk,
        "email": "ana@example.com",
        "full_name": "Ana",
        "role": "viewer",
        "is_active": True,
        "created_at": "",
    }


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x y", "Bearer nope", "Bearer \x7f", "bearer skl_ä"])
def test_wrong_token_is_401_and_says_so(client: Client, user: User, header: str) -> None:
    answer = client.get("/api/v1/auth/me", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"
    if header:
        assert answer.json()["detail"] == "Could not validate credentials"


def test_expired_token_is_401(client: Client, user: User) -> None:
    assert client.get("/api/v1/auth/me", headers=bearer(made(user, days=-1))).status_code == 401


def test_token_of_a_deactivated_user_is_401(client: Client, user: User) -> None:
    token = made(user)
    User.objects.update(is_active=False)
    assert client.get("/api/v1/auth/me", headers=bearer(token)).status_code == 401


def test_last_use_is_written_once_a_minute(client: Client, user: User) -> None:
    token = made(user)
    client.get("/api/v1/auth/me", headers=bearer(token))
    first = ApiToken.objects.get().last_used_at
    client.get("/api/v1/auth/me", headers=bearer(token))
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.get("/api/v1/auth/me", headers=bearer(token))
    assert ApiToken.objects.get().last_used_at > first  # type: ignore[operator]


def test_tokens_are_made_listed_and_revoked_by_api(client: Client, user: User) -> None:
    body = {"email": "Ana@Example.com", "password": PASSWORD, "name": "laptop", "days": 7}
    answer = client.post("/api/v1/tokens", body, "application/json")
    assert answer.status_code == 201, answer.content
    token = answer.json()["token"]
    assert not ApiToken.objects.filter(digest=token).exists()
    listed = client.get("/api/v1/tokens", headers=bearer(token)).json()["results"]
    assert [(row["name"], row["hint"]) for row in listed] == [("laptop", token[:8])]
    assert "token" not in listed[0]
    assert client.delete(answer["Location"], headers=bearer(token)).status_code == 204
    assert client.get("/api/v1/tokens", headers=bearer(token)).status_code == 401


def test_another_users_token_is_404(client: Client, user: User) -> None:
    other = User.objects.create_user("bo@example.com", PASSWORD, role=Role.STAFF)
    mine, _text = ApiToken.issue(user=user, lifetime=timedelta(days=1))
    answer = client.delete(f"/api/v1/tokens/{mine.pk}", headers=bearer(made(other)))
    assert answer.status_code == 404
    assert ApiToken.objects.filter(pk=mine.pk).exists()


def test_token_command_prints_the_token_alone(client: Client, user: User) -> None:
    out = io.StringIO()
    call_command("token", "ANA@example.com", stdout=out)
    assert out.getvalue().endswith("\n")
    assert client.get("/api/v1/auth/me", headers=bearer(out.getvalue().strip())).json()["email"] == user.email


def test_token_command_creates_an_account_on_demand() -> None:
    with pytest.raises(CommandError, match="--create"):
        call_command("token", "new@example.com")
    call_command("token", "new@example.com", "--create", "--role", "editor", stdout=io.StringIO())
    made_user = User.objects.get(email="new@example.com")
    assert made_user.role == Role.EDITOR
    assert not made_user.has_usable_password()
