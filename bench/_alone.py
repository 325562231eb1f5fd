"""For benchmarks of files alone: Django without any server."""

import os

import django


def setup() -> None:
    """Django set up with addresses that nobody answers; whoever asks a server by mistake fails at once."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillora.settings")
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")
    django.setup()
