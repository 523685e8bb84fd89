"""The radio's numbers: `python benchmarks/radio.py WHAT [--count N] [--data NAME]`; `--help` lists WHAT.

SNRs are those of a symbol after the matched filter. The receiver knows the format of the waveform and nothing else.
"""

import argparse
import os
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from deepjscc.channels import AWGN
from deepjscc.data import open_data
from deepjscc.errors import DeepJSCCError
from deepjscc.images import to_8bit, to_float
from deepjscc.metrics import psnr
from deepjscc.radio.events import FrameStarted, HeaderLost, Reception, receptions
from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.receiver import Receiver
from deepjscc.radio.transmitter import picture_burst, shape_frame
from deepjscc.radio.waveform_config import WaveformConfig
from deepjscc.seeds import generator
from deepjscc.systems import Link
from deepjscc.zoo import load

SNRS_DB = (0.0, 10.0, 20.0)
PULSE = Pulse()


def receive(samples: np.ndarray) -> list[Reception | HeaderLost]:
    """Every frame and every lost header of a recording."""
    receiver = Receiver(PULSE)
    return list(receptions([*receiver.push(samples), *receiver.flush()]))


def receive_one(samples: np.ndarray) -> Reception:
    """The only frame of a recording."""
    (frame,) = receive(samples)
    assert isinstance(frame, Reception)
    return frame


def quality(model: str, data: str, count: int) -> None:
    """PSNR over the whole chain beside the link of ideal symbols; the transmitter knows the SNR."""
    pictures, decoder, ratio = open_data(data), PictureDecoder(), 1 / 8
    print(f"{model}, {count} pictures of {data}, ratio 1/8, mean PSNR in dB: ideal link; radio minus ideal")
    for waveform in Waveform:
        for snr_db in SNRS_DB:
            ideal, plain, moved = [], [], []
            for index in range(count):
                image = pictures[index]
                draws = np.random.default_rng([index, int(snr_db)])
                link = Link(load(model), AWGN(), bandwidth_ratio=ratio)
                at = torch.tensor([snr_db])
                sent = link.transmit(to_float(image), at, generator=generator("radio", index, snr_db))
                ideal.append(quality_of(to_8bit(sent.images)[0], image))
                config = WaveformConfig(PULSE, waveform)
                burst = picture_burst(image, model, config, snr_db, ratio)
                samples = np.pad(burst.samples, 4000)
                channel = Impairments(snr_db)
                cfo, phase = draws.choice([-0.005, 0.005]), draws.uniform(0, 2 * np.pi)
                for into, by in (
                    (plain, channel),
                    (moved, replace(channel, cfo=cfo, delay=draws.uniform(), phase=phase)),
                ):
                    frame = receive_one(impair(samples, by, PULSE, config.amplitude, draws))
                    into.append(quality_of(decoder.decode(frame).image, image))
            radio, worst = np.array(plain) - ideal, np.array(moved) - ideal
            print(
                f"{waveform.name.lower():15} {snr_db:4.0f} dB: ideal {np.mean(ideal):.2f}; radio {radio.mean():+.3f} "
                f"(+- {radio.std() / count**0.5:.3f}); with CFO 0.5%, delay and phase {worst.mean():+.3f} "
                f"(+- {worst.std() / count**0.5:.3f})",
                flush=True,
            )


FAULTS = {
    "none": Impairments(),
    "DC offset -20 dB": Impairments(dc_db=-20.0),
    "DC offset -6 dB": Impairments(dc_db=-6.0),
    "I/Q imbalance 1 dB, 5 degrees": Impairments(iq_gain_db=1.0, iq_phase_deg=5.0),
    "spur -20 dB": Impairments(spur_db=-20.0, spur_frequency=0.1),
    "spur -30 dB": Impairments(spur_db=-30.0, spur_frequency=0.1),
    "spur -10 dB": Impairments(spur_db=-10.0, spur_frequency=0.1),
}


def faults(model: str, data: str, count: int) -> None:
    """PSNR with each fault of a receiver minus that without, on the same noise; the transmitter knows the SNR."""
    pictures, decoder, config = open_data(data), PictureDecoder(), WaveformConfig(PULSE)
    print(f"{model}, {count} pictures of {data}, ratio 1/8, mean PSNR in dB minus that of a receiver without faults")
    for snr_db in SNRS_DB:
        results: dict[str, list[float]] = {name: [] for name in FAULTS}
        for index in range(count):
            burst = picture_burst(pictures[index], model, config, snr_db, 1 / 8)
            samples = np.pad(burst.samples, 4000)
            for name, fault in FAULTS.items():
                by, draws = replace(fault, snr_db=snr_db, cfo=0.002, delay=0.3), np.random.default_rng(index)
                frame = receive_one(impair(samples, by, PULSE, config.amplitude, draws))
                results[name].append(quality_of(decoder.decode(frame).image, pictures[index]))
        for name, values in results.items():
            print(f"{snr_db:4.0f} dB, {name}: {np.mean(np.array(values) - results['none']):+.3f}", flush=True)


def peaks(model: str, data: str, count: int) -> None:
    """Peaks and overhead with and without spreading, and what spreading and clipping cost over white noise."""
    pictures, decoder, ratio = open_data(data), PictureDecoder(), 1 / 12
    for waveform in Waveform:
        default = WaveformConfig(PULSE, waveform)
        configs = {
            "in order, not clipped": replace(default, spread=False, papr_db=None),
            "in order, clipped at 8 dB": replace(default, spread=False, papr_db=8.0),
            "spread, not clipped": replace(default, papr_db=None),
            "spread, clipped at 10.5 dB (default)": default,
            "spread, clipped at 8 dB": replace(default, papr_db=8.0),
        }
        for snr_db in SNRS_DB:
            for name, config in configs.items():
                rows = []
                for index in range(count):
                    burst = picture_burst(pictures[index], model, config, snr_db, ratio)
                    draws = np.random.default_rng([index, 1])
                    samples = np.pad(burst.samples, 4000)
                    frame = receive_one(impair(samples, Impairments(snr_db), PULSE, config.amplitude, draws))
                    quality = quality_of(decoder.decode(frame).image, pictures[index])
                    rows.append((quality, burst.report["papr_db"], burst.report["bandwidth_ratio_on_air"]))
                mean = np.mean(rows, axis=0)
                print(
                    f"{waveform.name.lower():15} {snr_db:4.0f} dB, {name}: PSNR {mean[0]:.3f} dB, peak-to-average "
                    f"{max(row[1] for row in rows):.1f} dB at most, ratio on the air {mean[2]:.4f} for {ratio:.4f}",
                    flush=True,
                )


def quality_of(image: torch.Tensor, original: torch.Tensor) -> float:
    """PSNR of an 8-bit picture."""
    return psnr(to_float(image), to_float(original)).item()


def small_frame(sequence: int = 0) -> np.ndarray:
    """Samples of a frame of 480 symbols, power 1 before noise."""
    draws = np.random.default_rng(sequence)
    symbols = (draws.standard_normal((480, 2)) / 2**0.5).astype(np.float32).view(np.complex64)[:, 0]
    header = FrameHeader(sequence, "0123456789ab", 64, 64, 480, b"abc", blocks=32)
    return shape_frame(header, symbols, b"", WaveformConfig(PULSE, amplitude=1.0))[0]


def header(count: int, snr_db: float) -> None:
    """Frames missed, or with a header that could not be read, of random offset up to 1%, delay and phase."""
    frame, errors = np.pad(small_frame(7), 3000), 0
    for trial in range(count):
        draws = np.random.default_rng(trial)
        by = Impairments(snr_db, draws.uniform(-0.01, 0.01), draws.uniform(0, 1000), draws.uniform(0, 2 * np.pi))
        frames = receive(impair(frame, by, PULSE, 1.0, draws))
        errors += not any(isinstance(one, Reception) and one.header.sequence == 7 for one in frames)
        if (trial + 1) % 500 == 0:
            print(f"header at {snr_db:g} dB: {errors} errors in {trial + 1} frames", flush=True)


def noise(count: int) -> None:
    """Frames and lost headers in noise alone."""
    receiver, draws, chunk = Receiver(PULSE), np.random.default_rng(0), 1 << 20
    events, start = [], time.perf_counter()
    for _ in range(-(-count // chunk)):
        samples = draws.standard_normal((chunk, 2), dtype=np.float32).view(np.complex64)[:, 0]
        events += receiver.push(samples)
    frames = sum(isinstance(one, FrameStarted) for one in events)
    seconds = time.perf_counter() - start
    print(
        f"{receiver.samples:.3g} samples of noise: {frames} frames, {receiver.lost_headers} preambles; {seconds:.0f} s"
    )


def fuzz(count: int) -> None:
    """Frames of either waveform with runs of samples replaced, scaled, turned and moved, and random ones: no crash.

    A decoded header must be the one that was sent.
    """
    decoder, headers, lost, wrong, pictures = PictureDecoder(), 0, 0, 0, 0
    for trial in range(count):
        draws = np.random.default_rng(trial)
        symbols = (draws.standard_normal((960, 2)) / 2**0.5).astype(np.float32).view(np.complex64)[:, 0]
        header = FrameHeader(trial % 256, "0123456789ab", 64, 64, 960, b"abc", 0, 0, Waveform(trial % 2))
        samples = np.pad(shape_frame(header, symbols, b"", WaveformConfig(PULSE, amplitude=1.0))[0], 1000)
        if trial % 10 == 0:
            samples = samples[draws.permutation(len(samples))]
        for _ in range(draws.integers(1, 8)):
            first, length = draws.integers(0, len(samples)), draws.integers(1, 20_000)
            part = samples[first : first + length]
            match draws.integers(6):
                case 0:
                    part[:] = draws.standard_normal((len(part), 2)).view(np.complex128)[:, 0]
                case 1:
                    part *= 10 ** draws.uniform(-6, 14)
                case 2:
                    part[:] = part[::-1]
                case 3:
                    part[:] = np.roll(part, draws.integers(1, 1000))
                case 4:
                    part[:] = draws.choice([np.nan, np.inf, 0, 1e20, 3])
                case 5:
                    part *= np.exp(1j * draws.uniform(-3, 3) * np.arange(len(part)))
        for one in receive(samples):
            lost += isinstance(one, HeaderLost)
            if isinstance(one, Reception):
                headers += 1
                wrong += one.header != header
                try:
                    decoder.decode(one)
                    pictures += 1
                except DeepJSCCError:
                    pass
        if (trial + 1) % 500 == 0:
            print(
                f"{trial + 1} mutated frames: {headers} headers decoded, {wrong} of them wrong, {lost} lost, "
                f"{pictures} pictures of a model that does not exist",
                flush=True,
            )


def speed() -> None:
    """Samples a second of the receiver, without decoding pictures: noise, one long frame, small frames."""
    draws = np.random.default_rng(0)
    symbols = (draws.standard_normal((200_000, 2)) / 2**0.5).astype(np.float32).view(np.complex64)[:, 0]
    long, _ = shape_frame(
        FrameHeader(0, "0123456789ab", 512, 768, 200_000), symbols, b"", WaveformConfig(PULSE, amplitude=1.0)
    )
    streams = {
        "noise": np.zeros(4_000_000, np.complex64),
        "frames of 200,000 symbols": np.tile(long, 4),
        "frames of 480 symbols": np.tile(small_frame(), 100),
    }
    receive(small_frame())
    print(f"threads of torch: {torch.get_num_threads()}, processors: {os.cpu_count()}")
    for name, clean in streams.items():
        samples = impair(clean, Impairments(10.0), PULSE, 1.0, draws)
        receiver, start, used = Receiver(PULSE), time.perf_counter(), time.process_time()
        for first in range(0, len(samples), 1 << 16):
            list(receiver.push(samples[first : first + (1 << 16)]))
        list(receiver.flush())
        rate, of_cpu = (
            len(samples) / 1e6 / passed for passed in (time.perf_counter() - start, time.process_time() - used)
        )
        print(f"{name}: {rate:.2f} Msample/s; {of_cpu:.2f} Msample in a second of one processor", flush=True)


def memory(count: int) -> None:
    """Resident memory while small frames are received and decoded."""
    image = open_data("samples")[0][:, :32, :32]
    config = WaveformConfig(PULSE)
    bursts = [picture_burst(image, "linear", config, 10.0, 1 / 6, sequence=one).samples for one in range(8)]
    receiver, decoder, pictures = Receiver(PULSE), PictureDecoder(), 0
    draws = np.random.default_rng(0)
    for frame in range(count):
        samples = impair(bursts[frame % 8], Impairments(10.0), PULSE, config.amplitude, draws)
        for result in receptions(receiver.push(samples)):
            if isinstance(result, Reception) and result.complete:
                decoder.decode(result)
                pictures += 1
        if (frame + 1) % max(count // 10, 1) == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            now = pages * resource.getpagesize() / 2**20
            print(f"{frame + 1} frames sent, {pictures} pictures: {now:.0f} MiB resident", flush=True)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["quality", "faults", "peaks", "header", "noise", "fuzz", "speed", "memory"])
    parser.add_argument("--count", type=int, help="pictures, frames or samples")
    parser.add_argument("--data", default="samples")
    parser.add_argument("--model", default="linear")
    parser.add_argument("--snr-db", type=float, default=-11.0)
    given = parser.parse_args()
    match given.what:
        case "quality":
            quality(given.model, given.data, given.count or 4)
        case "faults":
            faults(given.model, given.data, given.count or 4)
        case "peaks":
            peaks(given.model, given.data, given.count or 4)
        case "header":
            header(given.count or 10_000, given.snr_db)
        case "noise":
            noise(given.count or 10**8)
        case "fuzz":
            fuzz(given.count or 10_000)
        case "speed":
            speed()
        case "memory":
            memory(given.count or 10_000)


if __name__ == "__main__":
    main()
