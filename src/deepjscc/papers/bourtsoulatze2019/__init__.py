"""Bourtsoulatze, Kurka, Gündüz: Deep joint source-channel coding for wireless image transmission (2019)."""
