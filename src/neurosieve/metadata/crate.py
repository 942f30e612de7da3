"""A study's run as an RO-Crate of the Workflow Run profiles (Process, Workflow and Provenance Run Crate 0.5).

The Snakefile is the workflow, a component's source file the instrument of each node's CreateAction, its inputs'
directories the objects, its own directory the result. Files are those of the project, at the same paths below the
crate; every file of a node carries the SHA-256 that its provenance records.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from neurosieve.artifacts.store import PROVENANCE, read_provenance
from neurosieve.metadata import terms
from neurosieve.plan.nodes import STAGES, Node, StudyPlan
from neurosieve.plan.project import Project

VERDICT = "src/neurosieve/jobs/verdict.py"


def write_crate(project: Project, plan: StudyPlan, folder: Path) -> int:
    """Write the crate of a complete study into a new folder; how many actions it has."""
    made = Crate(project, plan)
    made.fill()
    made.crate.write(folder)
    return len(made.actions) + 1


class Crate:
    """The crate while it is being filled."""

    def __init__(self, project: Project, plan: StudyPlan) -> None:
        from rocrate.rocrate import ROCrate

        self.project, self.plan = project, plan
        self.crate: Any = ROCrate(version="1.1")
        self.crate.metadata.extra_terms.update(terms.EXTRA)
        self.records = {key: read_provenance(project.store.path(node.folder)) for key, node in plan.nodes.items()}
        self.tools: dict[str, Any] = {}
        self.steps: dict[str, Any] = {}
        self.datasets: dict[str, Any] = {}
        self.actions: list[Any] = []

    def fill(self) -> None:
        """Everything, in the order in which it refers to what is there."""
        self._root()
        workflow = self._workflow()
        for key in _needs_first(self.plan):
            self._node(self.plan.nodes[key], workflow)
        workflow["hasPart"] = list(self.tools.values())
        workflow["step"] = [self.steps[stage] for stage in STAGES if stage in self.steps]
        self._run(workflow)

    def _root(self) -> None:
        root, settings = self.crate.root_dataset, self.plan.settings
        root["conformsTo"] = [self._add(profile) for profile in terms.profiles()]
        root["name"] = f"neurosieve study {self.plan.slug}"
        root["description"] = f"{settings['question']} All nodes of the study at scale {self.plan.scale}."
        root["datePublished"] = max(_ended(record) for record in self.records.values())
        root["license"] = self._licence()
        if paper := settings["paper"]:
            address = f"https://arxiv.org/abs/{paper['arxiv']}" if paper.get("arxiv") else "#paper"
            article = {"@id": address, "@type": "ScholarlyArticle", "name": paper["title"]}
            root["citation"] = self._add(article | ({"author": paper["authors"]} if paper.get("authors") else {}))

    def _licence(self) -> Any:
        """The licence that CITATION.cff names, else the file LICENSE, else that there is none."""
        citation = self.project.root / "CITATION.cff"
        named = re.search(r"^license: *(\S+)", citation.read_text(), re.M) if citation.is_file() else None
        if named:
            address = f"https://spdx.org/licenses/{named[1]}"
            return self._add({"@id": address, "@type": "CreativeWork", "name": named[1], "description": named[1]})
        if (self.project.root / "LICENSE").is_file():
            return self._file("LICENSE", "CreativeWork", name="LICENSE", description="The licence of the project.")
        words = "The project states no licence."
        return self._add({"@id": "#no-licence", "@type": "CreativeWork", "name": "no licence", "description": words})

    def _workflow(self) -> Any:
        source, types = self.project.root / "Snakefile", {"@type": terms.WORKFLOW}
        workflow = self.crate.add_workflow(source, "Snakefile", main=True, lang="snakemake", properties=types)
        workflow["programmingLanguage"]["version"] = _version("snakemake")
        workflow["name"] = "neurosieve"
        workflow["encodingFormat"] = "text/x-python"
        workflow["description"] = "prepare, train, intervene, export, evaluate, verdict, report"
        workflow["license"] = self.crate.root_dataset["license"]
        config = self.crate.add_formal_parameter(
            "study", "File", identifier="#input-study", valueRequired=True, description="The study's file."
        )
        scale = self.crate.add_formal_parameter(
            "scale", "Text", identifier="#input-scale", valueRequired=True, description="smoke, default or full."
        )
        verdicts = self.crate.add_formal_parameter(
            "verdicts", "Dataset", identifier="#output-verdicts", description="Verdicts and collected metrics."
        )
        for parameter in (config, scale, verdicts):
            parameter["conformsTo"] = {"@id": terms.FORMAL_PARAMETER}
        workflow["input"], workflow["output"] = [config, scale], verdicts
        return workflow

    def _node(self, node: Node, workflow: Any) -> None:
        record = self.records[node.key]
        self.datasets[node.key] = result = self._directory(node, record)
        objects = [self.datasets[key] for key in dict.fromkeys(node.inputs)]
        action = self.crate.add_action(
            self._tool(node),
            identifier=f"#action-{node.key}",
            object=[*objects, *self._parameters(node)],
            result=result,
            properties=self._timed(node.title or node.folder, f"{node.stage}: {node.title}", record),
        )
        self.actions.append(action)
        control = {"@id": f"#control-{node.key}", "@type": "ControlAction", "name": f"job of {node.title}"}
        self._add(control | {"instrument": {"@id": self._step(node.stage).id}, "object": {"@id": action.id}})

    def _timed(self, name: str, description: str, record: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": name,
            "description": description,
            "startTime": record["run"]["started"],
            "endTime": _ended(record),
            "actionStatus": "http://schema.org/CompletedActionStatus",
            **({"agent": {"@id": self._agent.id}} if self._agent else {}),
        }

    def _directory(self, node: Node, record: Mapping[str, Any]) -> Any:
        path = f"results/store/{node.folder}"
        about = terms.about(self.project.store.path(node.folder))
        properties = {"name": f"{node.name}-{node.key}", "description": f"{node.stage} of {node.title}", **about}
        directory = self.crate.add_dataset(dest_path=path, properties=properties)
        named = {**record["files"], **record["run"].get("files", {}), PROVENANCE: None}
        parts = [self._file(f"{path}/{name}", name=name, sha256=digest) for name, digest in named.items()]
        directory["hasPart"] = parts
        return directory

    def _file(self, path: str, *types: str, **properties: Any) -> Any:
        """A file of the project, at the same path in the crate."""
        source = self.project.root / path
        kept = {name: value for name, value in properties.items() if value is not None}
        kind = {"@type": ["File", *types]} if types else {}
        size = {"contentSize": str(source.stat().st_size), "encodingFormat": terms.encoding(source)}
        return self.crate.add_file(source, path, properties=kind | size | kept)

    def _tool(self, node: Node) -> Any:
        use = node.recipe.get("component", {}).get("use")
        path = f"src/neurosieve/{use.replace('.', '/').replace('-', '_')}.py" if use else VERDICT
        if path not in self.tools:
            self.tools[path] = self._file(
                path, "SoftwareSourceCode", name=use or "verdict", description=f"{node.stage}."
            )
        return self.tools[path]

    def _step(self, stage: str) -> Any:
        if stage not in self.steps:
            tool = next(self._tool(node) for node in self.plan.nodes.values() if node.stage == stage)
            position = str(STAGES.index(stage) + 1)
            step = {"@id": f"Snakefile#{stage}", "@type": "HowToStep", "name": stage, "position": position}
            self.steps[stage] = self._add(step | {"workExample": {"@id": tool.id}})
        return self.steps[stage]

    def _parameters(self, node: Node) -> Iterator[Any]:
        """Every parameter and the seed of a node; equal ones of a component are one entity."""
        use = node.recipe.get("component", {}).get("use", node.name)
        values = {**node.recipe.get("params", {}), "seed": node.recipe.get("seed")}
        for name, value in values.items():
            if value is not None:
                yield self._value(f"#{use}/{name}={value}", name, value)

    def _value(self, identifier: str, name: str, value: Any, **more: Any) -> Any:
        identifier = re.sub(r"[^\w#/=.,:-]", "_", identifier)
        plain = value if isinstance(value, (int, float, str)) else str(value)
        return self.crate.get(identifier) or self._add(
            {"@id": identifier, "@type": "PropertyValue", "name": name, "value": plain, **more}
        )

    def _run(self, workflow: Any) -> None:
        """The run of the workflow as a whole, and the engine that organised its jobs."""
        study = self._file(f"config/studies/{self.plan.slug}.yaml", name=f"{self.plan.slug}.yaml")
        study["exampleOfWork"] = {"@id": "#input-study"}
        scale = self._value("#scale", "scale", self.plan.scale, exampleOfWork={"@id": "#input-scale"})
        verdicts = self.datasets[self.plan.verdict]
        verdicts["exampleOfWork"] = {"@id": "#output-verdicts"}
        last = self.records[self.plan.verdict]
        first = min(record["run"]["started"] for record in self.records.values())
        properties = self._timed(f"study {self.plan.slug}", "All jobs of the study.", last) | {"startTime": first}
        action = self.crate.add_action(workflow, "#run", object=[study, scale], result=verdicts, properties=properties)
        engine = {"@id": "#snakemake", "@type": "SoftwareApplication", "name": "Snakemake"}
        engine |= {"softwareVersion": _version("snakemake"), "url": "https://snakemake.github.io"}
        controls = [{"@id": f"#control-{key}"} for key in self.plan.nodes]
        organised = {"@id": "#engine-run", "@type": "OrganizeAction", "name": "Snakemake", "object": controls}
        organised |= {"instrument": {"@id": self._add(engine).id}, "result": {"@id": action.id}}
        self._add(organised | {name: properties[name] for name in ("startTime", "endTime")})
        self.crate.root_dataset["mentions"] = [action, *self.actions]

    @cached_property
    def _agent(self) -> Any:
        """Who git says works here; nobody without git."""
        try:
            asked = ["git", "config", "user.name"]
            name = subprocess.run(asked, cwd=self.project.root, capture_output=True, text=True, check=False).stdout
        except OSError:
            return None
        return self._add({"@id": "#agent", "@type": "Person", "name": name.strip()}) if name.strip() else None

    def _add(self, entity: dict[str, Any]) -> Any:
        from rocrate.model.contextentity import ContextEntity

        rest = {name: value for name, value in entity.items() if name != "@id"}
        return self.crate.add(ContextEntity(self.crate, entity["@id"], properties=rest))


def _needs_first(plan: StudyPlan) -> list[str]:
    return list(dict.fromkeys(node.key for key in plan.nodes for node in plan.with_ancestors(key)))


def _ended(record: Mapping[str, Any]) -> str:
    run = record["run"]
    return (datetime.fromisoformat(run["started"]) + timedelta(seconds=run["seconds"])).isoformat(
        timespec="milliseconds"
    )


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)
