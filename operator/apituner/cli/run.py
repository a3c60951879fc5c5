"""``apituner run``: the operator."""

import asyncio
import logging
import os
import sys

from apituner.kube.errors import KubeError
from apituner.logs import log_to_stdout
from apituner.settings import SettingsError, settings_from
from apituner.wiring import operate

_log = logging.getLogger("apituner.operator")


def run() -> int:
    """Run until told to stop: 0. A setting that cannot be used: 2. Anything else that ends the operator: 1."""
    try:
        settings = settings_from(os.environ)
    except SettingsError as error:
        print(f"apituner: {error}", file=sys.stderr)  # noqa: T201 - there is no logging without settings
        return 2
    log_to_stdout(settings.log_format)
    try:
        asked_to_stop = asyncio.run(operate(settings, os.environ))
    except (KubeError, OSError) as error:
        _log.error("the operator ends", extra={"because": str(error)})
        return 1
    return 0 if asked_to_stop else 1
