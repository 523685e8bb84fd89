"""Bulk work: a folder or bucket of pictures, sent or encoded by many workers, in pieces that are done or not."""
