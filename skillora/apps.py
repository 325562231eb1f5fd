from django.apps import AppConfig


class SkilloraConfig(AppConfig):
    """The shell: pages that belong to no domain, and the `run` command."""

    name = "skillora"
