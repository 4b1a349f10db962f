import Foundation
import ModelGraph
import ModelRuntime
import ModelSupport
import ModelTensor
import ONNXFormat

/// One case of the suite: a model, and what it must give for what.
struct ConformanceCase {
  let directory: String
  let name: String
  /// Writes the model at this opset first, every node by its rule, and runs what was written.
  var opset: Int?
  /// Where what was written is kept, for other runtimes to run.
  var keep: String?
  /// Damages the model first, in a way that this number and the case's name determine.
  var seed: Int?
  var path: String { "\(directory)/\(name)" }

  func run() -> ConformanceResult {
    do {
      if let difference = try difference() { return ConformanceResult(name, .failed, difference) }
      return ConformanceResult(name, .passed)
    } catch let error as UnsupportedError {
      return ConformanceResult(name, .unsupported, error.description)
    } catch let error as ExecutionError where error.code == .noKernel {
      return ConformanceResult(name, .unsupported, error.description)
    } catch {
      return ConformanceResult(name, .failed, "\(error)")
    }
  }

  /// What is wrong with the results; `nil` when nothing is.
  private func difference() throws -> String? {
    var source = "\(path)/model.onnx"
    var damage = seed.map { Damage(seed: $0, name: name) }
    if damage != nil {
      let copy = "\(NSTemporaryDirectory())modelbench-damaged-\(ProcessInfo.processInfo.processIdentifier).onnx"
      try? FileManager.default.removeItem(atPath: copy)
      try damage?.model(source, to: copy)
      source = copy
    }
    defer { if seed != nil { try? FileManager.default.removeItem(atPath: source) } }
    let file = try ONNXFile(path: "\(path)/model.onnx")
    let model = try rewritten(try ONNXReader.read(source))
    let executor = try Executor(model, options: ExecutionOptions(memoryLimit: 1 << 30))
    let initializers = Set(file.graph.initializer.compactMap(\.name))
    let inputs = file.graph.input.filter { !initializers.contains($0.name ?? "") }
    var sets = 0
    while FileManager.default.fileExists(atPath: "\(path)/test_data_set_\(sets)") {
      var given = try load("input", inputs.map(\.type), set: sets)
      if damage != nil { given = damage?.inputs(given) ?? given }
      let expected = try load("output", file.graph.output.map(\.type), set: sets)
      let found = try executor.run(given)
      guard found.count == expected.count else { return "gives \(found.count) results, expected \(expected.count)" }
      for (index, pair) in zip(found, expected).enumerated() {
        let found = pair.0.dtype == .bfloat16 && pair.1.dtype == .uint16 ? pair.0.reinterpreted(as: .uint16) : pair.0
        if let difference = Comparison.difference(found, pair.1) { return "result \(index): \(difference)" }
      }
      sets += 1
    }
    return sets == 0 ? "the case holds no data" : nil
  }

  private func rewritten(_ model: Model) throws -> Model {
    guard let opset else { return model }
    var model = model
    // Without what the file said, nothing is repeated as it stood there.
    model.residue["onnx"] = nil
    let copy =
      keep.map { "\($0)/\(name).onnx" }
      ?? "\(NSTemporaryDirectory())modelbench-\(ProcessInfo.processInfo.processIdentifier).onnx"
    defer { if keep == nil { try? FileManager.default.removeItem(atPath: copy) } }
    _ = try ONNXWriter(opset: opset).write(model, to: copy)
    return try ONNXReader.read(copy)
  }

  private func load(_ kind: String, _ types: [TypeProto?], set: Int) throws -> [NDArray] {
    let files = ExternalFiles(directory: path)
    return try types.enumerated().map { index, type in
      let file = try MappedFile(path: "\(path)/test_data_set_\(set)/\(kind)_\(index).pb")
      if type?.sequenceType != nil { return try SequenceProto(reading: file).array(files) }
      if type?.optionalType != nil { return try OptionalProto(reading: file).array(files) }
      let array = try TensorProto(reading: file).tensor(files).array()
      // NumPy has no bfloat16: the suite's data holds the bits as uint16. Results are compared in that form too, which
      // leaves room for the rounding of the last bit.
      return kind == "input" && array.dtype == .uint16 && type?.type?.dtype == .bfloat16 ? array.reinterpreted(as: .bfloat16) : array
    }
  }
}
