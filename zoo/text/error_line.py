"""What an error says, in one line."""


def first_line(error: BaseException) -> str:
    """What an error says, in its first line; its kind, where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
