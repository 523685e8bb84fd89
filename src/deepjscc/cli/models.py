"""`deepjscc models`: what the zoo holds."""

from dataclasses import asdict

from deepjscc.cli.common import Json, print_json, print_table


def models(*, json: Json = False) -> None:
    """List the models of the zoo: what they are for and under what licence."""
    from deepjscc.zoo import cards

    if json:
        print_json([asdict(card) for card in cards().values()])
        return
    columns = ["name", "model", "bandwidth_ratio", "snr_db", "licence", "summary"]
    print_table(columns, [[getattr(card, name) for name in columns] for card in cards().values()])
