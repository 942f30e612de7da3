"""From a study's YAML to its plan: one node per dataset, training, intervention, export, evaluation, and a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurosieve.artifacts.hashes import FileHashes
from neurosieve.errors import UserError
from neurosieve.evaluation.vocabulary import direction
from neurosieve.plan.certifying import certified
from neurosieve.plan.components import Component
from neurosieve.plan.figures import check_figures
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.grid import Cells, Point, split_checkpoint, substitute
from neurosieve.plan.grid_claims import claims_recipe
from neurosieve.plan.nodes import Cell, Node, StudyPlan, canonical
from neurosieve.plan.recipes import Place, Recipes, Request
from neurosieve.plan.references import References
from neurosieve.plan.shadows import Shadows
from neurosieve.plan.shards import sharded
from neurosieve.plan.study import LoadedStudy, StepUse, TargetUse, Use, merge

DECIDER = "neurosieve.evaluation.claims.decide"
DERIVER = "neurosieve.evaluation.curve"
FORGET = {kind: f"selection.{kind.removesuffix('_file')}" for kind in ("where", "sample", "ids_file", "identified")}
"""Key of `forget:` -> the dataset component that chooses the rows."""
PAGE_NEEDS = {"question", "paper", "answer", "claims", "absent", "figures", "notes"}


class Planner:
    """Expands one study; shared prefixes are one node because equal recipes have equal keys."""

    def __init__(
        self, loaded: LoadedStudy, root: Path, source: Source, hashes: FileHashes, targets: list[str] | None
    ) -> None:
        self.loaded, self.study, self.source, self.wanted_targets = loaded, loaded.study, source, targets
        self.cells, self.references = Cells(loaded), References(loaded)
        self.plan = StudyPlan(loaded.slug, loaded.scale)
        self.recipes = Recipes(loaded, root, source, hashes, self.plan)
        self._made: dict[tuple[Any, ...], Node | None] = {}
        self._undrawn: set[str] = set()
        self.shadows = Shadows(loaded, self.recipes, self._model)

    def expand(self) -> StudyPlan:
        """The whole plan. Raises UserError at the first thing that cannot be planned, with its place."""
        self.cells.check_tree()
        self.references.check()
        for name in self.study.variants:
            seeds, points = self.cells.seeds(name), list(self.cells.points(name))
            if not points:
                message = f"variant '{name}' and those it is made from have no value of an axis in common (`only`)"
                raise self.loaded.error(message, "variants", name, "only")
            for point in points:
                for seed in seeds[:1] if self._replicates(name) else seeds:
                    self._add_cells(point, seed)
        self._add_studywide()
        self._add_verdict()
        return self.plan

    # -- cells --------------------------------------------------------------------------------------------------

    def _replicates(self, name: str) -> int | None:
        """Replicates of the variant or of what it is made from."""
        inherited = [self._replicates(other) for other in self.cells.parents(name)]
        return self.study.variants[name].replicates or next((n for n in inherited if n), None)

    def _add_cells(self, point: Point, seed: int) -> None:
        model, replicates = self._model(point, seed), self._replicates(point.variant)
        # a chain that draws nothing is one node for all seeds: one cell, paired with every seed
        cell_seed = seed if self.recipes.drawn[model.key] or replicates else None
        if cell_seed is None:
            if point.name in self._undrawn:
                return
            self._undrawn.add(point.name)
        for target, use in self._targets(point):
            if use and self._lacks(point, target, use):
                continue
            export = self._export(point, seed, model, target, use) if use else None
            metrics = tuple(self._evaluations(point, seed, model, export))
            own = (export.key,) if export else ()
            key = export.key if export else None
            self.plan.cells.append(Cell(point.name, cell_seed, target, model.key, key, own + metrics, replicates))

    def _targets(self, point: Point) -> Iterator[tuple[str, Use | None]]:
        yield "native", None
        for target in self.study.targets.get(point.variant, []):
            use = TargetUse(use=target) if isinstance(target, str) else target
            if use.at(point.axes) and (self.wanted_targets is None or use.use in self.wanted_targets):
                yield use.use, use

    def _lacks(self, point: Point, target: str, use: Use) -> bool:
        """Whether the target's runtime is not installed: it is left out; refused where the configuration names it."""
        place = ("targets", point.variant)
        missing = self.recipes.component("export", use.use, place).lacks
        if missing:
            names = ", ".join(missing)
            reason = f"needs {names}, not installed here: pip install {' '.join(missing)}"
            if self.wanted_targets is not None:
                raise self.loaded.error(f"target '{target}' {reason}", *place)
            variants = self.plan.lacking.setdefault(target, {"reason": reason, "variants": []})["variants"]
            variants += [] if point.name in variants else [point.name]
        return bool(missing)

    # -- nodes --------------------------------------------------------------------------------------------------

    def _dataset(self, point: Point, seed: int) -> Node:
        seed = self.shadows.study_seed(seed)
        memory = ("dataset", *sorted(point.axes.items()), seed)
        if memory not in self._made:
            raw = self.study.dataset.model_dump(exclude_none=True)
            for _, value in self.cells.axis_values(point):
                raw = merge(raw, value.dataset)
            raw = self._bound(raw, point, seed, ("dataset",))
            self._made[memory] = self._dataset_node(raw, seed, ("dataset",), self._title(point, seed))
        return _certain(self._made[memory])

    def _dataset_node(self, raw: Mapping[str, Any], seed: int, place: Place, title: str) -> Node:
        params = {key: value for key, value in raw.items() if key not in {"use", "of"}}
        component = self.recipes.component("datasets", raw["use"], place)
        inner = raw.get("of")
        of = self._dataset_node(inner, seed, (*place, "of"), title) if inner else None
        if (of is not None) != ("of" in component.arguments):
            wants = "needs a" if of is None else "takes no"
            raise self.loaded.error(f"{raw['use']} {wants} dataset under `of`", *place)
        inputs = {"of": of.key} if of else {}
        name = raw["use"].split(".")[-1].replace("_", "-")
        return self.recipes.node(Request("prepare", name, component, params, seed, inputs, place, title))

    def _selection(self, point: Point, seed: int, measured: bool = False) -> Node | None:
        """The node that chooses the rows to forget, None where nothing is forgotten; `measured`: for evaluations."""
        seed = self.shadows.study_seed(seed)
        forget, place = self.cells.forget(point, measured)
        memory = ("selection", canonical(forget), *sorted(point.axes.items()), seed)
        if memory not in self._made:
            self._made[memory] = self._selection_node(point, seed, forget, place)
        return self._made[memory]

    def _selection_node(self, point: Point, seed: int, forget: dict[str, Any] | None, place: Place) -> Node | None:
        if forget is None:
            return None
        kinds = [kind for kind in FORGET if kind in forget]
        if len(kinds) != 1:
            raise self.loaded.error(f"forget takes exactly one of {', '.join(FORGET)}", *place)
        params, dataset = self._bound(forget, point, seed, place), self._dataset(point, seed)
        if "ids_file" in params:
            params = self.recipes.asked(params, dataset, place)
        component = self.recipes.component("datasets", FORGET[kinds[0]], place)
        inputs = {"of": dataset.key}
        name = f"forget-{kinds[0].removesuffix('_file')}"
        title = self._title(point, seed)
        return self.recipes.node(Request("prepare", name, component, params, seed, inputs, place, title))

    def _model(self, point: Point, seed: int) -> Node:
        memory = ("model", point.name, seed)
        if memory not in self._made:
            training = self.study.variants[point.variant].from_ is None
            self._made[memory] = self._training(point, seed) if training else self._intervention(point, seed)
        return _certain(self._made[memory])

    def _training(self, point: Point, seed: int) -> Node:
        variant, place = self.study.variants[point.variant], ("variants", point.variant)
        model_use, train_use = _certain(variant.model), _certain(variant.train)
        inputs = {"data": self._dataset(point, seed).key}
        extra = self._left_out(point, seed)
        if variant.rows != "all":
            extra["rows"] = variant.rows
            inputs["selection"] = self._rows_selection(variant.rows, point, seed)
        model = self.recipes.component("models", model_use.use, (*place, "model"))
        params = self._params(point, seed, "model", model_use)
        checked = self.recipes.check(model, params, (*place, "model"))
        extra["model"] = {**model.recipe(), "params": checked.params, **checked.own}
        name = f"{model_use.use.split('.')[-1]}-{train_use.use.split('.')[-1]}".replace("_", "-")
        component = self.recipes.component("training", train_use.use, (*place, "train"))
        params = self._params(point, seed, "train", train_use)
        if component.given and (variant.rows != "all" or variant.without or variant.shards):
            message = (
                f"{train_use.use}: a file's weights stay what they are: only `rows: all`, no `without`, no `shards`"
            )
            raise self.loaded.error(message, *place, "rows")
        request = Request(
            "train", name, component, params, seed, inputs, (*place, "train"), self._title(point, seed),
            point.variant, self._replicates(point.variant), extra,
            always_draws=model.builds_at_random and not component.given,  # initial weights are drawn before training
        )  # fmt: skip
        return sharded(self.recipes, request, variant.shards) if variant.shards else self.recipes.node(request)

    def _left_out(self, point: Point, seed: int, *, exported: bool = False) -> dict[str, Any]:
        """`without` of a variant as part of a recipe: tags of the rows that neither its making nor its exports see."""
        return self.recipes.left_out(point.variant, self._dataset(point, seed), exported=exported)

    def _rows_selection(self, rows: str, point: Point, seed: int) -> str:
        place = ("variants", point.variant, "rows")
        if rows not in ("forget", "retain"):
            raise self.loaded.error(f"rows: '{rows}' is not one of all, retain, forget", *place)
        selection = self._selection(point, seed)
        if selection is None:
            raise self.loaded.error(f"rows: {rows}, but the study forgets nothing here", *place)
        return selection.key

    def _intervention(self, point: Point, seed: int) -> Node:
        variant = self.study.variants[point.variant]
        key, use = _certain(variant.step)
        place = ("variants", point.variant, key)
        base, checkpoint = split_checkpoint(_certain(variant.from_))
        parent = self._model(self._point_of(base, point), seed)
        inputs = {"data": self._dataset(point, seed).key, "model": parent.key}
        extra: dict[str, Any] = {"kind": key, **self._left_out(point, seed)}
        if checkpoint:
            self._check_checkpoint(parent, base, checkpoint, point.variant, "from")
            extra["checkpoint"] = checkpoint
        for index, other in enumerate(variant.with_):
            beside, kept = split_checkpoint(other)
            companion = self._model(self._point_of(beside, point), seed)
            self.recipes.refuse_seen(companion, beside, extra, place[:-1])
            inputs[f"with.{index}"] = companion.key
            if kept:
                self._check_checkpoint(companion, beside, kept, point.variant, "with")
                extra.setdefault("checkpoints", {})[f"with.{index}"] = kept
        component = self.recipes.component("interventions", use.use, place)
        self._add_selection(component, inputs, point, seed, place)
        params = self._params(point, seed, key, use)
        if use.choose:
            extra["choose"] = self._choose(component, params, use, inputs, point, seed, place)
        name = use.use.split(".")[-1].replace("_", "-")
        request = Request(
            "intervene", name, component, params, seed, inputs, place, self._title(point, seed),
            point.variant, self._replicates(point.variant), extra,
        )  # fmt: skip
        return self.recipes.node(request)

    def _choose(
        self, component: Component, params: Mapping[str, Any], use: StepUse, inputs: dict[str, str],
        point: Point, seed: int, place: Place,
    ) -> dict[str, Any]:  # fmt: skip
        """Every candidate is checked now; the evaluation that judges takes part in the key."""
        choose = _certain(use.choose)
        judge = self.recipes.component("evaluation", choose.by.use, (*place, "choose", "by", "use"))
        self._add_selection(judge, inputs, point, seed, place)
        for name, values in choose.among.items():
            for value in values:
                self.recipes.check(component, {**params, name: value}, (*place, "choose", "among", name))
        by = choose.by
        better = direction(by.metric)
        if better == "ref":
            raise self.loaded.error(f"choose: neither more nor less of '{by.metric}' is better", *place, "choose", "by")
        if by.rule != "best" and (selection := self._selection(point, seed)):
            inputs["selection"] = selection.key  # the judge must not see what is forgotten, whatever it declares
        return choose.recipe(better, judge.recipe())

    def _add_selection(
        self, component: Component, inputs: dict[str, str], point: Point, seed: int, place: Place, *,
        measured: bool = False,
    ) -> None:  # fmt: skip
        """Give the node the rows to forget if its component reads them."""
        if not component.views:
            return
        selection = self._selection(point, seed, measured)
        if selection is not None:
            inputs["selection"] = selection.key
        elif component.package == "interventions":
            views = " and ".join(component.views)
            raise self.loaded.error(f"{component.use} reads the {views} rows, but the study forgets nothing", *place)

    def _export(self, point: Point, seed: int, model: Node, target: str, use: Use) -> Node:
        place = ("targets", point.variant)
        component = self.recipes.component("export", use.use, place)
        inputs = {"data": self._dataset(point, seed).key, "model": model.key}
        self._add_selection(component, inputs, point, seed, place)
        params = self._bound(use.params, point, seed, place)
        title = f"{self._title(point, seed)}/{target}"
        extra = self._left_out(point, seed, exported=True)
        return self.recipes.node(Request("export", target, component, params, seed, inputs, place, title, extra=extra))

    def _evaluations(self, point: Point, seed: int, model: Node, export: Node | None) -> Iterator[str]:
        for index, use in enumerate(self.study.evaluate):
            place = ("evaluate", index)
            component = self.recipes.component("evaluation", use.use, place)
            wanted = point.variant in use.of if use.of is not None else not self._only_analysed(point.variant)
            if component.looks_at == "study" or not wanted:
                continue
            if export is not None and not component.targets:
                continue
            inputs = {"data": self._dataset(point, seed).key, "model": model.key}
            inputs |= {"export": export.key} if export else {}
            self._add_selection(component, inputs, point, seed, place, measured=True)
            params = self._bound(use.params, point, seed, place)
            inputs |= self.shadows.inputs(component, params, point, seed, place, export is None)
            title = self._title(point, seed) + (f"/{export.name}" if export else "")
            name, replicates = use.use.replace("_", "-"), self._replicates(point.variant)
            request = Request("evaluate", name, component, params, seed, inputs, place, title, replicates=replicates)
            yield self.recipes.node(request).key

    def _only_analysed(self, name: str) -> bool:
        """An analysis adds tensors and changes no output: nothing to measure unless an evaluation names it."""
        step = self.study.variants[name].step
        return step is not None and step[0] == "analysis"

    def _add_studywide(self) -> None:
        """Evaluations that look at every variant: one node per seed."""
        for index, use in enumerate(self.study.evaluate):
            place = ("evaluate", index)
            component = self.recipes.component("evaluation", use.use, place)
            for seed in self.study.seeds if component.looks_at == "study" else []:
                names = [name for name in use.of or self.study.variants if seed in self.cells.seeds(name)]
                points = [point for name in names for point in self.cells.points(name)]
                if not points:
                    continue
                inputs = {"data": self._dataset(points[0], seed).key}
                inputs |= {f"model.{point.name}": self._model(point, seed).key for point in points}
                self._add_selection(component, inputs, points[0], seed, place, measured=True)
                title, name = f"{self.loaded.slug}/all/{seed}", use.use.replace("_", "-")
                request = Request("evaluate", name, component, use.params, seed, inputs, place, title)
                self.plan.studywide[self.recipes.node(request).key] = seed

    def _add_verdict(self) -> None:
        check_figures(self.loaded)
        recipe, self.plan.grid = claims_recipe(self.loaded, self.cells, self.plan)
        recipe |= self.source.fingerprint(DECIDER).recipe()
        recipe["derived"] = self.source.code(DERIVER)
        metrics = [key for cell in self.plan.cells for key in cell.metrics] + list(self.plan.studywide)
        recipe["cells"] = canonical([[c.variant, c.seed, c.target, *c.metrics] for c in self.plan.cells])
        recipe["studywide"] = list(self.plan.studywide)
        title, inputs = f"{self.loaded.slug}/verdict", tuple(dict.fromkeys(metrics))
        node = self.plan.add("verdict", self.loaded.slug, recipe, inputs, title, self.recipes.asks("verdict"))
        self.plan.verdict = node.key
        self.plan.settings = self.study.model_dump(mode="json", include=PAGE_NEEDS)
        self.plan.settings["absent"] |= recipe["absent"]
        self.plan.settings["evaluations"] = {use.use: use.params for use in self.study.evaluate}
        self.plan.settings |= certified(self.loaded, self.plan)

    # -- parts --------------------------------------------------------------------------------------------------

    def _params(self, point: Point, seed: int, block: str, use: Use) -> dict[str, Any]:
        """Parameters of a variant's block: as written, then the axes' `set:`, then the sweep's values, bound.

        `alpha` (or `train.epochs`) names a parameter of the step (or the training), `model.width` one of the model.
        """
        params = use.params
        swept = {f"{point.variant}.{name}": point.sweep[name] for name in self.study.variants[point.variant].sweep}
        for name, value in {**self.cells.settings(point), **swept}.items():
            variant, rest = self.references.split_setting(name)
            owner, _, param = rest.rpartition(".")
            if variant == point.variant and (owner == block or (owner == "" and block != "model")):
                params = {**params, param: value}
        return self._bound(params, point, seed, ("variants", point.variant, block))

    def _bound(self, params: Mapping[str, Any], point: Point, seed: int, place: Place) -> dict[str, Any]:
        bound = self.cells.bindings(point, self.shadows.study_seed(seed))
        try:
            return substitute(dict(params), bound)
        except UserError as error:
            raise self.loaded.error(str(error), *place) from None

    def _point_of(self, name: str, point: Point) -> Point:
        """The point of a variant that this point's variant is made from."""
        return Point(name, point.axes, {axis: point.sweep[axis] for axis in self.cells.sweep(name)})

    def _title(self, point: Point, seed: int) -> str:
        return f"{self.loaded.slug}/{point.name}/{seed}"

    def _check_checkpoint(self, parent: Node, base: str, checkpoint: str, variant: str, key: str) -> None:
        kept = [f"e{epoch}" for epoch in parent.recipe["params"].get("checkpoints", [])]
        if checkpoint not in kept:
            names = ", ".join(kept) or "none"
            message = f"variant '{variant}': '{base}' keeps no checkpoint '{checkpoint}'; it keeps: {names}"
            raise self.loaded.error(message, "variants", variant, key)


def _certain(value: Any) -> Any:
    """The value of an optional that the study's schema guarantees here."""
    if value is None:
        raise UserError("the plan met a variant that its schema should have refused")
    return value
