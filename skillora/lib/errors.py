"""The one family of errors that a user may see. Row errors are data, never exceptions."""

from django.utils.functional import Promise


class DomainError(Exception):
    """Something the caller asked for cannot be done.

    message: what is wrong and what to do next, for people. code: for programs, snake_case.
    status: the HTTP status a view answers with. errors: problem+json's `errors`, may be empty.
    """

    code = "invalid"
    status = 422

    def __init__(
        self,
        message: str | Promise,
        code: str | None = None,
        status: int | None = None,
        errors: list[dict[str, object]] | None = None,
    ) -> None:
        super().__init__(str(message))
        self.message = str(message)
        self.code = code or self.code
        self.status = status or self.status
        self.errors = errors or []


class Busy(DomainError):
    """Not now. retry_after: seconds after which it may work."""

    code = "busy"
    status = 429
    retry_after = 30


class NoSpace(DomainError):
    """The disk has no room for it."""

    code = "disk_full"
    status = 507


class NotFound(DomainError):
    """It does not exist, or it is not the caller's to see."""

    code = "not_found"
    status = 404


class NotAllowed(DomainError):
    """The caller is known and may not do this."""

    code = "not_allowed"
    status = 403


class Conflict(DomainError):
    """It cannot be done in the state that the thing is in now."""

    code = "conflict"
    status = 409
