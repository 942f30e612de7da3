"""Words of RO-Crate: profiles, terms that its context lacks, media types, what a dataset says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurosieve.artifacts.dataset import DatasetInfo

FORMAL_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
WORKFLOW = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
EXTRA = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
_RUN = "https://w3id.org/ro/wfrun"
_PROFILES = (
    (f"{_RUN}/process/0.5", "Process Run Crate", "0.5"),
    (f"{_RUN}/workflow/0.5", "Workflow Run Crate", "0.5"),
    (f"{_RUN}/provenance/0.5", "Provenance Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
_MEDIA = {
    ".arrow": "application/vnd.apache.arrow.file",
    ".csv": "text/csv",
    ".json": "application/json",
    ".onnx": "application/octet-stream",
    ".parquet": "application/vnd.apache.parquet",
    ".py": "text/x-python",
    ".yaml": "application/yaml",
}


def profiles() -> list[dict[str, Any]]:
    """The profiles that a crate conforms to, as entities."""
    return [{"@id": at, "@type": "CreativeWork", "name": name, "version": version} for at, name, version in _PROFILES]


def encoding(path: Path) -> str:
    """Media type by the end of the name."""
    return _MEDIA.get(path.suffix, "text/plain" if not path.suffix else "application/octet-stream")


def about(folder: Path) -> dict[str, str]:
    """Licence and origin of a dataset's directory; nothing for any other node."""
    path = folder / "dataset.json"
    if not path.is_file():
        return {}
    info = DatasetInfo.model_validate_json(path.read_text())
    return {"license": info.licence, "disambiguatingDescription": f"{info.name}: {info.origin} data, {info.source}"}
