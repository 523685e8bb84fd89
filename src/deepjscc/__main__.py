"""``python -m deepjscc``."""

from deepjscc.cli import main

main()
