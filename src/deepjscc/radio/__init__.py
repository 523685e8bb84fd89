"""Radio: symbols as files and, later, waveforms."""
