"""Names in a study: the variants, blocks and parameters it speaks of exist, or it is told at their line."""

from __future__ import annotations

from dataclasses import dataclass

from neurosieve.plan.grid import Cells
from neurosieve.plan.study import LoadedStudy


@dataclass(frozen=True)
class References:
    """The names in one study."""

    loaded: LoadedStudy

    def check(self) -> None:
        """Variants named by `targets`, `evaluate` and `set` exist, and so do the blocks that `set` and `sweep` name."""
        for name, targets in self.loaded.study.targets.items():
            self._known(name, "targets", "targets", name)
            used = [target if isinstance(target, str) else target.use for target in targets]
            for index, (target, use) in enumerate(zip(targets, used, strict=True)):
                if use in used[:index]:
                    raise self.loaded.error(f"targets: '{use}' is listed twice", "targets", name, index)
                if not isinstance(target, str):
                    Cells(self.loaded).check_only(target.only, "targets", name, index)
        for index, use in enumerate(self.loaded.study.evaluate):
            for name in use.of or []:
                self._known(name, "evaluate", "evaluate", index, "of")
        for axis, values in self.loaded.study.axes.items():
            for value, content in values.items():
                for name in content.set:
                    variant, parameter = self.split_setting(name)
                    self._known(variant, "set", "axes", axis, value, "set", name)
                    self._check_parameter(variant, parameter, "set", "axes", axis, value, "set", name)
        for variant, content in self.loaded.study.variants.items():
            for name in content.sweep:
                self._check_parameter(variant, name, "sweep", "variants", variant, "sweep", name)

    def _check_parameter(self, variant: str, name: str, what: str, *place: str | int) -> None:
        """`alpha`, `train.epochs`, `model.width`: the block before the dot is one of the variant's own."""
        step = self.loaded.study.variants[variant].step
        blocks = [step[0]] if step else ["model", "train"]
        block, _, parameter = name.rpartition(".")
        if not parameter or block not in ("", *blocks):
            forms = " or ".join(f"{one}.{parameter or 'PARAMETER'}" for one in blocks)
            raise self.loaded.error(f"{what}: '{name}' is no parameter of '{variant}'; write {forms}", *place)

    def _known(self, name: str, what: str, *place: str | int) -> None:
        if name not in self.loaded.study.variants:
            known = ", ".join(self.loaded.study.variants)
            raise self.loaded.error(f"{what}: '{name}' is no variant; there are: {known}", *place)

    def split_setting(self, name: str) -> tuple[str, str]:
        """`ssd.alpha` -> (`ssd`, `alpha`); a variant's own name may hold dots."""
        fits = [variant for variant in self.loaded.study.variants if name.startswith(f"{variant}.")]
        variant = max(fits, key=len, default=name.partition(".")[0])
        return variant, name[len(variant) + 1 :]
