"""Kodak: 24 uncompressed photographs of 768x512 and 512x768, the field's usual test set."""

import hashlib
import tempfile
from pathlib import Path

from deepjscc.data.base import ImageSet
from deepjscc.errors import DeepJSCCError
from deepjscc.images import read_image
from deepjscc.types import Image8

URL = "https://r0k.us/graphics/kodak/kodak/{name}"
NAMES = [f"kodim{i:02d}.png" for i in range(1, 25)]

# SHA-256 of the decoded pixels (height, width, colour), so that a re-saved PNG is as good as the original file.
PIXELS = {
    "kodim01.png": "a00210743353594464ac67e680a41710f484444ca5f9dfddeb570de25c428273",
    "kodim02.png": "ae5a495df4ec40e0941265440ccf98973915b4190ab803e37a23ca93dd43a07e",
    "kodim03.png": "234e61f585503f2a44400f5561131e8a512ef2c15328cd83d5cdbf10e2616cf2",
    "kodim04.png": "e88e788fca00e6c723bb66ff45edb8cb56091ee284dcb73e3909834f2c96eeb6",
    "kodim05.png": "ed3d1ee770909d3b27903b52ce19ee59a9bf24621a7bf1fb57b90677da880cb6",
    "kodim06.png": "7f45158999fa297d1cfbd292b3e2f3f5b27770701c3473155c211c3f512cc97f",
    "kodim07.png": "4e3664bf6fe865b49f15f7b554efa7dbecaf73ae0e8699f2e307bf07849f1264",
    "kodim08.png": "889c3740e4ed54ca53d11ae735a44d15fa24fe312b3bd1609a80618a4092c208",
    "kodim09.png": "f8453140e63a42301a6dbebb849a3cc40d34e4e59580eb1f372f7f5460df0dbe",
    "kodim10.png": "fabe11b5c4f028394e093a5b5907e5fabc8072da0d5334fb3a38547a7e1be842",
    "kodim11.png": "ab4dd9bf8431e717d33892b3ba03c63bfea3c7fa72c2610010de7df3c194c075",
    "kodim12.png": "f412db2168e599949aac26bd3264f111b23a684f30a21cfd320e9e95bc69bbae",
    "kodim13.png": "875703d56fb9396f478b5d7d3b18e2b77c17147a685c6dc2567e1c574aaf01e3",
    "kodim14.png": "2bd5029ee75ac1697542e5b05624e8afe186e3250abd7513d6a806b52084c2f0",
    "kodim15.png": "b5353e7511277009922ecbdebfc6418fec53aa1b2a08d44fc957a7540825697b",
    "kodim16.png": "ed21745fd32fce95cc2c6af7fc52b1b15e590c7a14ab18ab34bd65ecaf955ac7",
    "kodim17.png": "566bc866664e9b06dc86e2654051b454844efe17322dbf7e24156d8243f1943e",
    "kodim18.png": "3475af71066f3ca8206eb12cfc989ebe9c6e44820a96604e88ae018606e1f7bd",
    "kodim19.png": "7956408ef24222d37ac53f579bd24d5b2c3557b16c657e8b71c1b6ae9f18de1b",
    "kodim20.png": "666ce8f2db5566a123bb081e70618f6f4c4253df960f3b41bb9dcc3dd134f3cf",
    "kodim21.png": "2d6902daf7c4486b7c8c04d834091841a2b38c8f0c81cd7a963a6510b34a2a6a",
    "kodim22.png": "f430842120c108b67725ada96b8b7b2a914f6a0915eacd5595064c6c1a5d70a0",
    "kodim23.png": "81992a83592267e69125666f3e3e04c1819529b4c4c1e55fde0a6a741bac4219",
    "kodim24.png": "e3e3ccc3e795b82a3da66934409dfe98ce0f5aadc6d7767543c506453599bb98",
}


def open_kodak(root: Path) -> ImageSet:
    """The set from ``root/kodak/kodim01.png`` … ``kodim24.png``.

    Raises:
        DeepJSCCError: a picture is missing or its pixels are not Kodak's (the latter when it is read).
    """
    missing = [name for name in NAMES if not (root / "kodak" / name).is_file()]
    if missing:
        raise DeepJSCCError(
            f"{root / 'kodak'}: {len(missing)} of 24 Kodak pictures are missing ({missing[0]} …); set DEEPJSCC_DATA "
            "to the folder that holds kodak/, or run `deepjscc fetch kodak` where there is internet"
        )

    def read(index: int) -> Image8:
        image = read_image(root / "kodak" / NAMES[index])
        if pixel_hash(image) != PIXELS[NAMES[index]]:
            raise DeepJSCCError(f"{root / 'kodak' / NAMES[index]}: not the pixels of the Kodak set; fetch it again")
        return image

    return ImageSet("kodak", [name.removesuffix(".png") for name in NAMES], read)


def pixel_hash(image: Image8) -> str:
    """SHA-256 of the pixels in (height, width, colour) order."""
    return hashlib.sha256(image.permute(1, 2, 0).contiguous().numpy().tobytes()).hexdigest()


def fetch_kodak(root: Path) -> None:
    """Download the pictures; their pixels are checked here as at every read."""
    from deepjscc.fetch import download

    (root / "kodak").mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        with tempfile.TemporaryDirectory(dir=root / "kodak") as beside:
            path = download(URL.format(name=name), None, Path(beside), by_hand=root / "kodak" / name)
            if pixel_hash(read_image(path)) != PIXELS[name]:
                raise DeepJSCCError(f"{URL.format(name=name)}: not the pixels of the Kodak set; not kept")
            path.replace(root / "kodak" / name)
