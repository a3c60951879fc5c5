"""The smallest HTTP client: does this address answer 200?"""

import http.client
import ssl
import urllib.error
import urllib.request
from pathlib import Path

TIMEOUT_S = 2.0


def answers(url: str, *, authority: Path | None = None, token: str | None = None) -> bool:
    """Whether *url* answers 200 soon."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310 -- loopback addresses
    context = ssl.create_default_context(cafile=str(authority)) if authority else None
    # Proxies of the user's environment are for the world, not for loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as response:
            return bool(response.status == http.HTTPStatus.OK)
    except (urllib.error.URLError, OSError, http.client.HTTPException):
        return False
