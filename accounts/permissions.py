"""Who may what."""

from rest_framework.permissions import IsAuthenticated


class RolePermission(IsAuthenticated):
    """Reads for viewers, writes for editors."""
