"""One question: can this machine reach that host? Asked before any download, because downloaders retry for minutes."""

import threading


def reachable(url: str, *, seconds: float = 8) -> bool:
    """Whether the host of `url` answers an HTTP request within `seconds`; any status counts, proxies are honoured."""
    import urllib.error
    import urllib.request

    answered = threading.Event()

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310
            urllib.request.urlopen(request, timeout=seconds).close()  # noqa: S310
            answered.set()
        except urllib.error.HTTPError:
            answered.set()
        except OSError:
            pass

    # A thread, because name resolution ignores the time-out.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answered.is_set()
