"""The HDF5 file of a trace: looked at before HDF5 sees it, opened, read in pieces of bounded size."""
