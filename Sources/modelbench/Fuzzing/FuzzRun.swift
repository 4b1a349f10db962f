import Foundation
import ModelKit

/// One damaged model: made by its number, then inspected, or converted and with that executed.
struct FuzzRun {
  private var state: UInt64
  private let source: String
  private let directory: String
  private let isWhole: Bool
  var name: String { URL(fileURLWithPath: source).lastPathComponent }

  /// - Parameter isWhole: whether the files are taken as they are, one after the other.
  init(files: [String], number: Int, isWhole: Bool, directory: String) {
    // splitmix64, so that neighbours have nothing in common.
    var mixed = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    state = (mixed ^ mixed >> 27) | 1
    self.directory = directory
    self.isWhole = isWhole
    source = files[isWhole ? number % files.count : Int(mixed % UInt64(files.count))]
  }

  private mutating func next(_ bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(max(1, bound)))
  }

  /// Writes the damaged model to `path` and uses it.
  /// - Returns: what came of it, in one word.
  mutating func run(_ path: String) throws -> String {
    let original = try Data(contentsOf: URL(fileURLWithPath: source))
    try (isWhole ? original : Data(damaged([UInt8](original)))).write(to: URL(fileURLWithPath: path))
    let target = ["onnx", "tflite", "keras", "pb", "inspect", "run"][next(6)]
    let result = "\(directory)/result" + (target == "pb" ? "" : ".\(target)")
    defer { try? FileManager.default.removeItem(atPath: result) }
    do {
      if target == "inspect" {
        _ = try FormatRegistry.inspect(path)
        return "inspected"
      }
      if target == "run" { return try execute(path) }
      var options = ConversionOptions()
      options.format = target == "pb" ? .savedmodel : ModelFormat(destination: result)
      options.verification?.samples = 1
      options.verification?.execution = execution
      _ = try Converter(options: options).convert(path, to: result)
      return "converted"
    } catch is FormatError { return "refused" } catch is UnsupportedError { return "unsupported" } catch is VerificationFailure {
      return "different"
    } catch { return "failed" }
  }

  /// A damaged model may ask for more than a whole one: what it computes is bounded here more narrowly than elsewhere.
  private var execution: ExecutionOptions { ExecutionOptions(memoryLimit: 256 << 20, loopTime: .seconds(10)) }

  /// Runs the model once, as a library's user does.
  private func execute(_ path: String) throws -> String {
    let interpreter = try Interpreter(path: path, options: execution)
    try interpreter.allocateTensors()
    let environment = ExecutionContext(primitives: ReferencePrimitives())
    for (index, input) in interpreter.inputDetails.enumerated() {
      guard let count = checkedProduct(input.shape), count <= 1 << 22 else { return "refused" }
      let numbers = NDArray((0..<count).map { Int64($0 % 7) - 2 }, input.shape)
      try interpreter.setInput(
        index, input.dtype == .string ? NDArray(zeros: .string, input.shape) : numbers.cast(to: input.dtype, in: environment))
    }
    try interpreter.invoke()
    return "ran"
  }

  /// Some bytes or words overwritten, most of the time where the tables are, moved or cut off.
  private mutating func damaged(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    guard !bytes.isEmpty else { return bytes }
    if next(40) == 0 { return Array(bytes.prefix(next(bytes.count))) }
    for _ in 0...next(3) {
      let reach = next(3) == 0 ? bytes.count : min(bytes.count, 8192)
      let place = next(2) == 0 ? next(reach) : bytes.count - 1 - next(reach)
      switch next(5) {
      case 0: bytes[place] = UInt8(next(256))
      case 1: bytes[place] = [0, 1, 2, 3, 0x7F, 0x80, 0xFF][next(7)]
      case 2: bytes[place] ^= 1 << UInt8(next(8))
      case 3: copy(&bytes, next(bytes.count) / 4 * 4, place / 4 * 4)
      default:
        let word = [0, 1, -1, 2, 3, 4, 5, 7, 64, 1 << 16, 1 << 24, Int(Int32.max), Int(Int32.min), bytes.count, next(1 << 16)][next(15)]
        for index in 0..<4 where place / 4 * 4 + index < bytes.count {
          bytes[place / 4 * 4 + index] = UInt8(truncatingIfNeeded: word >> (8 * index))
        }
      }
    }
    return bytes
  }

  /// One word where another stood: an index, a code or an extent that occurs elsewhere.
  private func copy(_ bytes: inout [UInt8], _ from: Int, _ to: Int) {
    for index in 0..<4 where from + index < bytes.count && to + index < bytes.count { bytes[to + index] = bytes[from + index] }
  }
}
