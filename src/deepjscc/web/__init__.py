"""The page: `deepjscc serve`."""
