"""The parameters of the flows: choices and bounds for the form of a run page. The flows describe them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler

from slipway.catalogue import catalogue


class _OfTheCatalogue:
    """Offers the models of the catalogue in a form. The flow itself looks the name up, and its error lists them too."""

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core_schema), "enum": list(catalogue())}


ModelName = Annotated[str, _OfTheCatalogue()]
AtLeastOne = Annotated[int, Field(ge=1)]
