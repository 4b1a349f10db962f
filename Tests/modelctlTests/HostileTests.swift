import Foundation
import ModelSupport
import Testing

/// Well-formed models that ask for what nobody has, through the command: `fixtures/malformed/commands/generate.py` makes them
/// and says what is expected.
@Suite(.serialized) struct HostileTests {
  struct Case: CustomTestStringConvertible {
    let file: String, code: Int?, message: String, unverified: Int?
    var testDescription: String { file }
  }

  static let directory = MutationTests.root + "/malformed/commands"
  static let cases: [Case] = {
    guard let data = FileManager.default.contents(atPath: directory + "/expected.json"), let json = try? JSONValue(parsing: [UInt8](data))
    else { return [] }
    return (json.arrayValue ?? []).map {
      Case(
        file: $0["file"]?.stringValue ?? "", code: $0["code"]?.intValue, message: $0["message"]?.stringValue ?? "",
        unverified: $0["unverified"]?.intValue)
    }
  }()

  /// Whether a demand is called impossible (65) or too large (69), and whether already as the model is read or only as it runs, depends on
  /// where it is noticed: either is a clear ending.
  static func allowed(_ code: Int) -> [Int] {
    switch code {
    case 69: [65, 69]
    case 0: [0, 65, 69]
    default: [code]
    }
  }

  @Test func thereAreCases() { #expect(Self.cases.count > 50) }

  @Test(arguments: cases) func endsAsExpected(_ hostile: Case) throws {
    let scratch = try Scratch(), source = "\(Self.directory)/\(hostile.file)"
    let target = scratch.file(hostile.file.hasSuffix(".keras") ? "out.keras" : "out.onnx")
    for (arguments, code) in [(["--no-verify"], hostile.unverified), ([], hostile.code)] {
      let start = ContinuousClock.now
      let result = try Command(limited: ["convert", source, target, "--samples", "1"] + arguments)
      #expect(ContinuousClock.now - start < .seconds(60))
      #expect([0, 1, 65, 69].contains(result.code), "\(arguments): \(result.code) \(result.errors.prefix(2000))")
      if let code { #expect(Self.allowed(code).contains(Int(result.code)), "\(arguments): \(result.code) \(result.errors.prefix(2000))") }
      if result.code != 0 {
        #expect(scratch.names.isEmpty && !result.errors.isEmpty, "\(scratch.names)")
        if arguments.isEmpty {
          #expect(hostile.message.isEmpty || result.errors.contains(hostile.message), "\(result.errors.prefix(2000))")
        }
      }
      try? FileManager.default.removeItem(atPath: target)
    }
  }

  /// The writers of all formats end as clearly: each works out tables and constants of its own.
  @Test(arguments: cases) func endsInEveryFormat(_ hostile: Case) throws {
    let scratch = try Scratch(), source = "\(Self.directory)/\(hostile.file)"
    for target in ["keras", "h5", "tflite", "savedmodel", "tfjs-graph"] {
      let output = scratch.file(["keras": "out.keras", "h5": "out.h5", "tflite": "out.tflite"][target] ?? "out")
      let start = ContinuousClock.now
      let result = try Command(limited: ["convert", source, output, "--to", target, "--force", "--no-verify"])
      #expect(ContinuousClock.now - start < .seconds(60), "\(target)")
      #expect([0, 65, 69].contains(result.code), "\(target): \(result.code) \(result.errors.prefix(2000))")
      #expect(result.code == 0 || !result.errors.isEmpty, "\(target)")
      try? FileManager.default.removeItem(atPath: output)
    }
  }
}
