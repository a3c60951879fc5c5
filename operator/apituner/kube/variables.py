"""One environment variable of a container as a Setting: its value, where that comes from, and who owns it."""

import re
from collections.abc import Mapping
from typing import Any

from apituner.core.workload import Setting, SettingName, SettingSource
from apituner.kube.command_line import workers_flag

_WHOLE_NUMBER = re.compile("[0-9]{1,9}")
"""No sign: SQLAlchemy reads an overflow of -1 as "no limit", which no budget can hold."""


def setting(container: Mapping[str, Any], name: SettingName, variable: str, *, owner: str | None) -> Setting:
    """What the container says about *variable*; *owner* is the foreign field manager of its literal, if any."""
    if name is SettingName.WORKERS and (flag := workers_flag(container, variable)):
        return _foreign(variable, SettingSource.COMMAND_LINE, f"{flag.text} on {flag.where}", value=flag.value)
    entries = [entry for entry in container.get("env") or [] if entry.get("name") == variable]
    match entries:
        case []:
            return Setting(variable=variable, value=None, source=SettingSource.DEFAULT, detail=_env_from(container))
        case [{"valueFrom": source}] if source:
            return _referenced(variable, source)
        case [entry]:
            return _literal(name, variable, entry.get("value") or "", owner)
        case _:
            return _foreign(variable, SettingSource.UNREADABLE, f"it stands {len(entries)} times in the container's env")


def _literal(name: SettingName, variable: str, text: str, owner: str | None) -> Setting:
    least = 0 if name is SettingName.MAX_OVERFLOW else 1
    if not _WHOLE_NUMBER.fullmatch(text):
        detail = f'its value "{text[:40]}" is not a whole number'
    elif int(text) < least:
        # To SQLAlchemy a pool size of 0 means "no limit"; to uvicorn no workers mean nothing.
        detail = f"its value {int(text)} is less than {least}"
    else:
        return Setting(variable=variable, value=int(text), source=SettingSource.ENV, owner=owner)
    return Setting(variable=variable, value=None, source=SettingSource.UNREADABLE, owner=owner, detail=detail)


def _referenced(variable: str, source: Mapping[str, Any]) -> Setting:
    if ref := source.get("secretKeyRef"):
        return _foreign(variable, SettingSource.SECRET, f"key {ref.get('key')} of Secret {ref.get('name')}")
    if ref := source.get("configMapKeyRef"):
        return _foreign(variable, SettingSource.CONFIG_MAP, f"key {ref.get('key')} of ConfigMap {ref.get('name')}")
    if ref := source.get("fieldRef"):
        return _foreign(variable, SettingSource.FIELD, f"field {ref.get('fieldPath')} of the pod")
    if ref := source.get("resourceFieldRef"):
        return _foreign(variable, SettingSource.FIELD, f"{ref.get('resource')} of the container")
    return _foreign(variable, SettingSource.UNREADABLE, f"its value comes from {', '.join(sorted(source))}")


def _foreign(variable: str, source: SettingSource, detail: str, *, value: int | None = None) -> Setting:
    return Setting(variable=variable, value=value, source=source, detail=detail)


def _env_from(container: Mapping[str, Any]) -> str:
    """The sources that may hold the variable unseen: a literal in ``env`` wins over them, so the variable is still ours to set."""
    names = [
        f"{kind} {ref.get('name')}"
        for source in container.get("envFrom") or []
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret"))
        if (ref := source.get(key))
    ]
    return f"unless {' or '.join(names)} sets it" if names else ""
