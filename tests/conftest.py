"""What tests share: pictures, generators, and real data where there are any."""

import os
import uuid
from pathlib import Path

import deepjscc.threads

deepjscc.threads.limit_threads(1)  # tests run side by side; also those in processes of their own

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402


@pytest.fixture
def draws() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def coffee() -> torch.Tensor:
    """A real photograph, 400x600, as 8 bits."""
    from deepjscc.data.samples import sample_path
    from deepjscc.images import read_image

    return read_image(sample_path("coffee"))


@pytest.fixture
def picture(tmp_path: Path, coffee: torch.Tensor) -> Path:
    """A small photograph on disk."""
    path = tmp_path / "picture.png"
    Image.fromarray(coffee[:, 100:180, 200:296].permute(1, 2, 0).numpy()).save(path)
    return path


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets; skips the test where there is none."""
    root = os.environ.get("DEEPJSCC_DATA")
    if not root or not (Path(root) / "kodak").is_dir():
        pytest.skip("no real data in $DEEPJSCC_DATA")
    return Path(root)


@pytest.fixture
def fake_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random bytes in the layout of CIFAR-10, taken for the real set."""
    from deepjscc.data import cifar10

    folder = tmp_path / cifar10.FOLDER
    folder.mkdir()
    generator = np.random.default_rng(0)
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", 20)
    for split, names in cifar10.FILES.items():
        pixels = []
        for name in names:
            records = generator.integers(0, 256, (20, cifar10.RECORD), dtype=np.uint8)
            records[:, 0] %= 10
            records.tofile(folder / name)
            pixels.append(records[:, 1:])
        monkeypatch.setitem(cifar10.FINGERPRINTS, split, cifar10.fingerprint(np.concatenate(pixels)))
    monkeypatch.setenv("DEEPJSCC_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def rates_on_disk(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which slow codecs keep what they coded during one test, not the user's."""
    from deepjscc.digital.codecs import rates

    folder = tmp_path_factory.getbasetemp() / f"rates-{uuid.uuid4().hex}"
    monkeypatch.setattr(rates, "rates_folder", lambda: folder)
    return folder


@pytest.fixture
def fake_stereo(tmp_path: Path, coffee: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small pairs, the right view moved by 6 pixels, where the test and training pairs lie."""
    for part in ("train", "test"):
        for view, shift in (("image_2", 0), ("image_3", 6)):
            folder = tmp_path / "stereo" / part / view
            folder.mkdir(parents=True)
            for index in range(2):
                left = 150 * index + shift
                window = coffee[:, 60:164, left : left + 112].permute(1, 2, 0).numpy()
                Image.fromarray(window).save(folder / f"{index:03d}.png")
    monkeypatch.setenv("DEEPJSCC_DATA", str(tmp_path))
    return tmp_path
