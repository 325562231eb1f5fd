"""People by API: tokens, log-in, register, me. The same views serve the seeds' paths."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken, Role, User
from accounts.permissions import member
from accounts.services import sign_in_check, token_create, token_revoke, user_register
from skillora.lib.parsing import Cursor, StrictJSONParser
from skillora.lib.throttling import CallLimit, SignInLimit

EMAIL_LENGTH = 254
PASSWORD_LENGTH = 128  # Argon2 costs by length; nobody types more


class TokenRequest(serializers.Serializer[Any]):
    """Body of POST /api/v1/tokens."""

    email = serializers.CharField(max_length=EMAIL_LENGTH)
    password = serializers.CharField(max_length=PASSWORD_LENGTH, trim_whitespace=False)
    name = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    days = serializers.IntegerField(min_value=1, max_value=3650, required=False, help_text="lifetime in days")


class TokenRow(serializers.ModelSerializer[ApiToken]):
    """A token as its owner sees it; the token itself cannot be had again."""

    class Meta:
        model = ApiToken
        fields = ["id", "name", "hint", "created_at", "expires_at", "last_used_at"]


class TokenCreated(TokenRow):
    """The one answer that holds the token."""

    token = serializers.CharField(read_only=True)

    class Meta(TokenRow.Meta):
        fields = ["token", *TokenRow.Meta.fields]


class LoginRequest(serializers.Serializer[Any]):
    """Form or JSON: `username` or `email`, and `password`."""

    username = serializers.CharField(max_length=EMAIL_LENGTH, required=False)
    email = serializers.CharField(max_length=EMAIL_LENGTH, required=False)
    password = serializers.CharField(max_length=PASSWORD_LENGTH, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs.get("email") or attrs.get("username")):
            raise serializers.ValidationError({"email": [_("Give your e-mail as `email` or as `username`.")]})
        return attrs


class AccessToken(serializers.Serializer[Any]):
    """The answer of a log-in."""

    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")


class RegisterRequest(serializers.Serializer[Any]):
    """A new account."""

    email = serializers.CharField(max_length=EMAIL_LENGTH)
    password = serializers.CharField(max_length=PASSWORD_LENGTH, trim_whitespace=False)
    full_name = serializers.CharField(
        max_length=150, required=False, default="", allow_blank=True, allow_null=True
    )

    def validate_email(self, value: str) -> str:
        try:
            validate_email(value)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return value


class Person(serializers.ModelSerializer[User]):
    """A user as the user sees it."""

    class Meta:
        model = User
        fields = ["id", "email", "full_name", "role", "is_active", "created_at"]


def _checked(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    bound = form(data=request.data)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)


class Tokens(APIView):
    """Your API tokens: stored hashed, shown once."""

    write_role = Role.VIEWER

    def get_permissions(self) -> Sequence[Any]:
        return [AllowAny()] if self.request.method == "POST" else super().get_permissions()

    def get_throttles(self) -> list[Any]:
        return [CallLimit(), SignInLimit()]

    @extend_schema(responses=TokenRow(many=True), operation_id="tokens_list")
    def get(self, request: Request) -> Response:
        """Your tokens, newest first."""
        pages = Cursor()
        rows = pages.paginate_queryset(ApiToken.objects.filter(user=member(request)), request, view=self)
        return pages.get_paginated_response(TokenRow(rows, many=True).data)

    @extend_schema(request=TokenRequest, responses={201: TokenCreated}, auth=[])
    def post(self, request: Request) -> Response:
        """E-mail and password make a token. Not replayed by Idempotency-Key: no token is stored."""
        asked = _checked(TokenRequest, request)
        user = sign_in_check(request=request._request, email=asked["email"], password=asked["password"])
        lifetime = timedelta(days=asked["days"]) if "days" in asked else None
        row, token = token_create(by=user, name=asked["name"], lifetime=lifetime)
        headers = {"Location": reverse("api:token", args=[row.pk])}
        return Response({"token": token, **TokenRow(row).data}, status=201, headers=headers)


class Token(APIView):
    """One of your tokens."""

    write_role = Role.VIEWER

    @extend_schema(responses={204: OpenApiResponse(description="revoked")})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke it: the next call with it is 401."""
        token_revoke(by=member(request), pk=pk)
        return Response(status=204)


class Login(APIView):
    """Log-in of programs that speak OAuth2's password form: a short-lived token."""

    permission_classes = [AllowAny]
    throttle_classes = [SignInLimit]
    parser_classes = [FormParser, MultiPartParser, StrictJSONParser]

    @extend_schema(request=LoginRequest, responses={200: AccessToken}, auth=[])
    def post(self, request: Request) -> Response:
        """E-mail (or `username`) and password against `{access_token, token_type}`."""
        asked = _checked(LoginRequest, request)
        email = asked.get("email") or asked["username"]
        user = sign_in_check(request=request._request, email=email, password=asked["password"])
        lifetime = timedelta(minutes=settings.ACCESS_TOKEN_EXPIRE_MINUTES)
        _row, token = token_create(by=user, name=_("log-in"), lifetime=lifetime)
        return Response(
            {"access_token": token, "token_type": "bearer", "expires_in": int(lifetime.total_seconds())}
        )


class Register(APIView):
    """New accounts, while registration is open."""

    permission_classes = [AllowAny]
    throttle_classes = [SignInLimit]

    @extend_schema(request=RegisterRequest, responses={201: Person}, auth=[])
    def post(self, request: Request) -> Response:
        """A new viewer; a taken e-mail is 400."""
        asked = _checked(RegisterRequest, request)
        user = user_register(
            email=asked["email"], password=asked["password"], full_name=asked["full_name"] or ""
        )
        return Response(Person(user).data, status=201)


class Me(APIView):
    """Who the token belongs to."""

    @extend_schema(responses=Person)
    def get(self, request: Request) -> Response:
        """Your account."""
        return Response(Person(member(request)).data)
