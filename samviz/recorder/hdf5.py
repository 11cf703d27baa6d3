"""A new HDF5 file in which everything but the commit records has a checksum."""

import os
from pathlib import Path

import h5py

# HDF5 keeps more than 8 attributes elsewhere than in the header, and of those over 4 KiB (meta) no checksum
_ATTRIBUTES_IN_HEADER = 64


def new_hdf5(path: Path) -> h5py.File:
    """Make the file, of HDF5's v110 version, in the place of one of that name. Raises OSError."""
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_attr_phase_change(_ATTRIBUTES_IN_HEADER, 0)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    return h5py.File(h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, creation, access))
