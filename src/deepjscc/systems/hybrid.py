"""The hybrid: a digital base layer, an analog layer superposed on it, and a coarse digital layer for poor channels.

    image ─► codec ─► base ─► channel code ──────────┐ sqrt(1 - a)
      │        │                                     (+)─► symbols
      └──►(-)◄─┘ residual ─► residual code ──────────┘ sqrt(a)

An analog code loses much to the spread of the variances of an image. Those of the residual vary less, so the analog
layer costs little at the design SNR and improves the image above it (Skoglund, Phamdo, Alajaji 2006; Wang, Alajaji,
Linder 2009). The receiver decodes the base with the analog layer as noise, subtracts it, and estimates the residual. If
the base is lost, the receiver shows the coarse layer, which arrives far below the design SNR.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from deepjscc.channels import Channel
from deepjscc.digital.codecs.base import LevelCodec
from deepjscc.digital.codecs.coarse import encode_coarse
from deepjscc.digital.coding import Coding, PlannedCode, fit_code
from deepjscc.digital.fine_ldpc import FineLDPC
from deepjscc.images import to_8bit
from deepjscc.models import BlockCode
from deepjscc.models.block_code.estimated_error import ROUNDING
from deepjscc.models.residual_code import ResidualCode
from deepjscc.symbols import channel_uses
from deepjscc.systems.analog_spreading import spread
from deepjscc.systems.hybrid_choice import BACK_OFF_DB, HybridExpectation, choose_layout
from deepjscc.systems.hybrid_options import DEFAULT_OPTIONS, FLOOR_DB, HybridOptions
from deepjscc.systems.hybrid_payload import BASE_OVERHEAD, Base, join_encoded, pack_coarse
from deepjscc.systems.hybrid_plan import (
    ANALOG_ONLY,
    COARSE_STEP,
    HEADER_BYTES,
    MOST_COARSE,
    HybridHeader,
    share_db,
    snr_index,
)
from deepjscc.systems.hybrid_receiver import HybridReceiver
from deepjscc.threads import side_by_side
from deepjscc.types import (
    Decoded,
    DigitalLayer,
    Encoded,
    ErrorOverRatio,
    IdealCode,
    Image8,
    Images,
    LinkPlan,
    Received,
    Size,
)

HEADER_SNRS_DB = (0.0, -10.0)  # where the header may arrive: a short code and a long one, told apart by their checks
LEAST_PER_HEADER = 4  # channel uses of an image without a base for each of its header
TOLD_AT_DB = 1.5  # above the design SNR, where receivers are told how their posterior error compares with the real one
SIDE_INFO_BYTES = 40  # of the residual's levels, for which room is kept in the base


class Hybrid:
    """Transmitter and receiver of the hybrid.

    Args:
        codec: source codec of the base.
        channel: the kind of channel that the transmitter plans for.
        coding: channel code of all digital layers.
        residual_code: analog code of the residual, the image minus the decoded base.
        analog: code of the whole image, which is used where the bandwidth is too small for a base.
        options: the user's options.
    """

    encoder_uses_snr = True
    default_ratio = 1 / 12

    def __init__(
        self,
        codec: LevelCodec,
        channel: Channel,
        coding: Coding,
        residual_code: ResidualCode,
        analog: BlockCode,
        options: HybridOptions = DEFAULT_OPTIONS,
    ) -> None:
        self.codec, self.channel, self.coding = codec, channel, coding
        self.residual_code, self.analog, self.options = residual_code, analog, options
        self._receiver = HybridReceiver(codec, residual_code, analog)

    @torch.no_grad()
    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Encode each image to a header, a coarse layer, a base, and an analog layer superposed on the base.

        Args:
            images: values in [0, 1], ``[batch, 3, height, width]``.
            plan: design SNR, bandwidth ratio, and the transmitter's knowledge of the channel.

        Returns:
            The analog symbols, ``[batch, uses]``, and the digital layers of each image.
        """
        ratio = self.default_ratio if plan.bandwidth_ratio is None else plan.bandwidth_ratio
        uses = channel_uses((images.shape[-2], images.shape[-1]), ratio)
        fixed = self.options.design_snr_db
        design = plan.design_snr_db if fixed is None else torch.full_like(plan.design_snr_db, fixed)
        each = zip(images.split(1), to_8bit(images), design.tolist(), strict=True)
        return join_encoded([self._encode_image(image, picture, snr_db, uses, plan) for image, picture, snr_db in each])

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode each image from the layers that arrived.

        Args:
            received: symbols, their noise variances, and the data of the digital layers, None where one was lost.
            size: height and width of the images.

        Returns:
            The images, ``[batch, 3, height, width]``; mid-grey where no layer arrived.

        Raises:
            DeepJSCCError: a header or a layer that no encoder made, or a base of another size.
        """
        found = [self._receiver.receive_image(received, index, size) for index in range(len(received.symbols))]
        images, layers, errors = zip(*found, strict=True)
        delivered = torch.tensor([bool(arrived) for arrived in layers])
        return Decoded(torch.cat(images), delivered, layers=layers, estimated_mse=torch.tensor(errors))

    def header_layer(self, header: HybridHeader) -> DigitalLayer:
        """The header as a digital layer, with the code of :meth:`header_codes` that its design SNR calls for."""
        code = self.header_codes()[0 if self._is_short(header.snr_index) else 1]
        return DigitalLayer(header.pack(), code, name="header")

    def _is_short(self, index: int) -> bool:
        """Whether the short code of the header suffices, because it arrives wherever the coarse layer does."""
        lowest_db = HybridHeader(0, index, 0).design_snr_db - max(self.options.floor_db, FLOOR_DB)
        return lowest_db >= HEADER_SNRS_DB[0]

    def header_codes(self) -> list[PlannedCode | IdealCode]:
        """The short and the long code of the header: LDPC codes of any rate where the layers have them, else ideal."""
        if not isinstance(self.coding, FineLDPC):
            return [IdealCode(1.0), IdealCode()]
        return [fit_code(self.coding, self.channel, 8 * HEADER_BYTES, snr_db) for snr_db in HEADER_SNRS_DB]

    def coarse_code(self, header: HybridHeader, uses: int) -> PlannedCode:
        """The code of the coarse layer, which transmitter and receiver both derive from the header.

        Args:
            header: header of the transmission.
            uses: complex channel uses of the whole transmission.
        """
        snr_db = header.design_snr_db - self.options.floor_db
        return self.coding.plan(max(1, int(header.coarse * COARSE_STEP * uses)), self.channel, snr_db)

    def base_code(self, header: HybridHeader, uses: int) -> PlannedCode:
        """The code of the base, which transmitter and receiver both derive from the header.

        Args:
            header: header of the transmission.
            uses: complex channel uses of the base.
        """
        snr_db = header.design_snr_db - self.options.margin_db
        return self.coding.plan(uses, self.channel, snr_db, header.analog_share)

    def _encode_image(self, image: Images, picture: Image8, snr_db: float, uses: int, plan: LinkPlan) -> Encoded:
        index = snr_index(snr_db)
        left = uses - self.header_layer(HybridHeader(0, index, 0)).uses
        if left <= 0:
            return self._encode_analog_only(image, index, uses, plan)
        # The coarse layer does not depend on the share; over an unknown channel its SNR is yet to be chosen.
        known = len(plan.snr_offsets_db) == 1
        chosen, early = side_by_side(
            lambda: self._choose(picture, snr_db, uses, left, plan.snr_offsets_db),
            lambda: self._encode_coarse(picture, index, uses) if known else None,
        )
        if chosen is None:
            return self._encode_analog_only(image, index, uses, plan)
        layout_index, share_index = chosen
        coarse = early if early and layout_index == index else self._encode_coarse(picture, layout_index, uses)
        encoded = self._encode_layers(picture, HybridHeader(share_index, layout_index, 0), coarse, uses)
        return encoded or self._encode_analog_only(image, index, uses, plan)

    def _encode_layers(
        self, picture: Image8, header: HybridHeader, coarse: tuple[bytes | None, int], uses: int
    ) -> Encoded | None:
        """Header, coarse layer, base and analog layer; None where the base does not fit after all."""
        data, coarse_uses = coarse
        header = replace(header, coarse=0 if data is None else MOST_COARSE)
        layers = [self.header_layer(header)]
        left = uses - layers[0].uses - coarse_uses
        if data is not None:
            layers.append(DigitalLayer(data, self.coarse_code(header, uses), name="coarse"))
        code = self.base_code(header, left)
        encoded = self._encode_base(picture, header, code, left)
        if encoded is None:
            return None
        base, symbols = encoded
        layers.append(DigitalLayer(base, code, superposed=True, name="base"))
        return Encoded(symbols, (tuple(layers),), (left,), (header.analog_share,))

    def _encode_base(
        self, picture: Image8, header: HybridHeader, code: PlannedCode, uses: int
    ) -> tuple[bytes, torch.Tensor] | None:
        """Encode the base and its residual as bytes and symbols ``[1, uses]`` of mean power 1; None if no base fits."""
        room, reserved = code.bits // 8 - BASE_OVERHEAD, SIDE_INFO_BYTES if header.share_index else 0
        while True:
            stream = self.codec.encode(picture, room - reserved)
            if stream is None:
                return None
            base = self.codec.decode(stream)
            residual = (picture.float() - base.float()) / 255
            if not header.share_index:
                alone = Base.alone(stream, float(residual.square().mean()))
                return alone.pack(), torch.zeros(1, uses, dtype=torch.complex64)
            statistics = self.residual_code.describe(residual, base)
            if len(statistics.side_info) <= room - self.codec.counted_bytes(stream):
                break
            reserved = max(len(statistics.side_info), reserved + 1)
        snr_db = header.design_snr_db + share_db(header.analog_share)
        modulated = self.residual_code.modulate(residual, base, statistics, uses, snr_db)
        reals, planned_snr = 2 * uses, 10 ** (snr_db / 10)
        snr = planned_snr * 10 ** (TOLD_AT_DB / 10)
        expected = self.residual_code.expected_error(statistics, reals, snr, planned_snr)
        posterior = self.residual_code.posterior_error(statistics, reals, snr, planned_snr, modulated.gain)
        packed = Base.with_analog(stream, statistics.side_info, modulated.gain_index, expected / max(posterior, 1e-12))
        return packed.pack(), spread(modulated.symbols)[None]

    def _choose(
        self, picture: Image8, design_snr_db: float, uses: int, left: int, offsets_db: tuple[float, ...]
    ) -> tuple[int, int] | None:
        """Choose the base's design SNR and the analog layer's share, as indices; None where no base fits.

        Args:
            picture: the image, 8 bits.
            design_snr_db: design SNR of the plan.
            uses: complex channel uses of the whole transmission.
            left: channel uses that remain behind the header.
            offsets_db: SNRs in dB, relative to the design SNR, that the channel may have, equally likely.
        """
        backed_off = BACK_OFF_DB if len(offsets_db) > 1 else (0.0,)
        indices = sorted({snr_index(design_snr_db + back_off) for back_off in backed_off})
        wanted, floor_db = self.options.analog_share, self.options.floor_db
        expectation = self._expect(picture, uses, left, indices)
        if expectation is None:
            return None
        return choose_layout(expectation, indices, design_snr_db, offsets_db, floor_db, wanted)

    def _expect(self, picture: Image8, uses: int, left: int, indices: Sequence[int]) -> HybridExpectation | None:
        """Expected errors of the layouts with these design SNRs; None where no use is left to the base."""
        left -= int(MOST_COARSE * COARSE_STEP * uses) if self.options.floor_db else 0
        if left <= 0:
            return None

        def room(index: int, share_index: int) -> int:
            return self._room(index, left, share_index)

        return HybridExpectation(picture, self.codec, self.residual_code, room, left, indices)

    @torch.no_grad()
    def expect_error(self, image: Images, plan: LinkPlan) -> ErrorOverRatio:
        """What the transmitter expects of one image whose base arrives.

        See :class:`deepjscc.systems.constant_quality.ExpectsError`.
        """
        picture, size = to_8bit(image)[0], (image.shape[-2], image.shape[-1])
        snr_db = float(plan.design_snr_db) if self.options.design_snr_db is None else self.options.design_snr_db
        index = snr_index(snr_db)
        analog = self.analog.expect_error(image, plan)

        def error(bandwidth_ratio: float) -> float | None:
            uses = channel_uses(size, bandwidth_ratio)
            left = uses - self.header_layer(HybridHeader(0, index, 0)).uses
            expectation = self._expect(picture, uses, left, [index]) if left > 0 else None
            layout = None
            if expectation is not None:
                floor_db, wanted = self.options.floor_db, self.options.analog_share
                layout = choose_layout(expectation, [index], snr_db, (0.0,), floor_db, wanted)
            if expectation is None or layout is None:
                return analog(max(left, 1) / image.numel())
            mse = expectation.mse(layout[0], layout[1], float(plan.design_snr_db))
            return None if mse is None else mse + (ROUNDING if layout[1] else 0.0)

        return error

    def _room(self, index: int, uses: int, share_index: int) -> int:
        """Number of bytes that a base on ``uses`` channel uses has for its codestream."""
        code = self.base_code(HybridHeader(share_index, index, 0), uses)
        return code.bits // 8 - BASE_OVERHEAD - (SIDE_INFO_BYTES if share_index else 0)

    def _encode_coarse(self, picture: Image8, index: int, uses: int) -> tuple[bytes | None, int]:
        """Encode the coarse layer and count its channel uses; None and 0 where it is turned off or does not fit."""
        if not self.options.floor_db:
            return None, 0
        header = HybridHeader(0, index, MOST_COARSE)
        code = self.coarse_code(header, uses)
        data = pack_coarse(encode_coarse(picture, code.bits // 8 - 2)) if code.bits >= 24 else None
        return (data, code.uses_of(data)) if data is not None else (None, 0)

    def _encode_analog_only(self, image: Images, index: int, uses: int, plan: LinkPlan) -> Encoded:
        """Encode the whole image by the analog code, because the bandwidth is too small for a base."""
        header = self.header_layer(HybridHeader(ANALOG_ONLY, index, 0))
        if header.uses * LEAST_PER_HEADER > uses:  # a real code has no header so short: an ideal one, as models have
            header = replace(header, code=IdealCode(1.0) if self._is_short(index) else IdealCode())
        ratio = max(uses - header.uses, 1) / image.numel()
        design = torch.full((1,), HybridHeader(0, index, 0).design_snr_db)
        encoded = self.analog.encode(image, LinkPlan(design, ratio, plan.margin_db))
        return Encoded(encoded.symbols, ((header, *encoded.digital[0]),), encoded.counts, (1.0,))
