"""A snapshot is the fold of a stream, kept aside with the fingerprint of the code that made it."""

from eslab.snapshots.fingerprints import fingerprint
from eslab.snapshots.loading import Loaded, Snapshots

__all__ = ["Loaded", "Snapshots", "fingerprint"]
