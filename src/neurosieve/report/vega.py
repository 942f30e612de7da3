"""`assets/vega.js`: Vega, Vega-Lite and their embedding as one classic script, made once and kept."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path


def write_bundle(path: Path, cache: Path | None = None) -> None:
    """Write the script to `path`; with a folder `cache`, what an earlier run made there is copied."""
    kept = cache / f"vega-{version('vl-convert-python')}.js" if cache else None
    if kept is not None and kept.is_file():
        path.write_bytes(kept.read_bytes())
        return
    import vl_convert

    # modules are blocked where pages open from disk: a classic script that keeps its names to itself
    text = "(()=>{" + vl_convert.javascript_bundle() + "})();\n"  # pyrefly: ignore[missing-argument]
    path.write_text(text, encoding="utf-8", newline="\n")
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside = kept.with_name(f".{kept.name}.{os.getpid()}")
        aside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(aside, kept)
