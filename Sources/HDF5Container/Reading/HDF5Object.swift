import CHDF5
import ModelSupport

/// What groups and datasets share: a place in a file, and attributes.
public protocol HDF5Object: Sendable {
  var file: HDF5File { get }
  /// The absolute path inside the file: `/model_weights/dense`.
  var path: String { get }
}

protocol HDF5Identified: HDF5Object {
  var handle: HDF5Handle { get }
}

extension HDF5Object {
  private var identifier: hid_t { (self as? any HDF5Identified)?.handle.id ?? -1 }

  /// The names of the attributes, in name order.
  public func attributeNames() throws -> [String] {
    try file.located(path) {
      let names = NameList(limit: 1 << 16)
      try withExtendedLifetime(names) {
        try HDF5Library.call {
          var position: hsize_t = 0
          let status = H5Aiterate2(
            identifier, H5_INDEX_NAME, H5_ITER_INC, &position,
            { _, name, _, context in NameList.append(name, to: context) },
            Unmanaged.passUnretained(names).toOpaque())
          if names.overflowed { throw FormatError(.limitExceeded, "more than \(names.limit) attributes") }
          try HDF5Library.check(status, "listing the attributes")
        }
      }
      return names.names
    }
  }

  /// The attribute `name`, or `nil` when there is none.
  public func attribute(_ name: String) throws -> HDF5Attribute? {
    guard !name.utf8.contains(0) else { return nil }
    return try file.located(path) {
      let exists = HDF5Library.call { H5Aexists(identifier, name) }
      try HDF5Library.check(exists, "looking for the attribute '\(name)'")
      guard exists > 0 else { return nil }
      return try within("attribute \(name)") {
        let handle = try HDF5Handle("opening") { H5Aopen(identifier, name, chdf5_default()) }
        return try HDF5Attribute(name: name, reading: handle, fileSize: file.source.byteCount)
      }
    }
  }

  /// All attributes, in name order.
  public func attributes() throws -> [HDF5Attribute] {
    try attributeNames().compactMap { try attribute($0) }
  }
}

/// Names that a callback of the library collects, and what kind of link each is.
final class NameList {
  let limit: Int
  var names: [String] = []
  var overflowed = false
  init(limit: Int) { self.limit = limit }

  static func append(_ name: UnsafePointer<CChar>?, to context: UnsafeMutableRawPointer?) -> herr_t {
    guard let name, let context else { return -1 }
    let list = Unmanaged<NameList>.fromOpaque(context).takeUnretainedValue()
    guard list.names.count < list.limit else {
      list.overflowed = true
      return -1
    }
    list.names.append(String(cString: name))
    return 0
  }
}
