import CHDF5
import ModelSupport
import ModelTensor

/// The extents of a dataset or attribute; `nil` for the null dataspace (`h5py.Empty`).
enum HDF5Dataspace {
  static func extents(of space: HDF5Handle) throws -> [Int]? {
    let id = space.id
    return try HDF5Library.call {
      switch H5Sget_simple_extent_type(id) {
      case H5S_NULL: return nil
      case H5S_SCALAR: return []
      case H5S_SIMPLE: break
      default: throw HDF5Library.failure("reading a dataspace")
      }
      let rank = H5Sget_simple_extent_ndims(id)
      guard rank >= 0, rank <= 32 else { throw FormatError(.invalidValue, "a dataspace of rank \(rank)") }
      var dims = [hsize_t](repeating: 0, count: Int(rank))
      try HDF5Library.check(H5Sget_simple_extent_dims(id, &dims, nil), "reading a dataspace")
      var extents: [Int] = []
      for dim in dims {
        guard let extent = Int(exactly: dim) else {
          throw FormatError(.limitExceeded, "an extent of \(dim)")
        }
        extents.append(extent)
      }
      guard checkedProduct(extents) != nil else {
        throw FormatError(.limitExceeded, "the extents \(extents) hold more elements than can be counted")
      }
      return extents
    }
  }

  /// A new dataspace of `extents`; a scalar when there are none, the null space for `nil`.
  static func make(_ extents: [Int]?) throws -> HDF5Handle {
    try HDF5Handle("making a dataspace") {
      guard let extents else { return H5Screate(H5S_NULL) }
      guard !extents.isEmpty else { return H5Screate(H5S_SCALAR) }
      return H5Screate_simple(Int32(extents.count), extents.map { hsize_t($0) }, nil)
    }
  }
}
