"""The application that granian serves: Django behind what receives bodies (skillora.lib.receiving)."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillora.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import reverse

from skillora.lib.http import body_limit_of
from skillora.lib.receiving import Limits, Received
from skillora.lib.space import has_room

wsgi = get_wsgi_application()
reverse("healthz")  # every page is imported before the first request, and by one thread
gc.collect()
gc.freeze()  # what stays for good is not looked at again: 20 to 50 ms for one request in some hundred
application = Received(
    wsgi,
    folder=settings.UPLOAD_DIR,
    limits=Limits(
        every=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        this=body_limit_of,
        has_room=has_room,
    ),
    threads=settings.WEB_THREADS,
)
