"""Hudheifa: Deep joint source-channel coding: convolutional, diffusion and model-based approaches (a report)."""
