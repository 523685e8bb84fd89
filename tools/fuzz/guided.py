"""Coverage-guided fuzzing of the parsers of what anybody may send; needs `pip install atheris`.

    python tools/fuzz/guided.py metadata -max_total_time=600 out/corpus-metadata

What follows the name of the parser are options of libFuzzer. An input must be parsed, or be refused with a
:class:`deepjscc.errors.DeepJSCCError`; anything else ends the run, and libFuzzer keeps the input.
"""

import sys
import tempfile
from binascii import crc_hqx
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris
import torch

with atheris.instrument_imports(include=["deepjscc"]):
    from deepjscc.digital.codecs.coarse import decode_coarse
    from deepjscc.errors import DeepJSCCError
    from deepjscc.models import BlockCode
    from deepjscc.models.block_code.class_map import decode_map
    from deepjscc.models.block_code.header import Header, MeanColour
    from deepjscc.radio import iq_file
    from deepjscc.radio.frame_header import FrameHeader
    from deepjscc.systems.hybrid_payload import Base, unpack_coarse
    from deepjscc.systems.hybrid_plan import HybridHeader, _crc8
    from deepjscc.training import recipe
    from deepjscc.zoo import load

PLACE = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))


def metadata(data: bytes) -> None:
    """The metadata of a recording."""
    path = PLACE / "x.sigmf-meta"
    path.write_bytes(data)
    iq_file._read_metadata(path)


def recipes(data: bytes) -> None:
    """A recipe."""
    path = PLACE / "r.toml"
    path.write_bytes(data)
    recipe.read_recipe(path)


def header(data: bytes) -> None:
    """A frame's header with a right checksum."""
    body = data[: FrameHeader.BYTES - 2].ljust(FrameHeader.BYTES - 2, b"\0")
    found = FrameHeader.unpack(body + crc_hqx(body, 0).to_bytes(2, "big"))
    assert FrameHeader.unpack(found.pack()) == found


def class_map(data: bytes) -> None:
    """A class map, whose size comes with it."""
    if len(data) < 2:
        return
    model = load("linear")
    assert isinstance(model, BlockCode)
    rows, columns = 1 + data[0] % 24, 1 + data[1] % 24
    classes = decode_map(data[2:], rows, columns, model.neighbours)
    assert classes.shape == (rows, columns)
    assert 0 <= int(classes.min()) <= int(classes.max()) < model.classes


def hybrid(data: bytes) -> None:
    """A hybrid's header, base and coarse layer."""
    body = data[:2].ljust(2, b"\0")
    found = HybridHeader.unpack(body + bytes([_crc8(body)]))
    assert HybridHeader.unpack(found.pack()) == found
    for parse in (Header.unpack, MeanColour.unpack, Base.unpack):
        with suppress(DeepJSCCError):
            parse(data[2:])
    decode_coarse(unpack_coarse(data[2:]), (1 + body[0] % 48, 1 + body[1] % 48))


PARSERS: dict[str, Callable[[bytes], None]] = {
    "metadata": metadata,
    "recipe": recipes,
    "header": header,
    "class-map": class_map,
    "hybrid": hybrid,
}


def main() -> None:
    """Fuzz the parser named first; the options behind are libFuzzer's."""
    torch.set_num_threads(1)
    parse = PARSERS[sys.argv[1]]

    def one_input(data: bytes) -> None:
        with suppress(DeepJSCCError):
            parse(data)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
