import Foundation
import ModelGraph
import ModelSupport
import ModelTensor
import ONNXFormat
import ProtobufWire

/// Damages a case, reproducibly: bytes of its model, or numbers in its attributes, shapes and integer inputs. Whatever comes of
/// it must be an error or a result, never a crash.
struct Damage {
  private var state: UInt64
  private let harms: Harm
  private enum Harm: CaseIterable { case bytes, model, inputs, both }

  init(seed: Int, name: String) {
    // FNV-1a, so that each case is damaged elsewhere, and the same one always alike.
    state = name.utf8.reduce(0xcbf2_9ce4_8422_2325 ^ UInt64(truncatingIfNeeded: seed)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    harms = [.model, .inputs, .both, .bytes][abs(seed) % 4]
  }

  private mutating func next(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % max(1, limit)
  }

  private mutating func oddNumber(_ old: Int64) -> Int64 {
    let odd: [Int64] = [
      0, 1, -1, 2, 3, 7, -2, -3, 100, 65535, 65536, 1 << 31, -(1 << 31), 1 << 32, 1 << 40, 1 << 62, .max, .min, old &+ 1, old &- 1,
      old &* 2, -(old == .min ? 0 : old),
    ]
    return odd[next(odd.count)]
  }
  private mutating func oddFloat(_ old: Float) -> Float {
    let odd: [Float] = [0, -0.0, 1, -1, .nan, .infinity, -.infinity, 1e30, -1e30, 1e-30, old + 1, -old]
    return odd[next(odd.count)]
  }

  /// A damaged copy of the model at `path`.
  mutating func model(_ path: String, to copy: String) throws {
    switch harms {
    case .inputs: try FileManager.default.copyItem(atPath: path, toPath: copy)
    case .bytes:
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      if !bytes.isEmpty {
        let place = next(bytes.count)
        bytes[place] = [bytes[place] ^ 1 << UInt8(next(8)), UInt8(next(256)), 0, 0x7f, 0x80, 0xff][next(6)]
      }
      try Data(bytes).write(to: URL(fileURLWithPath: copy))
    case .model, .both:
      var model = try ModelProto(reading: try MappedFile(path: path))
      if var graph = model.graph {
        for _ in 0...next(2) { harm(&graph) }
        model.graph = graph
      }
      try model.write(to: copy)
    }
  }

  private mutating func harm(_ graph: inout GraphProto) {
    let kind = next(8)
    if kind == 0, !graph.input.isEmpty {
      let index = next(graph.input.count)
      if var type = graph.input[index].type, var tensor = type.tensorType?.value {
        if next(2) == 0 {
          tensor.elemType = TensorProto.DataType(rawValue: Int32(next(27)))
        } else if var shape = tensor.shape, !shape.dim.isEmpty {
          let axis = next(shape.dim.count)
          switch next(3) {
          case 0: shape.dim.remove(at: axis)
          case 1: shape.dim[axis].dimValue = oddNumber(shape.dim[axis].dimValue ?? 0)
          default: shape.dim[axis].dimValue = nil
          }
          tensor.shape = shape
        }
        type.tensorType = Indirect(tensor)
        graph.input[index].type = type
      }
      return
    }
    guard !graph.node.isEmpty else { return }
    let index = next(graph.node.count)
    var node = graph.node[index]
    if kind == 1, !node.input.isEmpty {
      switch next(3) {
      case 0: node.input.removeLast()
      case 1: node.input[next(node.input.count)] = ""
      default: node.input.swapAt(next(node.input.count), next(node.input.count))
      }
    } else if kind == 2, !node.attribute.isEmpty {
      node.attribute.remove(at: next(node.attribute.count))
    } else if !node.attribute.isEmpty {
      let place = next(node.attribute.count)
      var attribute = node.attribute[place]
      if let i = attribute.i { attribute.i = oddNumber(i) }
      if let f = attribute.f { attribute.f = oddFloat(f) }
      if !attribute.ints.isEmpty {
        switch next(4) {
        case 0: attribute.ints.removeLast()
        case 1: attribute.ints.append(oddNumber(1))
        default:
          let at = next(attribute.ints.count)
          attribute.ints[at] = oddNumber(attribute.ints[at])
        }
      }
      if !attribute.floats.isEmpty {
        let at = next(attribute.floats.count)
        if next(3) == 0 { attribute.floats.removeLast() } else { attribute.floats[at] = oddFloat(attribute.floats[at]) }
      }
      if var body = attribute.g?.value {
        harm(&body)
        attribute.g = Indirect(body)
      }
      node.attribute[place] = attribute
    }
    graph.node[index] = node
  }

  /// The inputs with an odd number in one of the integer ones, or another shape.
  mutating func inputs(_ arrays: [NDArray]) -> [NDArray] {
    guard harms == .inputs || harms == .both, !arrays.isEmpty else { return arrays }
    var arrays = arrays
    let whole = arrays.indices.filter { arrays[$0].dtype == .int64 && arrays[$0].count > 0 }
    if let index = whole.isEmpty ? nil : whole[next(whole.count)], next(3) > 0 {
      var values = arrays[index].values(Int64.self)
      for _ in 0...next(2) {
        let place = next(values.count)
        values[place] = oddNumber(values[place])
      }
      arrays[index] = NDArray(values, arrays[index].shape)
    } else {
      let index = next(arrays.count), array = arrays[index]
      guard array.dtype != .variant else { return arrays }
      switch next(3) {
      case 0: arrays[index] = array.reshaped([array.count])
      case 1 where array.rank > 0 && array.shape[0] > 0: arrays[index] = array.slice(0..<(array.shape[0] - 1))
      default: arrays[index] = array.reshaped([1] + array.shape)
      }
    }
    return arrays
  }
}
