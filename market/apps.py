from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MarketConfig(AppConfig):
    name = "market"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from market.reference import reference_ensure  # noqa: PLC0415 (models are not ready before)

        post_migrate.connect(reference_ensure, sender=self, dispatch_uid="market.reference")
