"""S. Wang et al.: Distributed image transmission using deep joint source-channel coding (ICASSP 2022).

KITTI stereo, 128x256, ratio 0.052. Digital links send each view alone, with ideal codes (an envelope) or 5G LDPC; HEVC
intra stands for BPG, which is the same coding in another container. MS-SSIM is the variant with window 7, as the
standard one needs 161 pixels a side.
"""

from dataclasses import replace
from itertools import pairwise

from matplotlib.axes import Axes

from deepjscc.evaluation.report import COLOURS
from deepjscc.papers.claims import Claim, Margin, Report, judge, within
from deepjscc.papers.measurements import Part, Settings, run_parts
from deepjscc.papers.plotting import BY_IMAGE, SNR_LABEL, describe, one_axes, row_of_axes, save
from deepjscc.papers.wang2022.measurements import (
    ALL_VIEWS,
    FAST_RAYLEIGH,
    MS_SSIM,
    PSNR,
    SNRS,
    STRANGERS,
    ViewMeasurements,
    digital,
    learned,
)
from deepjscc.papers.wang2022.pictures import figure_4

LINKS = ("jpeg2000+ideal", "hevc+ideal", "hevc+ldpc")
OFFSETS_DB = (0.0, 5.0, 10.0, float("inf"))
WORDS = {0.0: "y's link as good", 5.0: "y's link 5 dB better", 10.0: "10 dB better", float("inf"): "y without noise"}
X = ("left",)
LABELS = {PSNR: "PSNR [dB]", MS_SSIM: "MS-SSIM, window 7"}
UNITS = {PSNR: " dB", MS_SSIM: ""}
NOTHING = "no trained models at hand"
ALIKE_DB = 0.3


def run(settings: Settings) -> Report:
    """Make Figs. 3 and 4 from the zoo's weights and check the claims.

    Raises:
        DeepJSCCError: the test pairs are not there, or the folder cannot be written.
    """
    parts: dict[Part, int] = {
        figure_3ab: 120,
        figure_3c: 40,
        figure_3d: 45,
        strangers: 10,
        around_linear: 60,
        not_built: 1,
        figure_4: 15,
    }
    return run_parts(settings, parts)


def figure_3ab(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Quality over SNR, both links alike, AWGN; beside it the noiseless side information and digital links."""
    claims, files = list[Claim](), list[str]()
    for name, column in (("figure-3a", PSNR), ("figure-3b", MS_SSIM)):
        joint, alone = (learned(settings, kind, column) for kind in ("joint", "alone"))
        bound = learned(settings, "joint", column, right_offset_db=float("inf"))
        links = {system: digital(settings, system) for system in LINKS}
        figure, axes = one_axes()
        if joint is not None and bound is not None:
            _draw(axes, bound.means(column, X), "x, joint, y without noise", 3, "--")
            for view, style in (("left", "-"), ("right", ":")):
                _draw(axes, joint.means(column, (view,)), f"{'x' if view == 'left' else 'y'}, joint", 0, style)
        if alone is not None:
            _draw(axes, alone.means(column), "each alone", 1)
        for index, (system, rows) in enumerate(links.items()):
            if rows is not None:
                _draw(axes, *_where_delivered(rows, column, system), index + 4, "-.")
        _describe(axes, column, "test pairs, AWGN, ratio 0.052")
        files += save(figure, settings.output, name)
        claims += [gains(joint, alone, column, "AWGN"), upper_bound(bound, joint, column)]
        if column == PSNR:
            claims.append(views_alike(joint))
        claims += [against(joint, links[system], system, column) for system in LINKS]
    return claims, files


def figure_3c(settings: Settings) -> tuple[list[Claim], list[str]]:
    """One image's quality as the other's link gets better."""
    claims, (figure, places) = list[Claim](), row_of_axes(2)
    for axes, column in zip(places, (PSNR, MS_SSIM), strict=True):
        curves = [learned(settings, "joint", column, right_offset_db=offset) for offset in OFFSETS_DB]
        alone = learned(settings, "alone", column)
        for index, (rows, offset) in enumerate(zip(curves, OFFSETS_DB, strict=True)):
            if rows is not None:
                _draw(axes, rows.means(column, X), f"x, {WORDS[offset]}", (0, 2, 5, 3)[index])
        if alone is not None:
            _draw(axes, alone.means(column, X), "x alone", 1)
        _describe(axes, column, "x over the SNR of its own link, AWGN")
        claims.append(rises(curves, column))
    return claims, save(figure, settings.output, "figure-3c")


def figure_3d(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The same models over fast Rayleigh fading, gains known to the receiver.

    One draw a pair: it holds thousands of gains.
    """
    claims, (figure, places) = list[Claim](), row_of_axes(2)
    for axes, column in zip(places, (PSNR, MS_SSIM), strict=True):
        joint, alone = (learned(settings, kind, column, **FAST_RAYLEIGH) for kind in ("joint", "alone"))
        bound = learned(settings, "joint", column, right_offset_db=float("inf"), **FAST_RAYLEIGH)
        if joint is not None and alone is not None and bound is not None:
            _draw(axes, bound.means(column, X), "x, joint, y without noise", 3, "--")
            _draw(axes, joint.means(column), "joint", 0)
            _draw(axes, alone.means(column), "each alone", 1)
        _describe(axes, column, "fast Rayleigh fading, CSI at the receiver")
        claims.append(gains(joint, alone, column, "fast Rayleigh fading"))
    return claims, save(figure, settings.output, "figure-3d")


def gains(joint: ViewMeasurements | None, alone: ViewMeasurements | None, column: str, over: str) -> Claim:
    """Joint decoding is better than each alone at every SNR."""
    ours, margins = NOTHING, list[Margin]()
    if joint is not None and alone is not None:
        found = joint.minus(alone, column)
        ours = f"joint minus alone: {_by_snr(found, column)}"
        margins = found
    paper = "an apparent gain over decoding each alone at every SNR (here: by two standard errors)"
    return Claim(f"joint decoding gains, {over}, {_name(column)}", paper, ours, judge(margins))


def upper_bound(bound: ViewMeasurements | None, joint: ViewMeasurements | None, column: str) -> Claim:
    """The other image without noise is the best side information."""
    ours, margins = NOTHING, list[Margin]()
    if bound is not None and joint is not None:
        found = bound.minus(joint, column, X)
        ours = f"x with y noiseless, minus x with both noisy: {_by_snr(found, column)}"
        margins = found
    paper = "side information without noise is the upper bound, at every SNR"
    return Claim(f"the asymmetric case, {_name(column)}", paper, ours, judge(margins))


def views_alike(joint: ViewMeasurements | None) -> Claim:
    """Both images come out alike at equal SNR."""
    ours, margins = NOTHING, list[Margin]()
    if joint is not None:
        apart = joint.left_minus_right(PSNR)
        ours = f"PSNR of x minus that of y: {_by_snr(apart, PSNR)}"
        margins = within(ALIKE_DB, apart)
    paper = f"almost identical at equal SNR (here: within {ALIKE_DB} dB)"
    return Claim("both images come out alike", paper, ours, judge(margins))


def rises(curves: list[ViewMeasurements | None], column: str) -> Claim:
    """One image's quality rises with the quality of the other's link."""
    ours, margins = NOTHING, list[Margin]()
    known = [rows for rows in curves if rows is not None]
    if len(known) == len(OFFSETS_DB):
        steps = [after.minus(before, column, X) for before, after in pairwise(known)]
        words = ("0 to 5", "5 to 10", "10 dB to no noise")
        ours = "x gains " + "; ".join(
            f"{min(step)[0]:.{_digits(column)}f} to {max(step)[0]:.{_digits(column)}f}{UNITS[column]} (Δ {word})"
            for step, word in zip(steps, words, strict=True)
        )
        margins = [margin for step in steps for margin in step]
    paper = "performance improves with the quality of side information, at every SNR"
    return Claim(f"better side information, better image, {_name(column)}", paper, ours, judge(margins))


def against(joint: ViewMeasurements | None, link: ViewMeasurements | None, system: str, column: str) -> Claim:
    """Joint decoding against a digital link that sends each view alone."""
    paper, at = {
        ("hevc+ideal", PSNR): ("BPG + capacity: better at low SNR, worse at high SNR", SNRS[:2]),
        ("hevc+ldpc", PSNR): ("BPG + LDPC performs worse", SNRS),
        ("jpeg2000+ideal", PSNR): ("JPEG2000 + capacity: better at low SNR", SNRS[:2]),
    }.get((system, column), ("better in terms of MS-SSIM, at every SNR", SNRS))
    ours, margins = "not measured", list[Margin]()
    if joint is not None and link is not None:
        found = dict(zip(SNRS, joint.minus(link, column), strict=True))
        ours = f"joint minus {system}: {_by_snr(list(found.values()), column)}"
        margins = [found[snr] for snr in at]
    where = f" (verdict: at {at[0]:g} to {at[-1]:g} dB)"
    return Claim(f"joint against {system}, {_name(column)}", paper + where, ours, judge(margins))


def strangers(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Where the gain comes from: the joint model with a right image of another scene."""
    ours, margins = NOTHING, list[Margin]()
    joint, alone = (learned(settings, kind, PSNR) for kind in ("joint", "alone"))
    if joint is not None and alone is not None:
        apart = learned(settings, "joint", PSNR, data=STRANGERS)
        assert apart is not None
        lost, left = joint.minus(apart, PSNR, X), apart.minus(alone, PSNR, X)
        ours = f"x loses {_by_snr(lost, PSNR)}; what is left over alone: {_by_snr(left, PSNR)}"
        margins = lost
    claim = "beyond the paper: the right image from another scene, PSNR"
    return [Claim(claim, "(the gain comes from what both images show)", ours, judge(margins))], []


def around_linear(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Beyond the paper: curves and claims of the pair code around the linear code, in PSNR."""
    joint, alone = (learned(settings, f"linear-{kind}", PSNR) for kind in ("joint", "alone"))
    curves = [learned(settings, "linear-joint", PSNR, right_offset_db=offset) for offset in OFFSETS_DB]
    faded, faded_alone = (learned(settings, f"linear-{kind}", PSNR, **FAST_RAYLEIGH) for kind in ("joint", "alone"))
    links = {system: digital(settings, system) for system in LINKS}
    figure, axes = one_axes()
    lines = (
        ("x, joint, y without noise", curves[-1], X, 3, "--"),
        ("joint, around the linear code", joint, ALL_VIEWS, 0, "-"),
        ("each alone, around the linear code", alone, ALL_VIEWS, 1, "-"),
        ("the paper's form, joint", learned(settings, "joint", PSNR), ALL_VIEWS, 2, ":"),
    )
    for label, rows, views, colour, style in lines:
        if rows is not None:
            _draw(axes, rows.means(PSNR, views), label, colour, style)
    for index, (system, link) in enumerate(links.items()):
        if link is not None:
            _draw(axes, *_where_delivered(link, PSNR, system), index + 4, "-.")
    _describe(axes, PSNR, "test pairs, AWGN, ratio 0.052, side information included")
    claims = [
        gains(joint, alone, PSNR, "AWGN"),
        upper_bound(curves[-1], joint, PSNR),
        views_alike(joint),
        rises(curves, PSNR),
        gains(faded, faded_alone, PSNR, "fast Rayleigh fading"),
        *(against(joint, link, system, PSNR) for system, link in links.items()),
    ]
    claims = [replace(claim, claim=f"around the linear code: {claim.claim}") for claim in claims]
    return claims, save(figure, settings.output, "around-linear")


def not_built(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The learned codecs with side information, which are not in the package."""
    paper = "competitive with it, side information without noise"
    return [Claim(f"against {name} + capacity", paper, "not built") for name in ("DSIN", "DWSIC")], []


def _by_snr(found: list[Margin], column: str) -> str:
    """Values with their standard errors, from the lowest to the highest SNR."""
    digits = _digits(column)
    values = ", ".join(f"{value:+.{digits}f} ± {error:.{digits}f}" for value, error in found)
    return f"{values}{UNITS[column]} at {SNRS[0]:g} to {SNRS[-1]:g} dB"


def _digits(column: str) -> int:
    return 2 if column == PSNR else 4


def _name(column: str) -> str:
    return "PSNR" if column == PSNR else "MS-SSIM"


def _draw(axes: Axes, values: list[float], label: str, colour: int, style: str = "-") -> None:
    axes.plot(SNRS, values, style, color=COLOURS[colour], marker="o", markersize=4, label=label)


def _where_delivered(rows: ViewMeasurements, column: str, system: str) -> tuple[list[float], str]:
    """A digital link's curve without the SNRs at which pictures were lost, and a label that names those."""
    delivered = [share == 1 for share in rows.means("delivered")]
    values = [v if arrived else float("nan") for v, arrived in zip(rows.means(column), delivered, strict=True)]
    lost = ", ".join(f"{snr:g}" for snr, arrived in zip(SNRS, delivered, strict=True) if not arrived)
    return values, f"{system}, pictures lost at {lost} dB" if lost else system


def _describe(axes: Axes, column: str, title: str) -> None:
    describe(axes, SNR_LABEL, title, BY_IMAGE, LABELS[column])
