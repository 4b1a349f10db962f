import ModelGraph
import ModelSupport
import ModelTensor

extension OpSignature {
  /// Fills in the attributes that follow from the dtypes of the inputs.
  /// - Throws: `GraphError` when the inputs do not fit the arguments; `UnsupportedError` for a dtype TensorFlow does not have.
  func infer(_ given: inout [String: AttrValue], from dtypes: [DType]) throws {
    func type(_ dtype: DType) throws -> DataType {
      guard let type = DataType(dtype) else { throw UnsupportedError("TensorFlow has no dtype \(dtype)") }
      return type
    }
    var position = 0
    // A list takes what the other arguments leave.
    let lists = inputs.filter { if case .repeated = $0.type { true } else if case .list = $0.type { true } else { false } }
    let rest = dtypes.count - (inputs.count - lists.count)
    guard rest >= 0, lists.count <= 1 || given.keys.contains(where: { $0 == "N" }) || lists.count > 1 else {
      throw GraphError(.wrongInputCount, "\(name) takes \(inputs.count) inputs, found \(dtypes.count)")
    }
    for (index, input) in inputs.enumerated() {
      let fixedBehind = inputs[(index + 1)...].count
      switch input.type {
      case .fixed: position += 1
      case .attribute(let attribute):
        guard position < dtypes.count else { break }
        if given[attribute] == nil { given[attribute] = .type(try type(dtypes[position])) }
        position += 1
      case .repeated(let count, let element):
        let taken = given[count]?.i.map { Int($0) } ?? (lists.count == 1 ? rest : dtypes.count - position - fixedBehind)
        if given[count] == nil { given[count] = .int(max(0, taken)) }
        if case .attribute(let attribute) = element, given[attribute] == nil, position < dtypes.count, taken > 0 {
          given[attribute] = .type(try type(dtypes[position]))
        }
        position += max(0, taken)
      case .list(let attribute):
        let taken = given[attribute]?.list?.type.count ?? (lists.count == 1 ? rest : dtypes.count - position - fixedBehind)
        let end = min(dtypes.count, position + max(0, taken))
        if given[attribute] == nil { given[attribute] = .types(try dtypes[min(position, end)..<end].map(type)) }
        position = end
      }
    }
    guard position == dtypes.count else {
      throw GraphError(.wrongInputCount, "\(name) takes \(position) inputs, found \(dtypes.count)")
    }
  }

  /// For each result of a node, flat: its output argument and the place in it.
  func outputPlaces(_ attributes: [String: AttrValue]) throws -> [(name: String, index: Int)] {
    var result: [(name: String, index: Int)] = []
    func value(_ name: String) -> AttrValue? {
      attributes[name] ?? self.attributes.first { $0.name == name }?.defaultValue
    }
    for output in outputs {
      let count: Int
      switch output.type {
      case .fixed, .attribute: count = 1
      case .repeated(let number, _): count = Int(value(number)?.i ?? 0)
      case .list(let list): count = value(list)?.list?.type.count ?? 0
      }
      guard (0...65536).contains(count), result.count <= 65536 else {
        throw FormatError(.limitExceeded, "\(name) with \(count) results")
      }
      for index in 0..<count { result.append((output.name, index)) }
    }
    return result
  }
}
