import FlatBufferWire
import Foundation
import ModelSupport
import ModelTensor
import Testing

@testable import TFLiteFormat

@Suite("TFLite files") struct TFLiteFileTests {
  /// A model of one subgraph with the given tensors; buffer 0 is the empty one.
  static func model(_ tensors: [TFLiteTensor], _ buffers: [[UInt8]] = []) -> TFLiteModel {
    TFLiteModel(
      version: 3, operatorCodes: [OperatorCode()], subgraphs: [TFLiteSubGraph(tensors: tensors, inputs: [], outputs: [], operators: [])],
      buffers: [TFLiteBuffer()] + buffers.map { TFLiteBuffer(data: FlatBytes($0)) })
  }
  static func file(_ model: TFLiteModel) throws -> TFLiteFile { try TFLiteFile(reading: MemorySource(try model.encoded())) }
  static func little(_ values: [Int32]) -> [UInt8] { values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) } } }
  static func floats(_ values: [Float]) -> [UInt8] { little(values.map { Int32(bitPattern: $0.bitPattern) }) }

  // MARK: Operators

  @Test func oldAndNewOperatorCodes() throws {
    var model = Self.model([])
    model.operatorCodes = [
      OperatorCode(deprecatedBuiltinCode: 3, version: 2), OperatorCode(deprecatedBuiltinCode: 127, builtinCode: .gelu),
      OperatorCode(deprecatedBuiltinCode: 32, customCode: "Odd", builtinCode: .custom),
      OperatorCode(builtinCode: BuiltinOperator(rawValue: 999)),
    ]
    let file = try Self.file(model)
    let found = (0..<4).map { file.opcode(of: TFLiteOperator(opcodeIndex: $0)) }
    #expect(found.map(\.builtin) == [.conv2d, .gelu, .custom, BuiltinOperator(rawValue: 999)])
    #expect(found.map(\.customName) == [nil, nil, "Odd", nil])
    #expect(found.map(\.version) == [2, 1, 1, 1])
    #expect((0..<4).map { file.displayName(of: TFLiteOperator(opcodeIndex: $0)) } == ["CONV_2D", "GELU", "Odd", "999"])
  }

  // MARK: Types

  @Test func everyTensorTypeHasADtype() {
    #expect(TFLiteTensorType.known.count == 23)
    #expect(Set(TFLiteTensorType.known.compactMap(\.dtype)).count == 23)
    for type in TFLiteTensorType.known { #expect(type.dtype.flatMap { TFLiteTensorType($0) } == type) }
  }

  @Test func shapeSignaturesLeaveExtentsOpen() throws {
    let file = try Self.file(Self.model([TFLiteTensor(shape: [1, 4], shapeSignature: [-1, 4]), TFLiteTensor(shape: [2, 2])]))
    #expect(try file.tensorType(0, subgraph: 0).shape == .ranked([.unknown, 4]))
    #expect(try file.tensorType(1, subgraph: 0).shape == Shape([2, 2]))
  }

  @Test func quantisationIsPerTensorOrPerAxis() throws {
    let file = try Self.file(
      Self.model([
        TFLiteTensor(shape: [2, 3], type: .int8, quantization: QuantizationParameters(scale: [0.5], zeroPoint: [-3])),
        TFLiteTensor(
          shape: [2, 3], type: .int8, quantization: QuantizationParameters(scale: [1, 2, 3], zeroPoint: [0, 0, 0], quantizedDimension: 1)),
        TFLiteTensor(
          shape: [2, 3], type: .int8, quantization: QuantizationParameters(scale: [1, 2], zeroPoint: [0, 0], quantizedDimension: 1)),
        TFLiteTensor(shape: [2, 3], type: .int8, quantization: QuantizationParameters(scale: [1])),
        // A bias with the axis of its weights: a vector has one only.
        TFLiteTensor(
          shape: [2], type: .int32, quantization: QuantizationParameters(scale: [1, 2], zeroPoint: [0, 0], quantizedDimension: 3)),
        TFLiteTensor(
          shape: [2], type: .int32, quantization: QuantizationParameters(scale: [1, 2, 3], zeroPoint: [0, 0, 0], quantizedDimension: 3)),
      ]))
    #expect(try file.tensorType(0, subgraph: 0).quantization == Quantization(scales: [0.5], zeroPoints: [-3]))
    #expect(try file.tensorType(1, subgraph: 0).quantization == Quantization(scales: [1, 2, 3], axis: 1))
    #expect(throws: FormatError.self) { try file.tensorType(2, subgraph: 0) }
    #expect(throws: FormatError.self) { try file.tensorType(3, subgraph: 0) }
    #expect(try file.tensorType(4, subgraph: 0).quantization == Quantization(scales: [1, 2], axis: 0))
    #expect(throws: FormatError.self) { try file.tensorType(5, subgraph: 0) }
  }

  @Test func scalesOfBlocksStandInAnotherTensor() throws {
    let details = QuantizationDetails.blockwiseQuantization(BlockwiseQuantization(scales: 1, zeroPoints: -1, blockSize: 2))
    let halves: [Float16] = [0.5, 1, 2, 4]
    let scales = halves.flatMap { half in withUnsafeBytes(of: half.bitPattern.littleEndian) { [UInt8]($0) } }
    let file = try Self.file(
      Self.model(
        [
          TFLiteTensor(shape: [2, 4], type: .int4, buffer: 1, quantization: QuantizationParameters(details: details)),
          TFLiteTensor(shape: [2, 2], type: .float16, buffer: 2),
        ], [[0x21, 0xF3, 0, 0], scales]))
    #expect(try file.tensorType(0, subgraph: 0).quantization == Quantization(scales: [0.5, 1, 2, 4], axis: 1, block: 2))
    let weight = try #require(try file.tensor(0, subgraph: 0))
    #expect(try weight.array().integers() == [1, 2, 3, -1, 0, 0, 0, 0])
  }

  // MARK: Values

  @Test func stringsAreReadAndWrittenAlike() throws {
    let strings = ["", "zwei", "ß"].map { Array($0.utf8) }
    let bytes = try #require(StringBuffer(strings).bytes)
    let file = try Self.file(Self.model([TFLiteTensor(shape: [3], type: .string, buffer: 1)], [bytes]))
    #expect(try file.tensor(0, subgraph: 0)?.array().strings == strings)
    #expect(try StringBuffer(FlatBytes(Self.little([0, 8]))).strings.isEmpty)
    for wrong in [
      Self.little([1, 12]), Self.little([-1, 8]), Self.little([2, 16, 12, 16]), Self.little([1, 12, 13]), Self.little([.max, 8]),
    ] {
      #expect(throws: FormatError.self) { try StringBuffer(FlatBytes(wrong)) }
    }
  }

  /// The example of the schema's comments: a 4 × 4 matrix in blocks of 2 × 2, of which three are there.
  @Test func sparseTensorsBecomeDense() throws {
    func indices(_ values: [UInt8]) -> SparseIndexVector { .uint8Vector(Uint8Vector(values: FlatBytes(values))) }
    let sparsity = SparsityParameters(
      traversalOrder: [0, 1, 2, 3], blockMap: [0, 1],
      dimMetadata: [
        DimensionMetadata(denseSize: 2),
        DimensionMetadata(format: .sparseCsr, arraySegments: indices([0, 2, 3]), arrayIndices: indices([0, 1, 1])),
        DimensionMetadata(denseSize: 2), DimensionMetadata(denseSize: 2),
      ])
    let values: [UInt8] = [1, 0, 0, 4, 2, 3, 0, 0, 5, 0, 0, 6]
    let file = try Self.file(Self.model([TFLiteTensor(shape: [4, 4], type: .int8, buffer: 1, sparsity: sparsity)], [values]))
    let dense = try #require(try file.tensor(0, subgraph: 0)).array().integers()
    #expect(dense == [1, 0, 2, 3, 0, 4, 0, 0, 0, 0, 5, 0, 0, 0, 0, 6])
    // Column after column.
    let columns = SparsityParameters(
      traversalOrder: [1, 0],
      dimMetadata: [
        DimensionMetadata(denseSize: 3),
        DimensionMetadata(format: .sparseCsr, arraySegments: indices([0, 1, 1, 3]), arrayIndices: indices([1, 0, 1])),
      ])
    let other = try Self.file(Self.model([TFLiteTensor(shape: [2, 3], type: .int8, buffer: 1, sparsity: columns)], [[7, 8, 9]]))
    #expect(try other.tensor(0, subgraph: 0)?.array().integers() == [0, 0, 8, 7, 0, 9])
  }

  @Test func emptyBuffersAreNoConstants() throws {
    let file = try Self.file(
      Self.model([TFLiteTensor(shape: [2], buffer: 1), TFLiteTensor(shape: [0], buffer: 1), TFLiteTensor(shape: [2])], [[]]))
    #expect(try file.tensor(0, subgraph: 0) == nil)
    #expect(try file.tensor(1, subgraph: 0)?.elementCount == 0)
    #expect(try file.tensor(2, subgraph: 0) == nil)
  }

  // MARK: Buffers elsewhere

  @Test func largeModelsHaveTheirBuffersBehindTheTables() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tflite-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = Self.model(
      [TFLiteTensor(shape: [2], buffer: 1), TFLiteTensor(shape: [3], buffer: 2)],
      [Self.floats([1, 2]), Self.floats([3, 4, 5])])
    let path = folder.appendingPathComponent("outside.tflite").path
    try model.write(to: path, limit: 250)
    let file = try TFLiteFile(path: path)
    #expect(file.model.buffers?[1].data == nil)
    #expect(file.model.buffers?.allSatisfy { $0.offset % 16 == 0 } == true)
    #expect(file.trailer == nil)
    #expect(try file.tensor(0, subgraph: 0)?.array().values(Float.self) == [1, 2])
    #expect(try file.tensor(1, subgraph: 0)?.array().values(Float.self) == [3, 4, 5])
    #expect(try file.selfContained() == model)
    let copy = folder.appendingPathComponent("copy.tflite").path
    try file.copy(to: copy)
    #expect(try TFLiteFile(path: copy).model == model)
  }

  @Test func buffersInOtherFiles() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tflite-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var model = Self.model([TFLiteTensor(shape: [2], externalBuffer: 7)])
    model.externalBufferGroups = [ExternalBufferGroup(name: "weights.bin")]
    model.externalBuffers = [ExternalBuffer(id: 7, offset: 4, length: 8)]
    try Data([0, 0, 0, 0] + Self.floats([1, 2])).write(to: folder.appendingPathComponent("weights.bin"))
    let path = folder.appendingPathComponent("model.tflite").path
    try model.write(to: path)
    let file = try TFLiteFile(path: path)
    #expect(try file.tensor(0, subgraph: 0)?.array().values(Float.self) == [1, 2])
    #expect(try file.selfContained().buffers?.count == 2)
    model.externalBufferGroups = [ExternalBufferGroup(name: "../weights.bin")]
    try model.write(to: path)
    #expect(throws: FormatError.self) { try TFLiteFile(path: path).tensor(0, subgraph: 0) }
  }

  @Test func whatStandsBehindTheModelIsKept() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tflite-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let bytes = try Self.model([TFLiteTensor(shape: [1], buffer: 1)], [[1, 2, 3, 4]]).encoded()
    let path = folder.appendingPathComponent("a.tflite"), copy = folder.appendingPathComponent("b.tflite")
    try Data(bytes + Array("more".utf8)).write(to: path)
    let file = try TFLiteFile(path: path.path)
    #expect(try file.trailer?.bytes() == Array("more".utf8))
    try file.copy(to: copy.path)
    #expect(try Data(contentsOf: copy) == Data(contentsOf: path))
    #expect(try TFLiteFile(reading: MemorySource(bytes)).trailer == nil)
  }

  // MARK: Signatures

  @Test func signaturesNameTensorsInTheOrderOfTheSubgraph() throws {
    var model = Self.model([TFLiteTensor(name: "a"), TFLiteTensor(name: "b"), TFLiteTensor(name: "c")])
    model.subgraphs?[0].inputs = [1, 0]
    model.subgraphs?[0].outputs = [2, 2]
    let unnamed = try Self.file(model).entryPoint(subgraph: 0)
    #expect(unnamed.inputs.map(\.name) == ["b", "a"] && unnamed.outputs.map(\.name) == ["c", "c#2"] && unnamed.key == nil)
    model.signatureDefs = [
      SignatureDef(
        inputs: [TensorMap(name: "x", tensorIndex: 0), TensorMap(name: "y", tensorIndex: 1)],
        outputs: [TensorMap(name: "p", tensorIndex: 2), TensorMap(name: "q", tensorIndex: 2)], signatureKey: "serving_default")
    ]
    let named = try Self.file(model).entryPoint(subgraph: 0)
    #expect(named.inputs.map(\.name) == ["y", "x"] && named.outputs.map(\.name) == ["p", "q"] && named.key == "serving_default")
  }
}
