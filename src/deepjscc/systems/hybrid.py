"""The hybrid: a digital base under a superposed analog layer, with a coarse digital layer against the cliff.

    image ─► codec ─► base ─► channel code ──────────┐ sqrt(1 - a)
      │        │                                     (+)─► symbols
      └──►(-)◄─┘ residual ─► residual code ──────────┘ sqrt(a)

The base flattens the spread of variances that an analog code suffers from; the analog layer carries what the base left,
costs next to nothing at the design SNR and gains above it (Skoglund, Phamdo, Alajaji 2006; Wang, Alajaji, Linder 2009).
The receiver decodes the base with the analog layer as noise, subtracts it, and estimates the residual. A base that
failed is never shown or subtracted; then the coarse layer is, which arrives far below the design SNR.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from deepjscc.channels import Channel
from deepjscc.digital.codecs.base import LevelCodec
from deepjscc.digital.codecs.coarse import decode_coarse, encode_coarse
from deepjscc.digital.coding import Coding, PlannedCode, fit_code
from deepjscc.digital.fine_ldpc import FineLDPC
from deepjscc.errors import DeepJSCCError
from deepjscc.images import to_8bit, to_float
from deepjscc.models import BlockCode
from deepjscc.models.block_code.estimated_error import ROUNDING
from deepjscc.models.residual_code import ResidualCode
from deepjscc.symbols import channel_uses
from deepjscc.systems.analog_spreading import despread, spread
from deepjscc.systems.hybrid_choice import BACK_OFF_DB, HybridExpectation, choose_layout
from deepjscc.systems.hybrid_options import FLOOR_DB, HybridOptions
from deepjscc.systems.hybrid_payload import BASE_OVERHEAD, Base, join_encoded, pack_coarse, unpack_coarse
from deepjscc.systems.hybrid_plan import (
    ANALOG_ONLY,
    COARSE_STEP,
    HEADER_BYTES,
    MOST_COARSE,
    HybridHeader,
    snr_index,
)
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
SIDE_INFO_BYTES = 40  # of the residual's levels, for which room is kept in the base


class Hybrid:
    """Transmitter and receiver of the hybrid.

    Args:
        codec: source codec of the base.
        channel: the kind of channel that the transmitter plans for.
        coding: channel code of all digital layers.
        residual_code: the analog code of what the base leaves.
        analog: the code of the whole image where the bandwidth holds no base.
        options: what a user asks for; None: nothing.
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
        options: HybridOptions | None = None,
    ) -> None:
        self.codec, self.channel, self.coding = codec, channel, coding
        self.residual_code, self.analog, self.options = residual_code, analog, options or HybridOptions()

    @torch.no_grad()
    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Encode each image: header, coarse layer, base, and the analog layer superposed on the base."""
        ratio = self.default_ratio if plan.bandwidth_ratio is None else plan.bandwidth_ratio
        uses = channel_uses((images.shape[-2], images.shape[-1]), ratio)
        fixed = self.options.design_snr_db
        design = plan.design_snr_db if fixed is None else torch.full_like(plan.design_snr_db, fixed)
        each = zip(images.split(1), to_8bit(images), design.tolist(), strict=True)
        return join_encoded([self._encode_image(image, picture, snr_db, uses, plan) for image, picture, snr_db in each])

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode each image from the layers that arrived."""
        found = [self._receive_image(received, index, size) for index in range(len(received.symbols))]
        images, layers, errors = zip(*found, strict=True)
        delivered = torch.tensor([bool(arrived) for arrived in layers])
        return Decoded(torch.cat(images), delivered, layers=layers, estimated_mse=torch.tensor(errors))

    def header_layer(self, header: HybridHeader) -> DigitalLayer:
        """The header as a digital layer: ideally coded like every header, or with a family that has short codes."""
        code = self.header_codes()[0 if self._is_short(header.snr_index) else 1]
        return DigitalLayer(header.pack(), code, name="header")

    def _is_short(self, index: int) -> bool:
        """Whether the header needs only its short code: it arrives wherever the coarse layer may."""
        lowest_db = HybridHeader(0, index, 0).design_snr_db - max(self.options.floor_db, FLOOR_DB)
        return lowest_db >= HEADER_SNRS_DB[0]

    def header_codes(self) -> list[PlannedCode | IdealCode]:
        """The codes that a header may have: ideal ones, or those of a family that has short codes."""
        if not isinstance(self.coding, FineLDPC):
            return [IdealCode(1.0), IdealCode()]
        return [fit_code(self.coding, self.channel, 8 * HEADER_BYTES, snr_db) for snr_db in HEADER_SNRS_DB]

    def coarse_code(self, header: HybridHeader, uses: int) -> PlannedCode:
        """The coarse layer's code, as both ends derive it."""
        snr_db = header.design_snr_db - self.options.floor_db
        return self.coding.plan(max(1, int(header.coarse * COARSE_STEP * uses)), self.channel, snr_db)

    def base_code(self, header: HybridHeader, uses: int) -> PlannedCode:
        """The base's code, as both ends derive it from the header.

        Args:
            header: of the transmission.
            uses: that the base has.
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
        """The base's bytes and the analog symbols ``[1, uses]``, of mean power 1; None where no base fits."""
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
        snr_db = header.design_snr_db + _db(header.analog_share)
        modulated = self.residual_code.modulate(residual, base, statistics, uses, snr_db)
        reals, snr = 2 * uses, 10 ** (snr_db / 10)
        expected = self.residual_code.expected_error(statistics, reals, snr)
        posterior = self.residual_code.posterior_error(statistics, reals, snr, modulated.gain)
        packed = Base.with_analog(stream, statistics.side_info, modulated.gain_index, expected / max(posterior, 1e-12))
        return packed.pack(), spread(modulated.symbols)[None]

    def _choose(
        self, picture: Image8, design_snr_db: float, uses: int, left: int, offsets_db: tuple[float, ...]
    ) -> tuple[int, int] | None:
        """Indices of the base's design SNR and of the analog layer's share; None where no base fits.

        Args:
            picture: the image.
            design_snr_db: of the plan.
            uses: of the whole transmission.
            left: of them, what the header leaves.
            offsets_db: of the channel's possible SNRs against the design SNR.
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
        """Bytes that a base has for its codestream."""
        code = self.base_code(HybridHeader(share_index, index, 0), uses)
        return code.bits // 8 - BASE_OVERHEAD - (SIDE_INFO_BYTES if share_index else 0)

    def _encode_coarse(self, picture: Image8, index: int, uses: int) -> tuple[bytes | None, int]:
        """The coarse layer's bytes and uses; None and 0 where it is turned off or nothing fits."""
        if not self.options.floor_db:
            return None, 0
        header = HybridHeader(0, index, MOST_COARSE)
        code = self.coarse_code(header, uses)
        data = pack_coarse(encode_coarse(picture, code.bits // 8 - 2)) if code.bits >= 24 else None
        return (data, code.uses_of(data)) if data is not None else (None, 0)

    def _encode_analog_only(self, image: Images, index: int, uses: int, plan: LinkPlan) -> Encoded:
        """The whole image by the analog code, where the bandwidth holds no base."""
        header = self.header_layer(HybridHeader(ANALOG_ONLY, index, 0))
        if header.uses * LEAST_PER_HEADER > uses:  # a real code has no header so short: an ideal one, as models have
            header = replace(header, code=IdealCode(1.0) if self._is_short(index) else IdealCode())
        ratio = max(uses - header.uses, 1) / image.numel()
        design = torch.full((1,), HybridHeader(0, index, 0).design_snr_db)
        encoded = self.analog.encode(image, LinkPlan(design, ratio, plan.margin_db))
        return Encoded(encoded.symbols, ((header, *encoded.digital[0]),), encoded.counts, (1.0,))

    def _receive_image(self, received: Received, index: int, size: Size) -> tuple[Images, tuple[str, ...], float]:
        """The best picture of what arrived, the names of the layers that it is made of, and its estimated error.

        The error follows from the posterior variances of the analog layer and from what they miss at the design SNR,
        which the base tells; a base alone tells its own error; that of the coarse layer is not known (NaN).
        """
        data, nothing = received.digital[index], torch.full((1, 3, *size), 0.5)
        if data[0] is None:
            return nothing, (), math.nan
        header = HybridHeader.unpack(data[0])
        here = slice(index, index + 1)
        count = received.counts[index] if received.counts else received.symbols.shape[1]
        symbols, noise = received.symbols[here, :count], received.noise_variance[here, :count]
        if header.share_index == ANALOG_ONLY:
            alone = Received(symbols, noise, None, received.snr_db[here], (data[1:],), (count,))
            decoded = self.analog.receive(alone, size)
            known = decoded.estimated_mse
            return decoded.images, ("analog",), math.nan if known is None else float(known)
        if data[-1] is not None:
            base = Base.unpack(data[-1])
            picture = self.codec.decode(base.stream)
            if picture.shape[1:] != size:
                raise DeepJSCCError("the base of a hybrid transmission is a picture of another size")
            image = to_float(picture)
            if not header.share_index:
                return image, ("base",), base.mse
            snr_db = header.design_snr_db + _db(header.analog_share)
            analog, analog_noise = despread(symbols[0], noise[0])
            estimate = self.residual_code.estimate(analog, analog_noise, picture, base.side_info, base.gain, snr_db)
            mse = float(estimate.error_variance.mean()) * base.error_ratio + ROUNDING
            return (image + estimate.residual[None]).clamp(0, 1), ("base", "analog"), mse
        if header.coarse and data[1] is not None:
            return to_float(decode_coarse(unpack_coarse(data[1]), size)), ("coarse",), math.nan
        return nothing, (), math.nan


def _db(share: float) -> float:
    return 10 * torch.tensor(share).double().log10().item()
