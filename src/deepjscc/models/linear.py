"""`linear`: the closed-form analog code. Block KLT, blocks in classes, powers water-filled, LMMSE receiver."""

from typing import ClassVar

from deepjscc.models.block_code.code import BlockCode


class Linear(BlockCode):
    """The block code without networks: any image size, SNR and bandwidth ratio up to 1/2 from one basis.

    Args:
        block: side of the blocks in pixels.
        classes: number of classes of blocks that the map tells apart.
    """

    kind: ClassVar[str] = "linear"

    def __init__(self, block: int = 16, classes: int = 16) -> None:
        super().__init__(block, classes)
