"""Addresses of /api/v1."""

from django.urls import path

from accounts import api as people

app_name = "api"
urlpatterns = [
    path("tokens", people.Tokens.as_view(), name="tokens"),
    path("tokens/<int:pk>", people.Token.as_view(), name="token"),
    path("auth/register", people.Register.as_view(), name="auth-register"),
    path("auth/login", people.Login.as_view(), name="auth-login"),
    path("auth/me", people.Me.as_view(), name="auth-me"),
]
