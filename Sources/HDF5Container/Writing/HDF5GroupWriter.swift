import CHDF5
import ModelSupport
import ModelTensor

/// What attributes can be set on: groups and datasets being written.
public protocol HDF5AttributeWriter {
  func write(_ attribute: HDF5AttributeValue, as name: String) throws
}

/// A group being written.
public final class HDF5GroupWriter: HDF5AttributeWriter {
  let path: String
  private var handle: HDF5Handle?
  private var groups: [String: HDF5GroupWriter] = [:]
  weak var owner: HDF5Writer?

  init(path: String, handle: HDF5Handle) {
    self.path = path
    self.handle = handle
  }

  func close() {
    for group in groups.values { group.close() }
    groups = [:]
    handle = nil
  }

  private func identifier() throws -> hid_t {
    guard let handle else { throw FormatError(.invalidStructure, "the file is finished", at: SourceLocation(path: [path])) }
    return handle.id
  }

  /// The group at `path`, made with those on the way where they are missing.
  @discardableResult
  public func group(_ path: String) throws -> HDF5GroupWriter {
    var current = self
    for part in path.split(separator: "/") { current = try current.child(String(part)) }
    return current
  }

  private func child(_ name: String) throws -> HDF5GroupWriter {
    if let known = groups[name] { return known }
    let parent = try identifier()
    let childPath = path == "/" ? "/\(name)" : "\(path)/\(name)"
    let handle = try within(childPath) {
      try checkName(name)
      let list = try HDF5Handle("making a group") { H5Pcreate(chdf5_group_create()) }
      HDF5Library.call { H5Pset_obj_track_times(list.id, false) }
      return try HDF5Handle("making the group '\(name)'") {
        H5Gcreate2(parent, name, chdf5_default(), list.id, chdf5_default())
      }
    }
    let made = HDF5GroupWriter(path: childPath, handle: handle)
    made.owner = owner
    groups[name] = made
    return made
  }

  private func checkName(_ name: String) throws {
    guard !name.isEmpty, name != ".", !name.utf8.contains(0) else {
      throw FormatError(.invalidValue, "'\(name)' can't name a member of a group")
    }
  }

  /// Adds a dataset at `path` below this group. The tensor's bytes are read when the file is written.
  /// - Parameter opaqueTag: write the elements as opaque bytes, as h5py does for dtypes HDF5 lacks.
  @discardableResult
  public func dataset(_ path: String, _ tensor: Tensor) throws -> HDF5DatasetWriter {
    var parts = path.split(separator: "/").map(String.init)
    guard let name = parts.popLast() else { throw FormatError(.invalidValue, "a dataset needs a name") }
    let parent = try group(parts.joined(separator: "/"))
    return try parent.add(name, tensor)
  }

  private func add(_ name: String, _ tensor: Tensor) throws -> HDF5DatasetWriter {
    let parent = try identifier()
    return try within(path == "/" ? "/\(name)" : "\(path)/\(name)") {
      try checkName(name)
      try tensor.validate()
      let type = try HDF5Types.stored(tensor.dtype)
      let space = try HDF5Dataspace.make(tensor.extents)
      let list = try HDF5Handle("making a dataset") { H5Pcreate(chdf5_dataset_create()) }
      let isPlain = tensor.dtype != .string
      HDF5Library.call {
        H5Pset_obj_track_times(list.id, false)
        if isPlain {
          H5Pset_alloc_time(list.id, H5D_ALLOC_TIME_EARLY)
          H5Pset_fill_time(list.id, H5D_FILL_TIME_NEVER)
        }
      }
      let handle = try HDF5Handle("making the dataset '\(name)'") {
        H5Dcreate2(parent, name, type.id, space.id, chdf5_default(), list.id, chdf5_default())
      }
      if !isPlain {
        try writeStrings(tensor.array().strings, to: handle, type: type)
      } else if tensor.source.byteCount > 0 {
        let offset = HDF5Library.call { UInt64(H5Dget_offset(handle.id)) }
        guard let owner, offset != UInt64(chdf5_undefined_address()), let place = Int(exactly: offset) else {
          throw HDF5Library.failure("placing the dataset '\(name)'")
        }
        owner.place(tensor.source, at: place)
      }
      return HDF5DatasetWriter(handle: handle)
    }
  }

  private func writeStrings(_ strings: [[UInt8]], to handle: HDF5Handle, type: HDF5Handle) throws {
    try HDF5Types.withPointers(to: strings) { pointers in
      _ = try HDF5Library.call {
        try HDF5Library.check(
          H5Dwrite(handle.id, type.id, chdf5_all(), chdf5_all(), chdf5_default(), pointers), "writing strings")
      }
    }
  }

  public func write(_ attribute: HDF5AttributeValue, as name: String) throws {
    let id = try identifier()
    try within(path) { try attribute.write(to: id, as: name) }
  }
}

/// A dataset being written: it takes attributes.
public final class HDF5DatasetWriter: HDF5AttributeWriter {
  private let handle: HDF5Handle
  init(handle: HDF5Handle) { self.handle = handle }

  public func write(_ attribute: HDF5AttributeValue, as name: String) throws {
    try attribute.write(to: handle.id, as: name)
  }
}
