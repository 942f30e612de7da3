"""Choosing some parameters of a step among candidates: what a study says of it, and what of that enters the key."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_FORM = ConfigDict(frozen=True, extra="forbid")


class ChooseBy(BaseModel):
    """What a setting is chosen by: a metric that the evaluation `use` gives on `split` (never test rows)."""

    model_config = _FORM
    metric: str
    split: str = "validation"
    use: str = "classification"
    rule: Literal["best", "strongest-within"] = "best"
    """best: the best value. strongest-within: the strongest change of the weights that loses at most `margin`
    against the model before; measured on retained rows alone, so that nothing of the forgotten ones chooses."""
    margin: float | None = Field(None, ge=0)

    @field_validator("split")
    @classmethod
    def _never_test(cls, split: str) -> str:
        if split == "test":
            raise ValueError("a setting is never chosen on test rows; use validation")
        return split

    @model_validator(mode="after")
    def _margin_is_declared(self) -> ChooseBy:
        if self.rule == "strongest-within" and self.split != "validation":
            raise ValueError(f"strongest-within looks at retained validation rows, not at split '{self.split}'")
        if (self.margin is not None) != (self.rule == "strongest-within"):
            raise ValueError("`rule: strongest-within` and `margin` come together, such as 0.01")
        return self


class Choose(BaseModel):
    """One step run for every candidate; one is kept by the rule, the table of all candidates with it."""

    model_config = _FORM
    among: dict[str, list[Any]] = Field(min_length=1)
    by: ChooseBy

    @field_validator("among")
    @classmethod
    def _has_candidates(cls, among: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for name, values in among.items():
            if not values:
                raise ValueError(f"'{name}' has no value to choose from")
        return among

    def recipe(self, better: str, judge: dict[str, Any]) -> dict[str, Any]:
        """Its part of a node's recipe; `better` is higher or lower, `judge` the evaluation's own part."""
        by = self.by
        within = {"rule": by.rule, "margin": by.margin} if by.rule != "best" else {}
        return {"among": self.among, "metric": by.metric, "split": by.split, "better": better, "judge": judge, **within}
