"""Radio: symbols as files, frames as waveforms, and a receiver that finds them."""
