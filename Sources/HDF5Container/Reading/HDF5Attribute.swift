import CHDF5
import ModelSupport
import ModelTensor

/// A small named value beside a group or dataset.
public struct HDF5Attribute: Sendable {
  public let name: String
  public let datatype: HDF5Datatype
  /// The value; `nil` for an empty attribute (`h5py.Empty`) and for types that tensors don't have.
  public let array: NDArray?
  /// Whether the dataspace is the null one.
  public let isEmpty: Bool

  /// The elements of a string attribute.
  public var strings: [String]? {
    guard let array, array.dtype == .string else { return nil }
    return array.strings.map { String(decoding: $0, as: UTF8.self) }
  }
  /// The value of a scalar string attribute.
  public var string: String? {
    guard let array, array.dtype == .string, array.count == 1 else { return nil }
    return strings?.first
  }
  /// The value of an integer or boolean attribute of one element.
  public var integer: Int? {
    guard let array, array.count == 1 else { return nil }
    return array.integers()?.first
  }

  init(name: String, reading handle: HDF5Handle, fileSize: Int) throws {
    self.name = name
    let type = try HDF5Handle("reading the type") { H5Aget_type(handle.id) }
    let space = try HDF5Handle("reading the dataspace") { H5Aget_space(handle.id) }
    datatype = try HDF5Datatype(reading: type)
    guard let extents = try HDF5Dataspace.extents(of: space) else {
      isEmpty = true
      array = nil
      return
    }
    isEmpty = false
    guard datatype.dtype != nil else {
      array = nil
      return
    }
    array = try HDF5Reading.array(datatype, type: type, extents: extents, stored: fileSize) { memory, out in
      H5Aread(handle.id, memory, out)
    }
  }
}
