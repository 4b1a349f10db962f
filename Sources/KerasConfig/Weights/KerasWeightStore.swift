import ModelSupport
import ModelTensor

/// A variable of a weights file.
public struct StoredWeight: Sendable {
  /// The dataset's name in its group: `0`, `kernel:0`, `dense/kernel`.
  public var name: String
  public var tensor: Tensor
  public init(name: String, tensor: Tensor) {
    self.name = name
    self.tensor = tensor
  }
}

/// Where a configuration's weights come from. What the files look like is the storage's business; which
/// weight belongs to which layer is this module's.
///
/// Tensors are lazy: asking for them reads nothing but their types.
public protocol KerasWeightStore {
  var layout: KerasWeightLayout { get }

  // MARK: Keras 3: a tree of groups

  /// The variables right below `group` by name (`0`, `1`, …), as `layers/dense/vars` holds them.
  /// An absent group has none.
  func variables(at group: String) throws -> [StoredWeight]
  /// The names of the groups right below `group`; the root is the empty string.
  func groups(at group: String) throws -> [String]
  /// The layer name that a group's `name` attribute says, if there is one.
  func layerName(at group: String) throws -> String?

  // MARK: Keras 1 and 2: a list of weights for each layer

  /// In file order.
  var layerNames: [String] { get }
  /// A layer's weights in file order; none for an absent layer.
  func weights(ofLayer name: String) throws -> [StoredWeight]
  /// `theano` or `tensorflow`, as the file says.
  var backend: String? { get }

  // MARK: TensorFlow.js: one flat list

  /// All weights in file order by their full names: `dense/kernel`, `bidirectional/forward_lstm/lstm_cell/kernel`.
  var namedWeights: [StoredWeight] { get }
}

/// How a weights file is organised.
public enum KerasWeightLayout: Sendable, Hashable {
  /// `layers/dense/vars/0` (`.keras`, `.weights.h5`).
  case tree
  /// `layer_names` and `weight_names` (`.h5` of every generation).
  case lists
  /// `layer/weight` in one flat list, found by name (`model.json` of TensorFlow.js).
  case names
}

extension KerasWeightStore {
  public func variables(at group: String) throws -> [StoredWeight] { [] }
  public func groups(at group: String) throws -> [String] { [] }
  public func layerName(at group: String) throws -> String? { nil }
  public var layerNames: [String] { [] }
  public func weights(ofLayer name: String) throws -> [StoredWeight] { [] }
  public var backend: String? { nil }
  public var namedWeights: [StoredWeight] { [] }

  /// The variable at a path such as `layers/dense/vars/0`.
  func variable(at path: String) throws -> Tensor? {
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let name = path[path.index(after: slash)...]
    return try variables(at: String(path[..<slash])).first { $0.name == name }?.tensor
  }

  /// All variables in and below `group`, with their paths below it, in the order of their names.
  func allVariables(below group: String, depth: Int = 0) throws -> [StoredWeight] {
    guard depth < 64 else { throw FormatError(.limitExceeded, "groups nested deeper than 64", at: SourceLocation(path: [group])) }
    var result = try variables(at: group).sorted { ($0.name.count, $0.name) < ($1.name.count, $1.name) }
    for child in try groups(at: group).sorted() {
      let path = group.isEmpty ? child : "\(group)/\(child)"
      result += try allVariables(below: path, depth: depth + 1).map { StoredWeight(name: "\(child)/\($0.name)", tensor: $0.tensor) }
    }
    return result
  }
}

/// Weights in memory, for tests and for models that have a configuration only.
public struct MemoryWeightStore: KerasWeightStore {
  public var layout: KerasWeightLayout
  public var backend: String?
  /// By path, for `.tree`.
  public var tree: [String: Tensor] = [:]
  /// In file order, for `.lists`.
  public var lists: [(layer: String, weights: [StoredWeight])] = []
  /// In file order, for `.names`.
  public var namedWeights: [StoredWeight] = []

  public init(names: [StoredWeight]) {
    layout = .names
    namedWeights = names
  }
  public init(tree: [String: Tensor]) {
    layout = .tree
    self.tree = tree
  }
  public init(lists: [(layer: String, weights: [StoredWeight])], backend: String? = nil) {
    layout = .lists
    self.lists = lists
    self.backend = backend
  }

  public func variables(at group: String) throws -> [StoredWeight] {
    let prefix = group.isEmpty ? "" : group + "/"
    return tree.keys.sorted().compactMap { path in
      guard path.hasPrefix(prefix), let tensor = tree[path] else { return nil }
      let name = path.dropFirst(prefix.count)
      return name.contains("/") ? nil : StoredWeight(name: String(name), tensor: tensor)
    }
  }
  public func groups(at group: String) throws -> [String] {
    let prefix = group.isEmpty ? "" : group + "/"
    var names: Set<String> = []
    for path in tree.keys where path.hasPrefix(prefix) {
      let rest = path.dropFirst(prefix.count)
      if let slash = rest.firstIndex(of: "/") { names.insert(String(rest[..<slash])) }
    }
    return names.sorted()
  }
  public var layerNames: [String] { lists.map(\.layer) }
  public func weights(ofLayer name: String) throws -> [StoredWeight] { lists.first { $0.layer == name }?.weights ?? [] }
}
