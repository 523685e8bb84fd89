"""Gap to capacity of `ldpc-fine`, and with --simulate what its code blocks really lose and how fast they are decoded.

python benchmarks/ldpc_gap.py [--uses 50000] [--simulate MESSAGES]
"""

import argparse
import math
import time

import torch

from deepjscc.digital.fine import CodePlan, decode, encode, error_probability, plan_code

SINRS_DB = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)


def main() -> None:
    """Print one row for each SINR."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uses", type=int, default=50_000)
    parser.add_argument("--simulate", type=int, default=0, help="messages to send at each SINR")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| SINR dB | message bits | bits a use | gap to capacity dB | constellation | code rate | code blocks |")
    print("|---|---|---|---|---|---|---|")
    for sinr_db in SINRS_DB:
        plan = plan_code(arguments.uses, sinr_db)
        rate = plan.message_bits / plan.uses
        gap_db = sinr_db - 10 * math.log10(2**rate - 1)
        name = f"{4**plan.modulation.bits_per_axis} points{', shaped' if plan.shaped else ''}"
        blocks = f"{plan.code_blocks} of {plan.block_bits} bits"
        print(
            f"| {sinr_db:g} | {plan.message_bits} | {rate:.3f} | {gap_db:.2f} | {name} | {plan.rate:.3f} | {blocks} |",
            flush=True,
        )
        if arguments.simulate:
            simulate(plan, sinr_db, arguments.simulate)


def simulate(plan: CodePlan, sinr_db: float, messages: int) -> None:
    """Send messages at the SINR of the plan and print how many arrive, and how fast they are decoded."""
    arrived, seconds, n0 = 0, 0.0, 10 ** (-sinr_db / 10)
    for seed in range(messages):
        draws = torch.Generator().manual_seed(seed)
        bits = torch.randint(0, 2, (plan.message_bits,), generator=draws)
        noise = n0**0.5 * torch.randn(plan.uses, dtype=torch.complex64, generator=draws)
        received = encode(bits, plan) + noise
        started = time.process_time()
        arrived += decode(received, torch.full((plan.uses,), n0), plan)[1]
        seconds += time.process_time() - started
    print(
        f"    {arrived} of {messages} arrived, planned {1 - error_probability(plan, sinr_db):.3f}; decoded "
        f"{plan.message_bits * messages / seconds / 1e6:.2f} Mbit of the message a second of one core",
        flush=True,
    )


if __name__ == "__main__":
    main()
