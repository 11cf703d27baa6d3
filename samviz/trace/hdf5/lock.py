"""One lock for all traces: HDF5 does one thing at a time anyway."""

from threading import RLock

LOCK = RLock()
