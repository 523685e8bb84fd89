"""GNU Radio's channel model between two ZeroMQ sockets; run by the system's Python, which has GNU Radio.

python3 gnuradio_channel.py IN OUT NOISE_VOLTAGE FREQUENCY_OFFSET EPSILON TAPS; frequency in cycles a sample.
"""

import sys

from gnuradio import blocks, channels, gr, zeromq

RATE = 1e6  # samples a second: what no listener need drop


def main() -> None:
    source, sink, noise, offset, epsilon, taps = sys.argv[1:]
    graph = gr.top_block()
    graph.connect(
        zeromq.sub_source(gr.sizeof_gr_complex, 1, source, 100, False, -1),
        channels.channel_model(
            noise_voltage=float(noise),
            frequency_offset=float(offset),
            epsilon=float(epsilon),
            taps=[complex(tap) for tap in taps.split(",")],
            noise_seed=7,
        ),
        blocks.throttle(gr.sizeof_gr_complex, RATE),
        zeromq.pub_sink(gr.sizeof_gr_complex, 1, sink, 100, False, -1),
    )
    graph.start()
    print("ready", flush=True)
    sys.stdin.read()  # until its end
    graph.stop()


if __name__ == "__main__":
    main()
