"""Pages of people: sign in and out, register, passwords, tokens. All are plain forms."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-passphrase"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ana@example.com", PASSWORD, full_name="Ana")


def sign_in(client: Client, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/account/sign-in", {"email": "ANA@example.com", "password": password, **more})


def test_sign_in_whatever_the_case_of_the_email(client: Client, user: User) -> None:
    answer = sign_in(client)
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.session.get_expire_at_browser_close()


def test_sign_in_kept_for_thirty_days(client: Client, user: User) -> None:
    sign_in(client, keep="on")
    assert client.session.get_expiry_age() == 30 * 24 * 3600


ELSEWHERE = ("https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example")


@pytest.mark.parametrize("where", ELSEWHERE)
def test_sign_in_never_leaves_for_another_site(client: Client, user: User, where: str) -> None:
    assert sign_in(client, next=where)["Location"] == "/"
    assert client.get("/account/sign-in", {"next": where})["Location"] == "/"


def test_sign_in_goes_on_where_it_was_wanted(client: Client, user: User) -> None:
    assert client.get("/account/")["Location"] == "/account/sign-in?next=/account/"
    assert sign_in(client, next="/account/?x=1")["Location"] == "/account/?x=1"


def test_wrong_password_says_how_many_tries_are_left_then_locks(client: Client, user: User) -> None:
    answer = sign_in(client, "wrong")
    assert answer.status_code == 422
    assert "4 tries left" in answer.content.decode()
    for _ in range(4):
        answer = sign_in(client, "wrong")
    assert answer.status_code == 429
    assert "Wait 15 minutes" in answer.content.decode()
    assert sign_in(client).status_code == 429
    by_api = client.post("/api/users/login", {"username": "ana@example.com", "password": PASSWORD})
    assert by_api.status_code == 429
    assert by_api.json()["code"] == "locked_out"


def test_unknown_email_gets_the_same_answer(client: Client) -> None:
    assert "4 tries left" in sign_in(client, "wrong").content.decode()


def test_deactivated_user_cannot_sign_in(client: Client, user: User) -> None:
    User.objects.update(is_active=False)
    assert sign_in(client).status_code == 422


def test_sign_in_needs_our_own_form(user: User) -> None:
    answer = sign_in(Client(enforce_csrf_checks=True))
    assert answer.status_code == 403
    assert "too old" in answer.content.decode()


def test_demo_sign_ins_are_shown_only_in_the_demo(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    (tmp_path / "demo-sign-ins.json").write_text(json.dumps({"staff@example.com": "maple-fjord"}))
    settings.DEMO = False
    assert "maple-fjord" not in client.get("/account/sign-in?use=staff@example.com").content.decode()
    assert "Demo sign-ins" not in client.get("/account/sign-in").content.decode()
    settings.DEMO = True
    assert "maple-fjord" not in client.get("/account/sign-in").content.decode()
    filled = client.get("/account/sign-in?use=staff@example.com").content.decode()
    assert 'value="maple-fjord"' in filled


def test_sign_out_ends_the_session(client: Client, user: User) -> None:
    client.force_login(user)
    assert client.get("/account/sign-out")["Location"] == "/account/"
    assert "_auth_user_id" in client.session, "a link signs nobody out"
    client.post("/account/sign-out")
    assert "_auth_user_id" not in client.session


def test_register_makes_a_viewer_and_signs_in(client: Client) -> None:
    form = {"email": "Bo@Example.com", "password": PASSWORD, "full_name": "Bo"}
    assert client.post("/account/register", form).status_code == 302
    bo = User.objects.get()
    assert (bo.email, bo.role, bo.is_superuser) == ("bo@example.com", "viewer", False)
    assert bo.password.startswith("argon2$argon2id$")
    assert client.session["_auth_user_id"] == str(bo.pk)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "password12"}, "too common"),
        ({"email": "nobody"}, "valid email"),
        ({"email": "ANA@example.com"}, "already an account"),
        ({"full_name": "x" * 151}, "at most 150"),
        ({"role": "staff", "is_superuser": "1", "email": "x"}, "valid email"),
    ],
)
def test_register_says_what_is_wrong(client: Client, user: User, change: dict[str, str], said: str) -> None:
    form = {"email": "bo@example.com", "password": PASSWORD, **change}
    answer = client.post("/account/register", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert User.objects.count() == 1


def test_closed_registration_says_so_in_page_and_api(client: Client, settings: Any) -> None:
    settings.REGISTRATION_OPEN = False
    assert client.get("/account/register").status_code == 403
    body = {"email": "bo@example.com", "password": PASSWORD}
    assert client.post("/account/register", body).status_code == 403
    answer = client.post("/api/users/", body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "closed")
    assert "Create an account" not in client.get("/account/sign-in").content.decode()
    assert not User.objects.exists()


def test_token_is_shown_once_and_revoked(client: Client, user: User) -> None:
    client.force_login(user)
    page = client.post("/account/tokens/add", {"name": "laptop", "days": "30"}).content.decode()
    token = re.search(r"skl_[\w-]{43}", page)
    assert token
    assert token[0] not in client.get("/account/").content.decode()
    row = ApiToken.objects.get()
    assert client.post(f"/account/tokens/{row.pk}/delete").status_code == 302
    assert not ApiToken.objects.exists()


def test_another_users_token_is_404_on_the_page(client: Client, user: User) -> None:
    other = User.objects.create_user("bo@example.com", PASSWORD)
    client.force_login(user)
    client.post("/account/tokens/add", {"name": "laptop", "days": "30"})
    client.force_login(other)
    assert client.post(f"/account/tokens/{ApiToken.objects.get().pk}/delete").status_code == 404
    assert ApiToken.objects.exists()


def test_lifetime_of_a_token_is_one_of_three(client: Client, user: User) -> None:
    client.force_login(user)
    assert client.post("/account/tokens/add", {"name": "laptop", "days": "99999"}).status_code == 422
    assert not ApiToken.objects.exists()


def test_password_is_reset_by_a_link_that_works_once(client: Client, user: User) -> None:
    client.post("/account/password/reset", {"email": "ana@example.com"})
    link = re.search(r"http://testserver(/account/password/reset/\S+)", mail.outbox[0].body)
    assert link
    form_url = client.get(link[1])["Location"]
    new = "another-passphrase"
    answer = client.post(form_url, {"new_password1": new, "new_password2": new})
    assert answer.status_code == 302
    assert sign_in(Client(), new).status_code == 302
    assert "does not work any more" in Client().get(link[1]).content.decode()


def test_password_reset_does_not_tell_who_has_an_account(client: Client, user: User) -> None:
    known = client.post("/account/password/reset", {"email": "ana@example.com"})
    unknown = client.post("/account/password/reset", {"email": "bo@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(mail.outbox) == 1
    assert "Look into your mail" in client.get(known["Location"]).content.decode()


def test_password_change_keeps_this_session_and_ends_the_others(client: Client, user: User) -> None:
    other = Client()
    sign_in(client)
    sign_in(other)
    new = "another-passphrase"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/account/password", form).status_code == 302
    assert client.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302


def test_language_is_switched_by_a_form(client: Client) -> None:
    client.post("/i18n/setlang/", {"language": "pt", "next": "/account/sign-in"})
    assert '<html lang="pt"' in client.get("/account/sign-in").content.decode()
