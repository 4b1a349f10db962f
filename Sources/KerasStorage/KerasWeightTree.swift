import HDF5Container
import KerasConfig
import ModelSupport
import ModelTensor
import Synchronization

/// The weights of Keras 3 as they lie in an HDF5 file (`model.weights.h5` of a `.keras` archive, or a
/// `.weights.h5`): a tree of groups, each with its variables `0`, `1`, … in a group `vars`.
public struct KerasWeightTree: KerasWeightStore {
  public let file: HDF5File
  private let listings: Listings

  public init(_ file: HDF5File) throws {
    self.file = file
    listings = Listings(root: try file.root)
  }

  public var layout: KerasWeightLayout { .tree }

  /// Whether names of groups are paths of Windows, which Keras finds there alone.
  public static func hasWindowsPaths(_ file: HDF5File) throws -> Bool {
    try file.root.members().contains { $0.name.contains("\\") }
  }

  public func variables(at path: String) throws -> [StoredWeight] { try listings[path]?.variables ?? [] }

  public func groups(at path: String) throws -> [String] { try listings[path]?.names ?? [] }

  public func layerName(at path: String) throws -> String? {
    try listings[path]?.group.attribute("name")?.string
  }

  /// Everything in the file, in the order its groups list it.
  public func all() throws -> [KerasVariableGroup] {
    var result: [KerasVariableGroup] = []
    try collect("", into: &result, depth: 0)
    return result
  }

  private func collect(_ path: String, into result: inout [KerasVariableGroup], depth: Int) throws {
    guard depth <= HDF5Group.maximumDepth else {
      throw FormatError(.limitExceeded, "groups nested too deep", at: SourceLocation(file: file.name, path: [path]))
    }
    let variables = try variables(at: path).sorted { ($0.name.count, $0.name) < ($1.name.count, $1.name) }
    let name = try layerName(at: path)
    if !variables.isEmpty || name != nil || path.hasSuffix("vars") {
      result.append(KerasVariableGroup(path: path, name: name, variables: variables))
    }
    for child in try groups(at: path) {
      try collect(path.isEmpty ? child : "\(path)/\(child)", into: &result, depth: depth + 1)
    }
  }
}

/// What the groups hold. Each is listed once: readers ask by path, for one weight after another.
private final class Listings: Sendable {
  struct Listing: Sendable {
    var group: HDF5Group
    var variables: [StoredWeight] = []
    var names: [String] = []
    var groups: [String: HDF5Group] = [:]
    /// Places that only names say: Keras 2 and the first versions of Keras 3 join them on Windows by `\`, as `layers\dense`.
    var branches: [String: Listing] = [:]

    /// Adds the group at a path from here.
    mutating func insert(_ child: HDF5Group, at path: ArraySlice<Substring>) {
      guard let name = path.first.map(String.init) else { return }
      if !names.contains(name) { names.append(name) }
      guard path.count > 1 else {
        groups[name] = child
        return
      }
      branches[name, default: Listing(group: group)].insert(child, at: path.dropFirst())
    }

    /// Adds what names say of a place that is a group, too.
    mutating func merge(_ other: Listing) {
      names += other.names.filter { !names.contains($0) }
      groups.merge(other.groups) { own, _ in own }
      branches.merge(other.branches) { own, _ in own }
    }
  }
  private let root: HDF5Group
  private let known = Mutex<[String: Listing]>([:])

  init(root: HDF5Group) { self.root = root }

  /// The group at a path, or `nil` when there is none.
  subscript(path: String) -> Listing? {
    get throws {
      if let listing = known.withLock({ $0[path] }) { return listing }
      var place = "", listing = try list(root, at: place)
      for part in path.split(separator: "/") {
        place += place.isEmpty ? part : "/\(part)"
        let group = listing.groups[String(part)], branch = listing.branches[String(part)]
        guard var next = try group.map({ try list($0, at: place) }) ?? branch else { return nil }
        if group != nil, let branch {
          next.merge(branch)
          known.withLock { $0[place] = next }
        }
        listing = next
      }
      return listing
    }
  }

  private func list(_ group: HDF5Group, at place: String) throws -> Listing {
    if let listing = known.withLock({ $0[place] }) { return listing }
    var listing = Listing(group: group)
    for (name, member) in try group.members() {
      switch member {
      case .dataset(let dataset): listing.variables.append(StoredWeight(name: name, tensor: try dataset.kerasTensor()))
      case .group(let group):
        // No path is longer than groups may be nested.
        let path = name.split(separator: "\\", maxSplits: HDF5Group.maximumDepth)
        listing.insert(group, at: path.isEmpty ? [name[...]] : path[...])
      }
    }
    known.withLock { $0[place] = listing }
    return listing
  }
}

/// A group `vars` of a weight tree.
public struct KerasVariableGroup: Sendable {
  /// `layers/dense/vars`.
  public var path: String
  /// The layer's own name, which the path does not say.
  public var name: String?
  public var variables: [StoredWeight]
  public init(path: String, name: String? = nil, variables: [StoredWeight]) {
    self.path = path
    self.name = name
    self.variables = variables
  }
}

extension HDF5Dataset {
  /// The elements as Keras means them: what HDF5 has no type for stands as opaque bytes, with the
  /// dtype in an attribute.
  public func kerasTensor() throws -> Tensor {
    if case .opaque(let size, _) = datatype {
      if let name = try attribute("dtype")?.string, let dtype = DType(rawValue: name) { return try tensor(as: dtype) }
      // The H5 files of whole models leave the attribute out.
      if size == 2 { return try tensor(as: .bfloat16) }
    }
    return try tensor
  }
}
