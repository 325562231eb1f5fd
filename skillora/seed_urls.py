"""Paths of the seed systems: thin aliases over the same services; their clients change only the host."""

from django.urls import path

from accounts import api as people

app_name = "seed"
urlpatterns = [
    path("api/users/", people.Register.as_view(), name="users"),
    path("api/users/login", people.Login.as_view(), name="users-login"),
    path("api/users/me", people.Me.as_view(), name="users-me"),
]
