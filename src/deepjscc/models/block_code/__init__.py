"""The block-adaptive linear code: transform, classes, allocation of the stream, side information and tiling."""
