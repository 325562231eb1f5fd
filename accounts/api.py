"""Tokens and users by API."""

from rest_framework.authentication import BaseAuthentication


class TokenAuthentication(BaseAuthentication):
    """Bearer tokens."""
