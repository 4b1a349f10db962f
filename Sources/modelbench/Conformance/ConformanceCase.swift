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
    let file = try ONNXFile(path: "\(path)/model.onnx")
    let model = try ONNXReader.read("\(path)/model.onnx")
    let executor = try Executor(model)
    let initializers = Set(file.graph.initializer.compactMap(\.name))
    let inputs = file.graph.input.filter { !initializers.contains($0.name ?? "") }
    var sets = 0
    while FileManager.default.fileExists(atPath: "\(path)/test_data_set_\(sets)") {
      let given = try load("input", inputs.map(\.type), set: sets)
      let expected = try load("output", file.graph.output.map(\.type), set: sets)
      let found = try executor.run(given)
      guard found.count == expected.count else { return "gives \(found.count) results, expected \(expected.count)" }
      for (index, pair) in zip(found, expected).enumerated() {
        if let difference = Comparison.difference(pair.0, pair.1) { return "result \(index): \(difference)" }
      }
      sets += 1
    }
    return sets == 0 ? "the case holds no data" : nil
  }

  private func load(_ kind: String, _ types: [TypeProto?], set: Int) throws -> [NDArray] {
    let files = ExternalFiles(directory: path)
    return try types.enumerated().map { index, type in
      let file = try MappedFile(path: "\(path)/test_data_set_\(set)/\(kind)_\(index).pb")
      if type?.sequenceType != nil { return try SequenceProto(reading: file).array(files) }
      if type?.optionalType != nil { return try OptionalProto(reading: file).array(files) }
      return try TensorProto(reading: file).tensor(files).array()
    }
  }
}
