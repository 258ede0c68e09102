"""Models by name, and the questions that both kinds of catalogue answer alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from slipway.errors import SpecError, UnknownModelError
from slipway.settings import Settings


class Described(Protocol):
    """What a model says of itself, declared in full or listed in short."""

    @property
    def name(self) -> str: ...
    @property
    def challenges(self) -> str | None: ...
    @property
    def service(self) -> str: ...
    @property
    def port(self) -> int: ...


Model = TypeVar("Model", bound=Described)


class Models(dict[str, Model]):
    """Models by name. `left_out` says what is wrong with the files of others, by the name that each would have."""

    def __init__(self, models: Mapping[str, Model], left_out: Mapping[str, str] | None = None) -> None:
        super().__init__(models)
        self.left_out = dict(left_out or {})

    def lookup(self, name: str) -> Model:
        """Return one model.

        Raises:
            UnknownModelError: There is no such model; the message lists those there are.
            SpecError: There is a file of that name, and this is what is wrong with it.
        """
        try:
            return self[name]
        except KeyError:
            if wrong := self.left_out.get(name):
                raise SpecError(wrong) from None
            raise UnknownModelError(f"no model is called {name!r}; the catalogue has: {', '.join(self)}.") from None

    def served(self, name: str) -> Model:
        """Return one model that has a service.

        Raises:
            UnknownModelError: There is none, or it has none of its own, because it challenges another.
        """
        model = self.lookup(name)
        if model.challenges:
            raise UnknownModelError(f"{name} challenges {model.challenges} and has no service of its own; name {model.challenges}.")
        return model

    def services(self) -> dict[str, Model]:
        """Return the models that have a service of their own, by name: all but the challengers."""
        return {name: model for name, model in self.items() if not model.challenges}


def port_of(model: Described, settings: Settings) -> int:
    """Return the model's own port: of the settings if they name one, else of its file."""
    return settings.model_ports.get(model.service, model.port)
