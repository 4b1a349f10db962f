import Foundation
import ModelGraph
import ModelOps
import ModelRuntime
import ModelTensor
import ONNXFormat
import Testing

/// Recurrent ops that ONNX's operators can't say are written as loops and compute the same.
@Suite struct RecurrentScanTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var kind: String, direction: RecurrentDirection
    var batchFirst = false, zeroes = false, masked = true, lengths = false, initial = false, clip: Float?
    var activation = RecurrentActivation(.tanh)
    var testDescription: String {
      "\(kind) \(direction.rawValue) \(activation.kind)\(batchFirst ? " batchFirst" : "")\(zeroes ? " zeroes" : "")\(masked ? " masked" : "")"
        + "\(lengths ? " lengths" : "")\(initial ? " initial" : "")\(clip == nil ? "" : " clip")"
    }
  }
  static let cases: [Case] = {
    var result: [Case] = []
    for kind in ["LSTM", "LSTM/peephole", "GRU", "GRU/after", "RNN"] {
      for direction in [RecurrentDirection.forward, .reverse, .bidirectional] {
        result.append(Case(kind: kind, direction: direction))
        result.append(Case(kind: kind, direction: direction, batchFirst: true, zeroes: true, initial: true))
        result.append(Case(kind: kind, direction: direction, lengths: true, initial: true, clip: 0.6))
        result.append(Case(kind: kind, direction: direction, batchFirst: true, masked: false, lengths: true, activation: .init(.silu)))
      }
    }
    for activation in RecurrentActivation.Kind.allCases {
      result.append(Case(kind: "RNN", direction: .forward, masked: false, activation: .init(activation)))
      result.append(Case(kind: "LSTM", direction: .forward, activation: .init(activation)))
    }
    return result
  }()

  @Test(arguments: cases)
  func computesTheSame(_ item: Case) throws {
    let (op, inputs) = try Self.make(item)
    for isVague in [false, true] {
      var context = GraphContext(Model(), graph: Graph())
      let values = inputs.enumerated().map { index, array in
        array.map { array in
          // Weights are constants; what a caller gives has an open batch.
          let isWeight = (1...3).contains(index)
          if isWeight { return context.graph.addConstant(Tensor(array)) }
          let shape =
            isVague && index != 4 ? Shape.ranked(array.shape.enumerated().map { $0 < 2 ? .unknown : .fixed($1) }) : array.type.shape
          return context.graph.addInput("x\(index)", TensorType(array.dtype, shape))
        }
      }
      for (index, result) in try context.append(op, values, name: "node").enumerated() { context.graph.addOutput("y\(index)", result) }
      var model = context.model
      model.graphs[.main] = context.graph
      let path = FileManager.default.temporaryDirectory.appending(path: "scan-\(UUID().uuidString).onnx").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      _ = try ONNXWriter(opset: 13).write(model, to: path)
      let given = inputs.enumerated().filter { !(1...3).contains($0.offset) }.compactMap(\.element)
      let found = try Executor(try ONNXReader.read(path)).run(given), expected = try Executor(model).run(given)
      try #require(found.count == expected.count)
      for (a, b) in zip(found, expected) {
        #expect(a.type == b.type)
        for (x, y) in zip(a.doubles(), b.doubles()) where abs(x - y) > 1e-5 * (1 + abs(y)) { Issue.record("\(x), expected \(y)"); return }
      }
    }
  }

  private static func make(_ item: Case) throws -> (any Op, [NDArray?]) {
    let time = 5, batch = 3, width = 4, h = 6, d = item.direction.count
    var state: UInt64 = 12345
    func numbers(_ shape: [Int]) -> NDArray {
      NDArray(
        (0..<shape.reduce(1, *)).map { _ -> Float in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return Float(Int(state >> 40) % 2000 - 1000) / 1000
        }, shape)
    }
    let gates = item.kind.hasPrefix("LSTM") ? 4 : item.kind.hasPrefix("GRU") ? 3 : 1
    let x = numbers(item.batchFirst ? [batch, time, width] : [time, batch, width])
    let start = item.batchFirst ? [batch, d, h] : [d, batch, h]
    let mask =
      item.masked
      ? NDArray((0..<(time * batch)).map { $0 * 7 % 5 != 1 && $0 != 3 }, item.batchFirst ? [batch, time] : [time, batch]) : nil
    var inputs: [NDArray?] = [
      x, numbers([d, gates * h, width]), numbers([d, gates * h, h]), numbers([d, 2 * gates * h]),
      item.lengths ? NDArray([5, 2, 4] as [Int32], [batch]) : nil, item.initial ? numbers(start) : nil,
    ]
    let f = item.activation, sigmoid = RecurrentActivation(.sigmoid)
    func twice(_ list: [RecurrentActivation]) -> [RecurrentActivation] { Array(repeating: list, count: d).flatMap { $0 } }
    switch gates {
    case 4:
      inputs += [item.initial ? numbers(start) : nil, item.kind.hasSuffix("peephole") ? numbers([d, 3 * h]) : nil, mask]
      return (
        LSTMOp(
          hiddenSize: h, direction: item.direction, activations: twice([sigmoid, f, f]), clip: item.clip, batchFirst: item.batchFirst,
          zeroOutputForMask: item.zeroes), inputs
      )
    case 3:
      return (
        GRUOp(
          hiddenSize: h, direction: item.direction, activations: twice([sigmoid, f]), clip: item.clip,
          linearBeforeReset: item.kind.hasSuffix("after"), batchFirst: item.batchFirst, zeroOutputForMask: item.zeroes), inputs + [mask]
      )
    default:
      return (
        RNNOp(
          hiddenSize: h, direction: item.direction, activations: twice([f]), clip: item.clip, batchFirst: item.batchFirst,
          zeroOutputForMask: item.zeroes), inputs + [mask]
      )
    }
  }
}
