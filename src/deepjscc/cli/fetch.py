"""`deepjscc fetch`: downloads data sets and checks them."""

from typing import Literal

from deepjscc.cli.common import Json, print_json


def fetch(data: Literal["kodak", "cifar10"], *, json: Json = False) -> None:
    """Download a data set into $DEEPJSCC_DATA (or the user's cache folder), and check its pixels.

    Args:
        data: Name of the data set.
    """
    from deepjscc.data import FETCHERS, data_root, open_data

    FETCHERS[data](data_root())
    count = len(open_data(data))
    print_json({"data": data, "images": count, "folder": str(data_root())}) if json else print(
        f"{data}: {count} images"
    )
