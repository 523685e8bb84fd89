"""Keep a run's training state where a later training finds it: `python recipes/keep_state.py X.safetensors.run OUTPUT`.

The next goes on with `deepjscc train RECIPE --begin OUTPUT`.
"""

import sys
from pathlib import Path

from deepjscc.training.state import keep_for_later

keep_for_later(Path(sys.argv[1]), Path(sys.argv[2]))
