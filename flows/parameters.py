"""What a flow may be given, as the form of a run page offers it: choices and bounds. The descriptions stand in the flows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler

from slipway.catalogue import catalogue


class _OfTheCatalogue:
    """Has a form offer the models there are. A flow looks the name up itself: its error lists them too."""

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core_schema), "enum": list(catalogue())}


ModelName = Annotated[str, _OfTheCatalogue()]
AtLeastOne = Annotated[int, Field(ge=1)]
