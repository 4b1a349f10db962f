import HDF5Container
import KerasConfig
import ModelSupport
import ModelTensor

/// The weights of Keras 3 as they lie in an HDF5 file (`model.weights.h5` of a `.keras` archive, or a
/// `.weights.h5`): a tree of groups, each with its variables `0`, `1`, … in a group `vars`.
public struct KerasWeightTree: KerasWeightStore {
  public let file: HDF5File
  private let root: HDF5Group

  public init(_ file: HDF5File) throws {
    self.file = file
    root = try file.root
  }

  public var layout: KerasWeightLayout { .tree }

  private func group(_ path: String) throws -> HDF5Group? {
    guard !path.isEmpty else { return root }
    guard case .group(let group)? = try root.member(path) else { return nil }
    return group
  }

  public func variables(at path: String) throws -> [StoredWeight] {
    guard let group = try group(path) else { return [] }
    return try group.members().compactMap { name, member in
      guard case .dataset(let dataset) = member else { return nil }
      return StoredWeight(name: name, tensor: try dataset.kerasTensor())
    }
  }

  public func groups(at path: String) throws -> [String] {
    guard let group = try group(path) else { return [] }
    return try group.members().compactMap { name, member in
      if case .group = member { name } else { nil }
    }
  }

  public func layerName(at path: String) throws -> String? {
    try group(path)?.attribute("name")?.string
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
