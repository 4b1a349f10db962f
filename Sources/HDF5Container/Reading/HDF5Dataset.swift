import CHDF5
import ModelSupport
import ModelTensor

/// A dataset: a type, extents, attributes, and elements that stay in the file until asked for.
public final class HDF5Dataset: HDF5Identified {
  public let file: HDF5File
  public let path: String
  let handle: HDF5Handle
  public let datatype: HDF5Datatype
  /// The extents; `nil` for an empty dataset (`h5py.Empty`).
  public let extents: [Int]?
  private let type: HDF5Handle
  private let storage: Storage

  private enum Storage: Sendable {
    /// The elements stand one after the other, as they are, in these bytes of the file.
    case contiguous(Range<Int>)
    /// Chunked, compact or never written; `stored` bytes are in the file.
    case managed(stored: Int)
  }

  /// A dataset of more than `floor` bytes may not claim more than `expansion` times what is stored:
  /// deflate reaches 1032.
  static let floor = 64 << 20, expansion = 1100

  init(_ file: HDF5File, path: String, handle: HDF5Handle) throws {
    self.file = file
    self.path = path
    self.handle = handle
    type = try HDF5Handle("reading the type") { H5Dget_type(handle.id) }
    datatype = try HDF5Datatype(reading: type)
    let space = try HDF5Handle("reading the dataspace") { H5Dget_space(handle.id) }
    extents = try HDF5Dataspace.extents(of: space)
    storage = try Self.storage(of: handle, in: file)
    guard let size = byteCount else {
      throw FormatError(.limitExceeded, "a dataset of the extents \(extents ?? [])")
    }
    switch storage {
    case .contiguous(let range):
      // Strings of any length stand elsewhere; what is here are references of another size.
      if case .string(nil, _) = datatype { break }
      guard range.count == size else {
        throw FormatError(.sizeMismatch, "expected \(size) bytes of elements, found storage for \(range.count)")
      }
    case .managed(let stored):
      guard size <= Self.floor || size / Self.expansion <= stored else {
        throw FormatError(.limitExceeded, "the dataset claims \(size) bytes but only \(stored) are stored")
      }
    }
  }

  private static func storage(of handle: HDF5Handle, in file: HDF5File) throws -> Storage {
    let list = try HDF5Handle("reading the storage") { H5Dget_create_plist(handle.id) }
    return try HDF5Library.call {
      let layout = H5Pget_layout(list.id)
      if layout == H5D_VIRTUAL || H5Pget_external_count(list.id) > 0 {
        throw FormatError(.pathEscape, "the elements are stored in another file")
      }
      let filters = H5Pget_nfilters(list.id)
      guard filters >= 0, filters <= 8 else { throw FormatError(.invalidValue, "a pipeline of \(filters) filters") }
      for index in 0..<filters {
        var flags: UInt32 = 0, configuration: UInt32 = 0, values = 0
        let filter = H5Pget_filter2(list.id, UInt32(index), &flags, &values, nil, 0, nil, &configuration)
        guard [H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32].contains(filter) else {
          throw FormatError(
            .invalidValue, "the elements are compressed with filter \(filter); deflate, shuffle and Fletcher-32 are read")
        }
      }
      guard layout == H5D_CONTIGUOUS, filters == 0 else {
        let stored = H5Dget_storage_size(handle.id)
        return .managed(stored: Int(clamping: min(stored, hsize_t(file.source.byteCount))))
      }
      let offset = UInt64(H5Dget_offset(handle.id)), stored = UInt64(H5Dget_storage_size(handle.id))
      guard offset != UInt64(chdf5_undefined_address()), stored > 0 else {
        H5Eclear2(0)
        return .managed(stored: 0)
      }
      let size = UInt64(file.source.byteCount)
      guard offset <= size, stored <= size - offset else {
        throw FormatError(
          .truncated, "expected \(stored) bytes of elements at \(offset), the file has \(size)",
          at: SourceLocation(offset: Int(exactly: offset)))
      }
      return .contiguous(Int(offset)..<Int(offset + stored))
    }
  }

  /// The bytes all elements take; `nil` when that can't be counted.
  var byteCount: Int? {
    guard let extents else { return 0 }
    guard let count = checkedProduct(extents) else { return nil }
    let size = elementSize
    let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
    return overflow ? nil : bytes
  }

  private var elementSize: Int { HDF5Library.call { H5Tget_size(type.id) } }

  /// The elements as a tensor. No elements are read, except those of a string dataset. When they stand
  /// in the file as they are in the tensor, the source has an extent.
  /// - Throws: `FormatError.invalidValue` when the element type has no counterpart.
  public var tensor: Tensor {
    get throws {
      guard let dtype = datatype.dtype else {
        throw FormatError(
          .invalidValue, "elements of the type \(datatype) are no tensor", at: SourceLocation(file: file.name, path: [path]))
      }
      return try tensor(as: dtype)
    }
  }

  /// The elements under the dtype that whoever wrote the file meant: bfloat16 stored as opaque bytes.
  public func tensor(as dtype: DType) throws -> Tensor {
    try file.located(path) {
      guard let extents else { throw FormatError(.invalidValue, "the dataset is empty") }
      if case .string = datatype {
        guard dtype == .string else { throw FormatError(.invalidValue, "strings are no \(dtype)") }
        return Tensor(try array(extents))
      }
      guard let bits = dtype.bitWidth, bits == elementSize * 8 else {
        throw FormatError(.invalidValue, "elements of \(elementSize) bytes are no \(dtype)")
      }
      return Tensor(TensorType(dtype, extents), source: elementSource(extents))
    }
  }

  private func elementSource(_ extents: [Int]) -> any ByteSource {
    if case .contiguous(let range) = storage {
      switch datatype {
      case .number(_, bigEndian: false), .opaque: return file.source.slice(range)
      default: break
      }
    }
    return HDF5DatasetSource(self, extents: extents, elementSize: elementSize)
  }

  private func array(_ extents: [Int]) throws -> NDArray {
    try HDF5Reading.array(datatype, type: type, extents: extents, stored: file.source.byteCount) { memory, out in
      H5Dread(handle.id, memory, chdf5_all(), chdf5_all(), chdf5_default(), out)
    }
  }

  /// Reads the elements `rows` of the first axis into `out`.
  func read(rows: Range<Int>, of extents: [Int], into out: UnsafeMutableRawBufferPointer) throws {
    try file.located(path) {
      let memory = try HDF5Reading.memoryType(datatype, of: type)
      guard !extents.isEmpty else {
        return try HDF5Library.call {
          _ = try HDF5Library.check(
            H5Dread(handle.id, memory.id, chdf5_all(), chdf5_all(), chdf5_default(), out.baseAddress), "reading elements")
        }
      }
      let space = try HDF5Handle("reading the dataspace") { H5Dget_space(handle.id) }
      let block = try HDF5Dataspace.make([rows.count] + extents.dropFirst())
      try HDF5Library.call {
        var start = [hsize_t](repeating: 0, count: extents.count)
        start[0] = hsize_t(rows.lowerBound)
        let count = [hsize_t(rows.count)] + extents.dropFirst().map { hsize_t($0) }
        try HDF5Library.check(
          H5Sselect_hyperslab(space.id, H5S_SELECT_SET, start, nil, count, nil), "selecting elements")
        try HDF5Library.check(
          H5Dread(handle.id, memory.id, block.id, space.id, chdf5_default(), out.baseAddress), "reading elements")
      }
    }
  }
}
