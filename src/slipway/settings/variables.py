"""How settings are read from variables: an empty one is a value too, so the shell can take away what `.env` sets."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict


class Variables(BaseSettings):
    """Settings from `SLIPWAY_*` variables. An empty variable takes a setting away if there need not be one, and is refused otherwise."""

    model_config = SettingsConfigDict(env_prefix="SLIPWAY_", extra="ignore", env_parse_none_str="")

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        values = dict(values)
        for name, field in cls.model_fields.items():
            for key in _keys(name, field):
                if key in values and values[key] is None:
                    values[key] = _without(name, field)
        return values


def _keys(name: str, field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    return [name, *map(str, alias.choices if isinstance(alias, AliasChoices) else [alias])]


def _without(name: str, field: FieldInfo) -> object:
    """Return the value of a setting that is taken away."""
    default = field.get_default(call_default_factory=True, validated_data={})
    if default:
        raise ValueError(f"SLIPWAY_{name.upper()} is empty. Set a value, or remove the variable to use {default}")
    return default
