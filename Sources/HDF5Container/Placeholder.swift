// HDF5Container
