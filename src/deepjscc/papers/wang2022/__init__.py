"""S. Wang et al.: Distributed image transmission using deep joint source-channel coding (ICASSP 2022)."""
