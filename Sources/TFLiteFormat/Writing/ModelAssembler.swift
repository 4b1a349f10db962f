import FlatBufferWire
import ModelGraph
import ModelSupport
import ModelTensor

/// Makes the file's tables of finished subgraphs.
struct ModelAssembler {
  private var codes: [OperatorCode] = []
  private var places: [CodeKey: UInt32] = [:]
  private(set) var buffers: [TFLiteBuffer] = [TFLiteBuffer()]
  private var known = KnownBuffers()
  private var runtime = (1, 5)

  private struct CodeKey: Hashable {
    var builtin: Int32
    var version: Int32
  }

  /// The first runtime that has all operators: `2.6.0`.
  var minimumRuntime: String { "\(runtime.0).\(runtime.1).0" }
  var operatorCodes: [OperatorCode] { codes }

  /// - Parameter comparesLarge: whether buffers of equal bytes are looked for among large ones, too, which are read for that.
  init(comparesLarge: Bool) { known.comparesLarge = comparesLarge }

  mutating func add(data: [UInt8]) -> UInt32 { add(data: FlatBytes(data)) }

  mutating func add(data: FlatBytes) -> UInt32 {
    buffers.append(TFLiteBuffer(data: data))
    return UInt32(buffers.count - 1)
  }

  mutating func subgraph(_ finished: WrittenSubgraphs.Finished) throws -> TFLiteSubGraph {
    let frame = finished.frame
    var tensors: [TFLiteTensor] = [], index = [Int](repeating: -1, count: frame.entries.count)
    var names: [String: Int] = [:]
    func visit(_ old: Int) throws {
      guard old >= 0, index[old] < 0 else { return }
      index[old] = tensors.count
      var tensor = try self.tensor(frame.entries[old])
      let base = tensor.name ?? ""
      let count = names[base, default: 0]
      names[base] = count + 1
      if count > 0 {
        var unique = "\(base)_\(count)", number = count
        while names[unique] != nil {
          number += 1
          unique = "\(base)_\(number)"
        }
        names[unique] = 1
        tensor.name = unique
      }
      tensors.append(tensor)
    }
    for value in finished.inputs { try visit(value) }
    for value in finished.outputs { try visit(value) }
    var operators: [TFLiteOperator] = []
    for step in frame.steps {
      for value in step.inputs + step.outputs + step.intermediates { try visit(value) }
      var made = TFLiteOperator()
      made.opcodeIndex = code(of: step, in: frame)
      made.inputs = step.inputs.map { $0 < 0 ? -1 : Int32(index[$0]) }
      made.outputs = step.outputs.map { Int32(index[$0]) }
      made.builtinOptions = step.options
      if !step.intermediates.isEmpty { made.intermediates = step.intermediates.map { Int32(index[$0]) } }
      if step.inputs.contains(where: { $0 >= 0 && frame.entries[$0].isVariable }) {
        made.mutatingVariableInputs = step.inputs.map { $0 >= 0 && frame.entries[$0].isVariable }
      }
      operators.append(made)
    }
    var result = TFLiteSubGraph()
    result.tensors = tensors
    result.inputs = finished.inputs.map { Int32(index[$0]) }
    result.outputs = finished.outputs.map { Int32(index[$0]) }
    result.operators = operators
    result.name = finished.name
    return result
  }

  private mutating func code(of step: SubgraphFrame.Step, in frame: SubgraphFrame) -> UInt32 {
    func type(_ index: Int) -> TFLiteTensorType? { index < 0 ? nil : TFLiteDTypes.wire(frame.entries[index].type.dtype) }
    let shapes = step.inputs.map { $0 < 0 ? Shape.unranked : frame.entries[$0].type.shape }
    let version = OperatorVersions.version(
      step.builtin, inputs: step.inputs.map(type), outputs: step.outputs.compactMap(type), ranks: shapes.map { $0.rank ?? 0 },
      options: step.options, broadcasts: shapes.count > 1 && shapes[0] != shapes[1],
      isGrouped: step.builtin == .conv2d && shapes.count > 1 && shapes[0].dims?.last != shapes[1].dims?.last,
      isQuantized: step.inputs.first.map { $0 >= 0 && frame.entries[$0].type.quantization != nil } ?? false)
    let needed = OperatorVersions.runtime(step.builtin, version: version)
    if needed > runtime { runtime = needed }
    let key = CodeKey(builtin: step.builtin.rawValue, version: version)
    if let place = places[key] { return place }
    var code = OperatorCode()
    // Readers older than the wide field look here; 127 sends them there.
    code.deprecatedBuiltinCode = Int8(clamping: min(127, step.builtin.rawValue))
    code.builtinCode = step.builtin
    code.version = version
    codes.append(code)
    places[key] = UInt32(codes.count - 1)
    return UInt32(codes.count - 1)
  }

  private mutating func tensor(_ entry: SubgraphFrame.Entry) throws -> TFLiteTensor {
    guard let type = entry.wireType ?? TFLiteDTypes.wire(entry.type.dtype) else {
      throw UnsupportedError("TFLite has no dtype \(entry.type.dtype)")
    }
    var result = TFLiteTensor()
    result.type = type
    result.name = entry.name
    result.isVariable = entry.isVariable
    if let quantization = entry.type.quantization { result.quantization = QuantizationParameters(quantization) }
    let shape = entry.constant.map { $0.type.shape } ?? entry.type.shape
    if let dims = shape.dims {
      let small = try dims.map { dim -> Int32 in
        guard let value = dim.value else { return -1 }
        guard let extent = Int32(exactly: value) else { throw UnsupportedError("an extent of \(value) does not fit int32") }
        return extent
      }
      result.shape = small.map { $0 < 0 ? 1 : $0 }
      result.hasRank = true
      if small.contains(-1) { result.shapeSignature = small }
    } else {
      result.shape = []
    }
    if let constant = entry.constant { result.buffer = try known.place(of: constant, among: &buffers) }
    return result
  }
}

extension QuantizationParameters {
  init(_ quantization: Quantization) {
    self.init()
    scale = quantization.scales
    zeroPoint = quantization.zeroPoints.isEmpty ? quantization.scales.map { _ in 0 } : quantization.zeroPoints
    quantizedDimension = Int32(clamping: quantization.axis ?? 0)
  }
}

/// Which constants have a buffer already: those of one source, and small ones of equal bytes; where several entry points have made
/// the same of one weight, those of equal bytes.
private struct KnownBuffers {
  /// Whether large buffers are compared, too.
  var comparesLarge = false
  private var sources: [ObjectIdentifier: (source: any ByteSource, place: UInt32)] = [:]
  private var extents: [ExtentKey: UInt32] = [:]
  private var small: [[UInt8]: UInt32] = [:]
  private var large: [LargeKey: [(source: any ByteSource, place: UInt32)]] = [:]

  private struct LargeKey: Hashable {
    var count: Int
    var start: [UInt8]
  }

  private struct ExtentKey: Hashable {
    var file: ObjectIdentifier
    var range: Range<Int>
  }

  mutating func place(of tensor: Tensor, among buffers: inout [TFLiteBuffer]) throws -> UInt32 {
    let source = tensor.source, key = ObjectIdentifier(source)
    if tensor.dtype == .string { return try strings(tensor, &buffers) }
    if let place = sources[key]?.place { return place }
    var extentKey: ExtentKey?
    if let extent = source.extent {
      let key = ExtentKey(file: ObjectIdentifier(extent.file), range: extent.range)
      if let place = extents[key] { return place }
      extentKey = key
    }
    var bytes: [UInt8]?
    if source.byteCount <= 1024 {
      let all = try source.bytes()
      if let place = small[all] { return place }
      bytes = all
    } else if comparesLarge {
      var start: [UInt8] = []
      try source.withBytes(in: 0..<1024) { start = [UInt8]($0) }
      let alike = LargeKey(count: source.byteCount, start: start)
      if let known = try large[alike]?.first(where: { try $0.source.hasSameBytes(as: source) }) { return known.place }
      large[alike, default: []].append((source, UInt32(buffers.count)))
    }
    buffers.append(TFLiteBuffer(data: bytes.map { FlatBytes($0) } ?? FlatBytes(source)))
    let place = UInt32(buffers.count - 1)
    sources[key] = (source, place)
    if let extentKey { extents[extentKey] = place }
    if let bytes { small[bytes] = place }
    return place
  }

  /// A count, where each string begins, where the last ends, and the strings.
  private mutating func strings(_ tensor: Tensor, _ buffers: inout [TFLiteBuffer]) throws -> UInt32 {
    let list = try tensor.array().strings
    var bytes: [UInt8] = []
    func append(_ value: Int) { withUnsafeBytes(of: UInt32(clamping: value).littleEndian) { bytes += $0 } }
    append(list.count)
    var position = 4 * (list.count + 2)
    for string in list {
      append(position)
      position += string.count
    }
    append(position)
    for string in list { bytes += string }
    if let place = small[bytes] { return place }
    buffers.append(TFLiteBuffer(data: FlatBytes(bytes)))
    small[bytes] = UInt32(buffers.count - 1)
    return UInt32(buffers.count - 1)
  }
}
