"""Fig. 4 of S. Wang et al. 2022: a pair of pictures as several systems deliver it at 1 dB."""

from matplotlib.figure import Figure

from deepjscc.channels import AWGN
from deepjscc.data import PairSet, open_data
from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.pair import send_pair
from deepjscc.evaluation.single import Outcome
from deepjscc.images import to_picture
from deepjscc.papers.claims import Claim
from deepjscc.papers.measurements import Settings
from deepjscc.papers.plotting import save
from deepjscc.papers.wang2022.measurements import DATA, RATIO
from deepjscc.systems.names import make_system
from deepjscc.zoo import cards

AT_DB = 1.0
SCENE = 9  # of the 26 test pairs: houses, trees and cars beside a road
SYSTEMS = (
    *("distributed-joint", "distributed-alone", "distributed-joint-ms-ssim", "distributed-alone-ms-ssim"),
    *("jpeg2000+ideal", "hevc+ideal", "hevc+ldpc"),
)


def figure_4(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Left and right picture of one scene, a row a system."""
    pairs = open_data(DATA)
    assert isinstance(pairs, PairSet)
    left, right = (to_picture(view) for view in pairs[min(SCENE, len(pairs) - 1)])
    rows: dict[str, tuple[Outcome, Outcome]] = {}
    for name in SYSTEMS:
        if "+" in name or name in cards():
            try:
                system = make_system(name, AWGN(), bandwidth_ratio=RATIO if "+" in name else None, container=False)
                rows[name] = send_pair(left, right, system, (AT_DB, AT_DB))
            except DeepJSCCError as error:  # a codec that is not installed
                settings.on_progress(0, 1, str(error))
    figure = Figure(figsize=(9, 2.35 * (len(rows) + 1)), layout="constrained")
    axes = figure.subplots(len(rows) + 1, 2, squeeze=False)
    for place, picture, view in zip(axes[0], (left, right), ("left", "right"), strict=True):
        place.imshow(picture)
        place.set_title(f"{view}, sent", fontsize=9)
    for line, (name, outcomes) in zip(axes[1:], rows.items(), strict=True):
        for place, outcome in zip(line, outcomes, strict=True):
            place.imshow(outcome.picture)
            lost = "" if outcome.delivered else ", not delivered"
            place.set_title(f"{name}: {outcome.psnr_db:.1f} dB{lost}", fontsize=9)
    for place in axes.flat:
        place.set_axis_off()
    figure.suptitle(f"AWGN at {AT_DB:g} dB, both links; PSNR of each picture", fontsize=9)
    return [], save(figure, settings.output, "figure-4")
