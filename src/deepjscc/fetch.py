"""Downloads, by checksum, with one clear line where there is no network."""

from pathlib import Path

from deepjscc.errors import DeepJSCCError


def download(url: str, known_hash: str | None, folder: Path, by_hand: Path | None = None) -> Path:
    """Fetch a file into a folder, unless it is there with this checksum.

    Args:
        url: the file.
        known_hash: its checksum; None checks nothing.
        folder: where it goes.
        by_hand: where a user should put the file if the download fails; None is its place in ``folder``.

    Raises:
        DeepJSCCError: no network, no permission, or a checksum that differs.
    """
    import pooch  # takes a quarter of a second

    pooch.get_logger().setLevel("WARNING")  # it logs every download otherwise
    name = url.rsplit("/", 1)[-1]
    try:
        return Path(pooch.retrieve(url, known_hash, fname=name, path=folder, progressbar=False))
    except ValueError as error:  # a checksum that differs
        raise DeepJSCCError(f"{url}: {error}") from None
    except Exception as error:  # whatever the network library below pooch raises
        raise DeepJSCCError(
            f"{url}: cannot be fetched ({type(error).__name__}); "
            f"download it by hand and put it at {by_hand or folder / name}"
        ) from None
