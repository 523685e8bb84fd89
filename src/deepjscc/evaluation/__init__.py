"""Evaluation: sweeps over systems, images and SNRs to a table; figures from it."""
