"""`deepjscc models`: what the zoo holds, family by family."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from fractions import Fraction
from typing import TYPE_CHECKING

from deepjscc.cli.common import Json, print_json, print_table
from deepjscc.errors import UsageError

if TYPE_CHECKING:
    from deepjscc.zoo import Card

MANY = 8  # a larger family is listed without what each of its models is, unless it is asked for by name


def models(family: str | None = None, *, json: Json = False) -> None:
    """List the models of the zoo by family: bandwidth ratio, SNR in training, and the licence of the weights.

    Args:
        family: One family, such as cnn. If it is not given, all families are listed.
    """
    from deepjscc.zoo import cards

    families: dict[str, list[Card]] = {}
    for card in cards().values():
        families.setdefault(card.model, []).append(card)
    if family is not None and family not in families:
        raise UsageError(f"no family {family!r} in the zoo; there are {', '.join(families)}")
    shown = [family] if family is not None else sorted(families, key=lambda name: (len(families[name]) > MANY, name))
    if json:
        print_json([asdict(card) for name in shown for card in families[name]])
        return
    for number, name in enumerate(shown):
        members = sorted(families[name], key=lambda card: _in_parts(card.name))
        if number:
            print()
        print(f"{name}: {len(members)} {'model' if len(members) == 1 else 'models'}")
        compact = family is None and len(members) > MANY
        heads = ["name", "ratio", "snr_db", "licence", *([] if compact else ["what it is"])]
        rows = [
            [
                card.name,
                short_ratio(card.bandwidth_ratio),
                card.snr_db,
                short_licence(card.licence),
                *([] if compact else [card.summary]),
            ]
            for card in members
        ]
        print_table(heads, rows)
        if compact:
            print(f"What each of them is: deepjscc models {name}")


def short_ratio(text: str) -> str:
    """A bandwidth ratio in lowest terms, as 1/6 for 512/3072.

    >>> short_ratio("512/3072"), short_ratio("up to 1/2")
    ('1/6', 'up to 1/2')
    """
    return re.sub(r"\d+/\d+", lambda match: str(Fraction(match[0])), text)


def short_licence(text: str) -> str:
    """The licence's identifiers alone, or the words before an explanation in parentheses.

    >>> short_licence("CC-BY-NC-SA-3.0 (KITTI: non-commercial); photographs CC-BY-SA-4.0")
    'CC-BY-NC-SA-3.0, CC-BY-SA-4.0'
    >>> short_licence("research use (CIFAR-10 has no formal licence)")
    'research use'
    """
    identifiers: Iterable[str] = dict.fromkeys(re.findall(r"CC-BY[\w.-]*\d", text))
    return ", ".join(identifiers) or text.partition("(")[0].strip()


def _in_parts(name: str) -> list[tuple[int, str]]:
    """For sorting: numbers in a name by their value."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
