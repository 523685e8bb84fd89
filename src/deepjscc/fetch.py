"""Downloads, by checksum, with one clear line where there is no network."""

from pathlib import Path

from deepjscc.errors import DeepJSCCError


def download(url: str, known_hash: str | None, folder: Path) -> Path:
    """Fetch a file into a folder, unless it is there with this checksum.

    Raises:
        DeepJSCCError: no network, no permission, or a checksum that differs.
    """
    import pooch  # takes a quarter of a second

    pooch.get_logger().setLevel("WARNING")  # its word on every download is not the one line of ours
    name = url.rsplit("/", 1)[-1]
    try:
        return Path(pooch.retrieve(url, known_hash, fname=name, path=folder, progressbar=False))
    except ValueError as error:  # pooch's word for a checksum that differs
        raise DeepJSCCError(f"{url}: {error}") from None
    except Exception as error:  # whatever the network library below pooch raises
        raise DeepJSCCError(
            f"{url}: cannot be fetched ({type(error).__name__}); fetch it by hand into {folder / name}"
        ) from None
