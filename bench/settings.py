"""The product's settings with the benchmark's own workload: tasks to watch while things are killed."""

from skillora.settings import *  # noqa: F403
from skillora.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "bench.workload"]
