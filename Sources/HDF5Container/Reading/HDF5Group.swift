import CHDF5
import ModelSupport

/// A member of a group.
public enum HDF5Member: Sendable {
  case group(HDF5Group)
  case dataset(HDF5Dataset)
}

/// A group: members by name, and attributes.
public final class HDF5Group: HDF5Identified {
  public let file: HDF5File
  public let path: String
  let handle: HDF5Handle

  init(_ file: HDF5File, path: String, handle: HDF5Handle) {
    self.file = file
    self.path = path
    self.handle = handle
  }

  /// Groups nested deeper than this are refused: no sound file does it, a cycle of links would.
  public static let maximumDepth = 128
  /// A group with more members is refused.
  public static let maximumMembers = 1 << 20

  /// The members' names: as they were created where the file keeps that order, else by name.
  public func memberNames() throws -> [String] {
    try file.located(path) {
      let names = NameList(limit: Self.maximumMembers)
      try withExtendedLifetime(names) {
        try HDF5Library.call {
          var position: hsize_t = 0
          let index = tracksCreationOrder ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME
          let status = H5Literate(
            handle.id, index, H5_ITER_INC, &position,
            { _, name, _, context in NameList.append(name, to: context) },
            Unmanaged.passUnretained(names).toOpaque())
          if names.overflowed { throw FormatError(.limitExceeded, "a group of more than \(names.limit) members") }
          try HDF5Library.check(status, "listing the members")
        }
      }
      return names.names
    }
  }

  private var tracksCreationOrder: Bool {
    let list = H5Gget_create_plist(handle.id)
    guard list >= 0 else { return false }
    defer { H5Pclose(list) }
    var flags: UInt32 = 0
    guard H5Pget_link_creation_order(list, &flags) >= 0 else { return false }
    return flags & UInt32(H5P_CRT_ORDER_INDEXED) != 0
  }

  /// All members with their names.
  public func members() throws -> [(name: String, member: HDF5Member)] {
    try memberNames().map { name in
      guard let member = try member(name) else {
        throw FormatError(.missingReference, "the member '\(name)' is gone", at: SourceLocation(file: file.name, path: [path]))
      }
      return (name, member)
    }
  }

  /// The member at `path`, which may lead through groups, or `nil` when there is none.
  /// - Throws: `FormatError.pathEscape` for links that lead elsewhere than to an object of this group.
  public func member(_ path: String) throws -> HDF5Member? {
    var current: HDF5Member = .group(self)
    for part in path.split(separator: "/") where part != "." {
      guard case .group(let group) = current, let next = try group.child(String(part)) else { return nil }
      current = next
    }
    return current
  }

  /// The group at `path`.
  /// - Throws: `FormatError.missingReference` when there is none.
  public func group(_ path: String) throws -> HDF5Group {
    guard case .group(let group)? = try member(path) else { throw missing(path, "group") }
    return group
  }

  /// The dataset at `path`.
  /// - Throws: `FormatError.missingReference` when there is none.
  public func dataset(_ path: String) throws -> HDF5Dataset {
    guard case .dataset(let dataset)? = try member(path) else { throw missing(path, "dataset") }
    return dataset
  }

  private func missing(_ path: String, _ kind: String) -> FormatError {
    FormatError(
      .missingReference, "expected a \(kind) '\(path)', found none", at: SourceLocation(file: file.name, path: [self.path]))
  }

  private func child(_ name: String) throws -> HDF5Member? {
    guard !name.utf8.contains(0) else { return nil }
    let childPath = path == "/" ? "/\(name)" : "\(path)/\(name)"
    return try file.located(childPath) {
      guard childPath.utf8.lazy.filter({ $0 == UInt8(ascii: "/") }).count <= Self.maximumDepth else {
        throw FormatError(.limitExceeded, "groups nested deeper than \(Self.maximumDepth)")
      }
      let exists = HDF5Library.call { H5Lexists(handle.id, name, chdf5_default()) }
      try HDF5Library.check(exists, "looking for '\(name)'")
      guard exists > 0 else { return nil }
      var link = H5L_info_t()
      try HDF5Library.call { try HDF5Library.check(H5Lget_info(handle.id, name, &link, chdf5_default()), "reading a link") }
      guard link.type == H5L_TYPE_HARD else {
        throw FormatError(.pathEscape, "expected a group or dataset of this file, found a soft or external link")
      }
      try file.check(object: UInt64(link.u.address))
      let object = try HDF5Handle("opening '\(name)'") { H5Oopen(handle.id, name, chdf5_default()) }
      switch HDF5Library.call({ H5Iget_type(object.id) }) {
      case H5I_GROUP: return .group(HDF5Group(file, path: childPath, handle: object))
      case H5I_DATASET: return .dataset(try HDF5Dataset(file, path: childPath, handle: object))
      default: throw FormatError(.invalidValue, "expected a group or dataset, found a named type")
      }
    }
  }

  /// Where the group's header stands, the same for every path that leads to it.
  var address: UInt64 {
    get throws {
      var info = H5O_info_t()
      try HDF5Library.call {
        try HDF5Library.check(H5Oget_info2(handle.id, &info, UInt32(H5O_INFO_BASIC)), "reading a group")
      }
      return UInt64(info.addr)
    }
  }

  /// Calls `visit` for every dataset below, parents before children, with its path relative to this group.
  /// - Throws: `FormatError.cycle` when a group contains itself.
  public func forEachDataset(_ visit: (String, HDF5Dataset) throws -> Void) throws {
    var ancestors: [UInt64] = []
    try walk(prefix: "", ancestors: &ancestors, visit)
  }

  private func walk(prefix: String, ancestors: inout [UInt64], _ visit: (String, HDF5Dataset) throws -> Void) throws {
    let here = try address
    guard !ancestors.contains(here) else {
      throw FormatError(.cycle, "the group contains itself", at: SourceLocation(file: file.name, path: [path]))
    }
    ancestors.append(here)
    defer { ancestors.removeLast() }
    for (name, member) in try members() {
      switch member {
      case .dataset(let dataset): try visit(prefix + name, dataset)
      case .group(let group): try group.walk(prefix: prefix + name + "/", ancestors: &ancestors, visit)
      }
    }
  }
}
