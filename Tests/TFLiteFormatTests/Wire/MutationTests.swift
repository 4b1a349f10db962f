import FlatBufferWire
import Foundation
import ModelSupport
import Testing

@testable import TFLiteFormat

/// Damaged models in this process: whatever the bytes are, they are read or refused, quickly and in little memory.
///
/// `TFLITE_MUTATIONS` sets how many mutations there are, `MODELCTL_CORPUS` adds the files of a corpus to the small ones.
@Suite("Mutated TFLite files", .serialized) struct MutationTests {
  static let environment = ProcessInfo.processInfo.environment

  /// A model with every kind of thing in it.
  static func rich() throws -> [UInt8] {
    var model = TFLiteFileTests.model(
      [
        TFLiteTensor(shape: [1, 4], name: "x", shapeSignature: [-1, 4]),
        TFLiteTensor(
          shape: [2, 4], type: .int8, buffer: 1, name: "w", quantization: QuantizationParameters(scale: [1, 2], zeroPoint: [0, 0])),
        TFLiteTensor(shape: [2], type: .string, buffer: 2, name: "s"),
        TFLiteTensor(
          shape: [2, 4], type: .int4, buffer: 3,
          quantization: QuantizationParameters(
            details: .blockwiseQuantization(BlockwiseQuantization(scales: 4, zeroPoints: -1, blockSize: 2)))),
        TFLiteTensor(shape: [2, 2], buffer: 4),
        TFLiteTensor(shape: [2, 3], type: .int8, buffer: 5, sparsity: sparsity),
        TFLiteTensor(shape: [1, 2], name: "y"),
      ],
      [
        [1, 2, 3, 4, 5, 6, 7, 8], StringBuffer([[65], [66, 67]]).bytes ?? [], [1, 2, 3, 4],
        TFLiteFileTests.floats([1, 2, 3, 4]), [7, 8, 9], Array("1.14.0".utf8),
      ])
    model.operatorCodes = [
      OperatorCode(deprecatedBuiltinCode: 9, builtinCode: .fullyConnected), OperatorCode(customCode: "Odd", builtinCode: .custom),
    ]
    model.subgraphs?[0].inputs = [0]
    model.subgraphs?[0].outputs = [6]
    model.subgraphs?[0].operators = [
      TFLiteOperator(
        inputs: [0, 1, -1], outputs: [6], builtinOptions: .fullyConnectedOptions(FullyConnectedOptions(fusedActivationFunction: .relu))),
      TFLiteOperator(opcodeIndex: 1, inputs: [0], outputs: [6], customOptions: FlatBytes([1, 2, 3])),
    ]
    model.metadata = [TFLiteMetadata(name: "min_runtime_version", buffer: 6)]
    model.signatureDefs = [
      SignatureDef(
        inputs: [TensorMap(name: "x", tensorIndex: 0)], outputs: [TensorMap(name: "y", tensorIndex: 6)], signatureKey: "serving_default")
    ]
    return try model.encoded()
  }
  private static var sparsity: SparsityParameters {
    func indices(_ values: [UInt16]) -> SparseIndexVector { .uint16Vector(Uint16Vector(values: values)) }
    return SparsityParameters(
      traversalOrder: [1, 0],
      dimMetadata: [
        DimensionMetadata(denseSize: 3),
        DimensionMetadata(format: .sparseCsr, arraySegments: indices([0, 1, 1, 3]), arrayIndices: indices([1, 0, 1])),
      ])
  }

  static func sources() throws -> [[UInt8]] {
    var sources = [try rich()]
    for name in ["control", "convolution", "recurrent"] {
      sources.append([UInt8](try Data(contentsOf: MalformedTests.fixtures.appendingPathComponent("tflite/small/\(name).tflite"))))
    }
    guard let corpus = environment["MODELCTL_CORPUS"] else { return sources }
    let names = FileManager.default.enumerator(atPath: corpus)?.compactMap { $0 as? String } ?? []
    for name in names.sorted() where name.hasSuffix(".tflite") || name.hasSuffix(".bin") {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(corpus)/\(name)")))
      if bytes.count < 300_000, bytes.dropFirst(4).starts(with: Array("TFL3".utf8)) { sources.append(bytes) }
    }
    return sources
  }

  /// A generator with the same numbers every time.
  struct Numbers {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(max(1, bound)))
    }
    /// A few bytes overwritten, mostly where the tables are: with borders, with small numbers, or cut off.
    mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
      var bytes = bytes
      if next(20) == 0 { return Array(bytes.prefix(next(bytes.count))) }
      for _ in 0...next(4) {
        let reach = next(3) == 0 ? bytes.count : min(bytes.count, 4096)
        let place = next(2) == 0 ? next(reach) : bytes.count - 1 - next(reach)
        switch next(4) {
        case 0: bytes[place] = UInt8(next(256))
        case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][next(5)]
        case 2: bytes[place] ^= 1 << UInt8(next(8))
        default:
          let word = [0, 1, -1, 4, Int(Int32.max), Int(Int32.min), bytes.count, next(1 << 16)][next(8)]
          for index in 0..<4 where place / 4 * 4 + index < bytes.count {
            bytes[place / 4 * 4 + index] = UInt8(truncatingIfNeeded: word >> (8 * index))
          }
        }
      }
      return bytes
    }
  }

  @Test func endWell() throws {
    let sources = try Self.sources(), runs = Self.environment["TFLITE_MUTATIONS"].flatMap { Int($0) } ?? 1500
    var numbers = Numbers(state: 0x9E37_79B9_7F4A_7C15), read = 0, refused = 0, slowest = Duration.zero
    for _ in 0..<runs {
      let bytes = numbers.mutate(sources[numbers.next(sources.count)])
      let start = ContinuousClock.now
      do {
        let file = try TFLiteFile(reading: MemorySource(bytes))
        for index in file.subgraphs.indices { _ = file.entryPoint(subgraph: index) }
        _ = (file.signatures, file.minimumRuntimeVersion, file.trailer?.count)
        _ = (try? file.conversionMetadata(), try? file.modelMetadata())
        // Laid out again, the tables are the same; compared as bytes, for numbers that equal nothing.
        if file.unknownFieldCount == 0, bytes.count < 100_000 {
          let again = try file.model.encoded()
          #expect(try TFLiteModel(reading: again).encoded() == again)
        }
        try MalformedTests.readEverything(file)
        read += 1
      } catch is FormatError { refused += 1 } catch is UnsupportedError { refused += 1 }
      slowest = max(slowest, ContinuousClock.now - start)
    }
    print("\(runs) mutations of \(sources.count) files: \(read) read, \(refused) refused, the slowest in \(slowest)")
    #expect(read > runs / 20 && refused > runs / 20)
    #expect(slowest < .seconds(20))
  }
}
