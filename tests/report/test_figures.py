"""The sheet of samples."""

import base64
import io
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from neurosieve.report import figures
from neurosieve.report.state import Samples

sites = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sites.py"))))


def test_samples_become_dark_ink_on_a_light_sheet():
    uri, width, height = figures.sprite(Samples(images=sites.images()[:3]))
    assert (width, height) == (3 * 16 - 2, 14)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    first = np.array(sites.images()[0])
    assert (sheet[:, :14] == 255 - first).all()
    assert (sheet[:, 14:16] == 255).all()
    assert figures.sprite(Samples()) is None
