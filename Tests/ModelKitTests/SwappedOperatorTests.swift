import FlatBufferWire
import Foundation
import ModelKit
import ModelRuntime
import ModelSupport
import TFLiteFormat
import Testing

/// Sound tables whose operators are other ones than their tensors are made for: every code of the schema takes the place of
/// an operator of a real file, with options of its own, of other operators or none. Such a file is refused or run.
///
/// `TFLITE_SWAPS=all` tries every file with every code, else each code meets some of them.
@Suite("TFLite operators in the place of others", .serialized) struct SwappedOperatorTests {
  static let files: [String] = {
    let folders = ["tflite", "trained"].map { WholeModelCase.fixtures.appending(path: $0) }
    let paths = folders.flatMap { folder in
      (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []).map { folder.appending(path: $0).path }
    }
    return paths.filter { $0.hasSuffix(".tflite") && ((try? MappedFile(path: $0).count) ?? .max) < 60_000 }.sorted()
  }()
  static let models = files.compactMap { path in (try? TFLiteFile(path: path).selfContained()).map { (path, $0) } }
  static let options: [(BuiltinOptions, BuiltinOptions2)] = models.flatMap { _, model in
    (model.subgraphs ?? []).flatMap { ($0.operators ?? []).map { ($0.builtinOptions, $0.builtinOptions2) } }
  }
  /// Formats that the files are converted to.
  static let targets = ["x.onnx", "x.keras", "x.tflite", "saved", "x.json"]

  @Test(arguments: Array(0...209)) func endsWell(_ code: Int) throws {
    try #require(Self.models.count > 20 && Self.options.count > 200)
    let isAll = ProcessInfo.processInfo.environment["TFLITE_SWAPS"] == "all"
    for (number, (path, model)) in Self.models.enumerated() where isAll || (number + code) % 13 == 0 {
      let swapped = Self.swap(model, code, number)
      let place = "code \(code) in \(path.split(separator: "/").suffix(2).joined(separator: "/"))"
      // Laid out again, the tables are the same.
      let bytes = try swapped.encoded()
      #expect(try TFLiteModel(reading: bytes) == swapped, "\(place)")
      let folder = FileManager.default.temporaryDirectory.appending(path: "swapped-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let source = "\(folder)/source.tflite"
      try Data(bytes).write(to: URL(fileURLWithPath: source))
      let start = ContinuousClock.now, outcome = Self.use(source, folder, number + code)
      #expect(ContinuousClock.now - start < .seconds(60), "\(place)")
      if isAll { print("\(place): \(outcome)") }
    }
  }

  /// One operator of each subgraph with another code.
  static func swap(_ model: TFLiteModel, _ code: Int, _ number: Int) -> TFLiteModel {
    var model = model
    let index = UInt32(model.operatorCodes?.count ?? 0)
    model.operatorCodes =
      (model.operatorCodes ?? []) + [
        OperatorCode(
          deprecatedBuiltinCode: Int8(min(code, 127)), version: Int32(1 + (code + number) % 5),
          builtinCode: BuiltinOperator(rawValue: Int32(code)))
      ]
    for graph in (model.subgraphs ?? []).indices {
      let count = model.subgraphs?[graph].operators?.count ?? 0
      guard count > 0 else { continue }
      let place = (code &* 7 &+ number &* 3) % count
      model.subgraphs?[graph].operators?[place].opcodeIndex = index
      guard (code + number) % 4 != 0 else { continue }
      let other = options[(code &* 31 &+ number &* 17 &+ graph) % options.count]
      let isBare = (code + number) % 4 == 1
      model.subgraphs?[graph].operators?[place].builtinOptions = isBare ? BuiltinOptions.none : other.0
      model.subgraphs?[graph].operators?[place].builtinOptions2 = isBare ? BuiltinOptions2.none : other.1
    }
    return model
  }

  /// Inspects the file, runs it and converts it.
  private static func use(_ source: String, _ folder: String, _ number: Int) -> String {
    let target = targets[number % targets.count]
    do {
      _ = try FormatRegistry.inspect(source)
      var options = ConversionOptions()
      options.format = target == "saved" ? .savedmodel : target == "x.json" ? .tfjsGraph : ModelFormat(destination: target)
      options.verification?.samples = 1
      options.verification?.execution = ExecutionOptions(memoryLimit: 256 << 20, loopTime: .seconds(5))
      _ = try Converter(options: options).convert(source, to: "\(folder)/\(target)")
      return "\(target) converted"
    } catch let error as FormatError {
      return "refused \(error)"
    } catch { return "\(target) \(type(of: error)) \(String("\(error)".prefix(300)).replacing("\n", with: " "))" }
  }
}
