"""A rule of a spec: said once, kept by the API server in CEL and by the models in Python, with one message for both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must hold of a value, and the sentence that tells its author what to write instead."""

    cel: str
    """The rule in CEL, where ``self`` is the value."""
    message: str
    holds: Callable[[Any], bool] | None
    """The same rule in Python; None for a transition rule, which needs the old object that only the API server has."""

    def keep(self, value: Any) -> Any:  # noqa: ANN401 - a rule stands on a field of any type
        """Return *value*, or refuse it with the message."""
        if self.holds is not None and not self.holds(value):
            raise ValueError(self.message)
        return value

    @property
    def validation(self) -> dict[str, str]:
        """The rule as an entry of ``x-kubernetes-validations``."""
        return {"rule": self.cel, "message": self.message}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's hook
        """Let a field carry rules: ``Annotated[int, Rule(...)]``."""
        return core_schema.no_info_after_validator_function(self.keep, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Write a field's rule into the schema of the field."""
        written = handler(schema)
        return {**written, VALIDATIONS: [*written.get(VALIDATIONS, []), self.validation]}


class Part(BaseModel):
    """A part of a resource, written in camelCase; it cannot be changed and cannot break the rules of its class."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> Self:
        for rule in self.rules:
            rule.keep(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Write the rules of the class into the schema of the class."""
        schema = handler(core_schema)
        if cls.rules:
            handler.resolve_ref_schema(schema)[VALIDATIONS] = [rule.validation for rule in cls.rules]
        return schema
