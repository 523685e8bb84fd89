"""Kurka, Gündüz: Successive refinement of images with deep joint source-channel coding (SPAWC 2019)."""
