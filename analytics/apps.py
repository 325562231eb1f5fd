from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from analytics.index import indexes  # noqa: PLC0415 (models are not ready before)

        indexes()  # they listen to ingest.hooks from the start, in every process
