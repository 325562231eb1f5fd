"""Who may call what: every address, every method, every role, in one table. An undeclared address fails.

Columns: anonymous, viewer, editor (owner of the import and the token), another editor, staff. A method that
is not in the table must be refused for everybody. The admin's own addresses are declared as a whole below.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import DjangoDbBlocker

from accounts.models import ApiToken, Role, User
from ingest import services
from skillora.lib.problems import PROGRAMS

pytestmark = pytest.mark.django_db  # alone, nobody else asks for the tables
ACTORS = ("anonymous", "viewer", "editor", "other", "staff")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSALS = {302, 401, 403, 404, 405, 412}  # 412: the upload protocol wants its version named first
TABLE = """
GET    /                                                        302 200 200 200 200
GET    how/                                                     302 200 200 200 200
POST   theme                                                    302 302 302 302 302
POST   sample                                                   302 403 302 302 302
GET    i18n/setlang/                                            302 302 302 302 302
POST   i18n/setlang/                                            302 302 302 302 302
GET    healthz                                                  200 200 200 200 200
GET    readyz                                                   200 200 200 200 200
GET    health                                                   200 200 200 200 200
GET    account/                                                 302 200 200 200 200
POST   account/edit                                             302 302 302 302 302
GET    account/sign-in                                          200 302 302 302 302
POST   account/sign-in                                          422 422 422 422 422
POST   account/sign-out                                         302 302 302 302 302
GET    account/register                                         200 200 200 200 200
POST   account/register                                         422 422 422 422 422
POST   account/tokens/add                                       302 422 422 422 422
POST   account/tokens/<int:pk>/delete                           302 404 302 404 404
GET    account/password                                         302 200 200 200 200
POST   account/password                                         302 200 200 200 200
GET    account/password/reset                                   200 200 200 200 200
POST   account/password/reset                                   200 200 200 200 200
GET    account/password/reset/sent                              200 200 200 200 200
GET    account/password/reset/<uidb64>/<token>                  200 200 200 200 200
POST   account/password/reset/<uidb64>/<token>                  200 200 200 200 200
GET    imports/                                                 302 200 200 200 200
GET    imports/new                                              302 200 200 200 200
POST   imports/new                                              302 422 422 422 422
GET    imports/together                                         302 404 404 404 404
POST   imports/together                                         302 404 404 404 404
GET    imports/templates/<slug:slug>.csv                        302 200 200 200 200
GET    imports/<int:pk>                                         302 302 302 302 302
GET    imports/<int:pk>/map                                     302 200 200 200 200
POST   imports/<int:pk>/map                                     302 403 422 403 422
POST   imports/<int:pk>/map/preview                             302 403 200 403 200
POST   imports/<int:pk>/facts                                   302 403 302 403 302
GET    imports/<int:pk>/check                                   302 302 302 302 302
POST   imports/<int:pk>/check                                   302 403 409 403 409
POST   imports/<int:pk>/load                                    302 403 409 403 409
POST   imports/<int:pk>/cancel                                  302 403 409 403 409
POST   imports/<int:pk>/remap                                   302 403 302 403 302
POST   imports/<int:pk>/check/translate                         302 403 422 403 422
GET    imports/<int:pk>/rejects                                 302 200 200 200 200
POST   imports/<int:pk>/rejects/fix                             302 403 302 403 302
POST   imports/<int:pk>/create                                  302 403 302 403 302
POST   imports/<int:pk>/rejects/rule                            302 403 302 403 302
POST   imports/<int:pk>/rejects/unskip                          302 403 302 403 302
POST   imports/<int:pk>/rejects/discard                         302 403 302 403 302
POST   imports/<int:pk>/rejects/load                            302 403 302 403 302
POST   imports/<int:pk>/rejects/return                          302 403 302 403 302
POST   imports/<int:pk>/undo                                    302 403 302 403 302
GET    imports/<int:pk>/rows/<int:line>                         302 200 200 200 200
GET    imports/<int:pk>/rejects.csv                             302 200 200 200 200
GET    backups/                                                 302 403 403 403 200
POST   backups/new                                              302 403 403 403 302
POST   backups/<int:pk>/rehearse                                302 403 403 403 404
GET    hiring/                                                  302 200 200 200 200
GET    hiring/departments/                                      302 200 200 200 200
GET    hiring/people/                                           302 200 200 200 200
GET    salaries/                                                302 200 200 200 200
GET    salaries/rows/                                           302 200 200 200 200
GET    api/                                                     200 200 200 200 200
GET    api/docs/                                                200 200 200 200 200
GET    api/v1/schema/                                           200 200 200 200 200
GET    api/v1/imports                                           401 200 200 200 200
POST   api/v1/imports                                           401 403 400 400 400
GET    api/v1/imports/<int:pk>                                  401 200 200 200 200
DELETE api/v1/imports/<int:pk>                                  401 403 204 403 204
POST   api/v1/imports/<int:pk>/map                              401 403 422 403 422
POST   api/v1/imports/<int:pk>/check                            401 403 409 403 409
POST   api/v1/imports/<int:pk>/load                             401 403 409 403 409
POST   api/v1/imports/<int:pk>/cancel                           401 403 409 403 409
POST   api/v1/imports/<int:pk>/remap                            401 403 201 403 201
GET    api/v1/imports/<int:pk>/rejects                          401 200 200 200 200
PATCH  api/v1/imports/<int:pk>/rejects                          401 403 400 403 400
POST   api/v1/imports/<int:pk>/rejects                          401 403 400 403 400
GET    api/v1/imports/<int:pk>/rejects.csv                      401 200 200 200 200
POST   api/v1/imports/<int:pk>/rejects/rule                     401 403 400 403 400
POST   api/v1/imports/<int:pk>/rejects/load                     401 403 409 403 409
GET    api/v1/imports/<int:pk>/undo                             401 200 200 200 200
POST   api/v1/imports/<int:pk>/undo                             401 403 409 403 409
GET    api/v1/imports/<int:pk>/rows/<int:line>                  401 200 200 200 200
GET    api/v1/datasets                                          401 200 200 200 200
GET    api/v1/datasets/<slug:slug>                              401 200 200 200 200
GET    api/v1/datasets/<slug:slug>/rows                         401 200 200 200 200
POST   api/v1/uploads                                           401 403 412 412 412
PATCH  api/v1/uploads/<uuid:pk>                                 401 403 412 412 412
HEAD   api/v1/uploads/<uuid:pk>                                 401 412 412 412 412
DELETE api/v1/uploads/<uuid:pk>                                 401 403 404 404 404
POST   api/v1/datasets/<slug:slug>/batch                        401 403 422 422 422
POST   api/v1/upload/csv/<str:table>                            401 403 422 422 422
GET    api/v1/task/<str:task_id>                                401 404 404 404 404
POST   api/v1/batch/<str:table>                                 401 403 422 422 422
POST   insert                                                   401 403 422 422 422
GET    api/v1/health                                            200 200 200 200 200
GET    api/v1/analytics/<slug:slug>.<str:suffix>                401 200 200 200 200
GET    api/v1/tokens                                            401 200 200 200 200
POST   api/v1/tokens                                            400 400 400 400 400
DELETE api/v1/tokens/<int:pk>                                   401 404 204 404 404
POST   api/v1/auth/register                                     400 400 400 400 400
POST   api/v1/auth/login                                        400 400 400 400 400
GET    api/v1/auth/me                                           401 200 200 200 200
POST   api/users/                                               400 400 400 400 400
POST   api/users/login                                          400 400 400 400 400
GET    api/users/me                                             401 200 200 200 200
POST   api/jobs/ingest/upload                                   401 403 400 400 400
POST   api/jobs/ingest/map                                      401 403 400 400 400
GET    api/jobs/ingest/tasks/<str:task_id>                      401 404 404 404 404
GET    api/jobs/analytics/salary/summary                        401 200 200 200 200
GET    api/jobs/analytics/stack/compare                         401 200 200 200 200
GET    api/v1/analytics/hired/by-quarter                        401 200 200 200 200
GET    api/v1/analytics/departments/above-average               401 200 200 200 200
GET    metrics/hired-employees-by-quarter                       401 200 200 200 200
GET    metrics/departments-above-average-hiring                 401 200 200 200 200
GET    visuals/hired-employees-by-quarter                       401 200 200 200 200
GET    visuals/departments-above-average-hiring                 401 200 200 200 200
GET    admin/login/                                             302 403 403 403 302
POST   admin/login/                                             302 403 403 403 302
POST   admin/logout/                                            302 302 302 302 302
POST   admin/logout/                                            302 302 302 302 302
"""


def rows() -> Iterator[tuple[str, str, tuple[int, ...]]]:
    for line in TABLE.strip().splitlines():
        method, route, *statuses = line.split()
        yield method, route, tuple(int(status) for status in statuses)


def routes(patterns: Any = None, prefix: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


OF_THE_ADMIN = re.compile(r"^admin/(?!login/|logout/)")


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """People, an import and a token for all tests of this file: each call is undone, at the end everything is."""
    folder = tmp_path_factory.mktemp("world")
    uploads = folder / "uploads"
    uploads.mkdir()
    with django_db_blocker.unblock(), override_settings(UPLOAD_DIR=uploads), transaction.atomic():
        yield populated(folder)
        transaction.set_rollback(True)


def populated(folder: Path) -> dict[str, Any]:
    """One client for each actor, the editor's import and token."""
    people = {
        name: User.objects.create_user(f"{name}@example.com", None, role=role)
        for name, role in (
            ("viewer", Role.VIEWER),
            ("editor", Role.EDITOR),
            ("other", Role.EDITOR),
            ("staff", Role.STAFF),
        )
    }
    file = folder / "pay.csv"
    file.write_text("title,salary\nEngineer,120000\n")
    source = services.import_create(
        by=people["editor"], dataset="salary_records", upload=file, name="pay.csv"
    )
    token, _text = ApiToken.issue(user=people["editor"], lifetime=timedelta(days=1))
    clients = {actor: Client(raise_request_exception=False) for actor in ACTORS}
    for name, user in people.items():
        clients[name].force_login(user)
    return {"clients": clients, "import": source, "token": token}


def address(route: str, world: dict[str, Any]) -> str:
    """The route with the ids of the world filled in."""
    mine = world["token"].pk if "tokens/" in route else world["import"].pk
    filled = route.replace("<int:pk>", str(mine)).replace("<str:task_id>", str(world["import"].pk))
    filled = re.sub(r"<int:line>", "2", filled)
    slug = "salary-summary" if "analytics" in route else "salary_records"
    filled = (
        filled.replace("<str:table>", "salary_records")
        .replace("<uuid:pk>", "00000000-0000-4000-8000-000000000000")
        .replace("<str:suffix>", "json")
        .replace("<slug:slug>", slug)
    )
    return "/" + filled.replace("<uidb64>", "MQ").replace("<token>", "x-y")


def call(world: dict[str, Any], actor: str, method: str, route: str) -> int:
    """One request as one actor, with an empty body; what it changes is undone."""
    client = world["clients"][actor]
    session = client.cookies.copy()
    with transaction.atomic():
        if method == "POST" and not f"/{route}".startswith(PROGRAMS):
            response = client.post(address(route, world))
        else:
            response = client.generic(method, address(route, world), "", "application/json")
        transaction.set_rollback(True)
    client.cookies = session  # signing out is undone as well
    return int(response.status_code)


@pytest.mark.parametrize(
    ("method", "route", "expected"), list(rows()), ids=lambda v: str(v) if isinstance(v, str) else ""
)
def test_role_gets_what_the_table_says(
    world: dict[str, Any], method: str, route: str, expected: tuple[int, ...]
) -> None:
    route = "" if route == "/" else route
    assert dict(zip(ACTORS, (call(world, actor, method, route) for actor in ACTORS), strict=True)) == dict(
        zip(ACTORS, expected, strict=True)
    )


def test_every_address_is_in_the_table() -> None:
    declared = {"" if route == "/" else route for _method, route, _statuses in rows()}
    assert {route for route in routes() if not OF_THE_ADMIN.match(route)} == declared


def test_other_methods_are_refused_for_everybody(world: dict[str, Any]) -> None:
    declared = {("" if route == "/" else route, method) for method, route, _statuses in rows()}
    for route in {route for route, _method in declared}:
        for method in METHODS:
            if (route, method) not in declared:
                found = {
                    actor: call(world, actor, method, route) for actor in ("anonymous", "viewer", "staff")
                }
                assert set(found.values()) <= REFUSALS, (method, route, found)


def test_only_staff_enter_the_admin(world: dict[str, Any]) -> None:
    inside = [
        route for route in routes() if OF_THE_ADMIN.match(route) and "<" not in route and "(" not in route
    ]
    assert len(inside) > 20
    for route in inside:
        assert call(world, "anonymous", "GET", route) in {302, 403}, route
        answer = world["clients"]["editor"].get("/" + route, follow=True)
        assert answer.status_code == 403, route
