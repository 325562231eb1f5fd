"""Pages of people, under /account/."""

from django.urls import path
from django.views.decorators.http import require_http_methods

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.account, name="account"),
    path("edit", views.account_edit, name="account-edit"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("register", views.register, name="register"),
    path("tokens/add", views.token_add, name="token-add"),
    path("tokens/<int:pk>/delete", views.token_delete, name="token-delete"),
    path("password", views.PasswordChange.as_view(), name="password-change"),
    path("password/reset", views.PasswordReset.as_view(), name="password-reset"),
    path("password/reset/sent", views.password_reset_sent, name="password-reset-sent"),
    path(
        "password/reset/<uidb64>/<token>",
        require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])(views.PasswordResetConfirm.as_view()),
        name="password-reset-confirm",
    ),
]
