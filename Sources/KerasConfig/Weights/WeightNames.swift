import ModelLayers
import ModelSupport
import ModelTensor

/// A flat list of weights, found by the names of layers and weights, as TensorFlow.js and its Python package do:
///
/// 1. A weight's name begins with its layer's: `dense/kernel`, `bidirectional/forward_lstm/kernel`. Names of outer models
///    and scopes may stand in front.
/// 2. Scopes between both are left out of account: `lstm/lstm_cell/kernel` is the LSTM's `kernel`. Where a layer has several
///    weights of one name (forwards and backwards, stacked cells), they stand in the layer's order.
/// 3. Names without a word for the weight, as `dense/0`, are taken in order.
struct WeightNames {
  private let weights: [StoredWeight]
  private let words: [[Substring]]
  /// The weights of each layer, each with the number of words before the layer's name.
  private var places: [String: [(skipped: Int, weight: Int)]] = [:]
  private var used: [Bool]

  /// Layers whose names are of more words, or stand behind more, are not found.
  private static let wordLimit = 8

  /// - Parameter layers: the names of the layers that have weights.
  init(_ weights: [StoredWeight], layers: Set<String>) {
    self.weights = weights
    words = weights.map { weight in
      let name = weight.name.hasSuffix(":0") ? weight.name.dropLast(2) : weight.name[...]
      return name.split(separator: "/", omittingEmptySubsequences: false)
    }
    used = Array(repeating: false, count: weights.count)
    for (index, words) in words.enumerated() {
      for start in 0..<max(0, min(words.count - 1, Self.wordLimit)) {
        for end in start..<max(start, min(words.count - 1, start + Self.wordLimit)) {
          let name = start == end ? String(words[start]) : words[start...end].joined(separator: "/")
          if layers.contains(name) { places[name, default: []].append((start, index)) }
        }
      }
    }
  }

  /// The names of the weights that nobody has asked for.
  var unused: [String] { used.indices.filter { !used[$0] }.map { weights[$0].name } }

  /// All weights of a layer, in file order.
  mutating func all(ofLayer name: String) -> [StoredWeight] {
    indices(ofLayer: name).map { index in
      used[index] = true
      return StoredWeight(name: words[index].dropFirst().joined(separator: "/"), tensor: weights[index].tensor)
    }
  }

  /// The names that start with the layer's come first; else those that hold it further inside.
  private func indices(ofLayer name: String) -> [Int] {
    guard let found = places[name] else { return [] }
    let least = found.map(\.skipped).min() ?? 0
    return found.filter { $0.skipped == least }.map(\.weight)
  }

  /// The weights of a layer in its own order.
  /// - Throws: `FormatError` naming what is missing.
  mutating func weights(ofLayer name: String, _ specs: [WeightSpec]) throws -> [StoredWeight] {
    guard !specs.isEmpty else { return [] }
    var rest = indices(ofLayer: name)
    var result: [StoredWeight] = []
    let isNumbered = !rest.isEmpty && rest.allSatisfy { Int(words[$0].last ?? "") != nil }
    for spec in specs {
      let place = isNumbered ? rest.indices.first : rest.firstIndex { matches(words[$0], spec.name) }
      guard let place else {
        let found = rest.isEmpty ? "none" : rest.map { weights[$0].name }.joined(separator: ", ")
        throw FormatError(.missingReference, "expected the weight '\(name)/\(spec.name)', found \(found)")
      }
      let index = rest.remove(at: place)
      used[index] = true
      result.append(weights[index])
    }
    return result
  }

  /// Whether a name ends in a weight's: `kernel`, `query/kernel`.
  private func matches(_ words: [Substring], _ name: String) -> Bool {
    guard let slash = name.lastIndex(of: "/") else { return matches(words.last ?? "", name) }
    let last = String(name[name.index(after: slash)...])
    return matches(words.last ?? "", last) && words.dropLast().last == name[..<slash]
  }

  /// `kernel`, or `kernel_1` of a graph that had one already. A DepthwiseConv2D's has another name in Keras 3.
  private func matches(_ word: Substring, _ name: String) -> Bool {
    if word == name { return true }
    if name == "kernel", word.hasPrefix("depthwise_kernel") { return matches(word.dropFirst(10), name) }
    guard word.hasPrefix(name + "_") else { return false }
    return word.dropFirst(name.utf8.count + 1).allSatisfy(\.isNumber)
  }
}
