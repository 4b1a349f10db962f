import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

extension NodeWriter {
  /// The type of a handle to a list of tensors.
  static let listType = TensorType(.variant, .ranked([]))

  /// A loop: `condition` and `body` get the variables; the body gives their next values. What both use from outside is passed
  /// along and given back unchanged.
  ///
  /// TensorFlow's gradient of a loop takes its first two variables for the number of turns and the most there may be (`_WhileGrad`
  /// in `while_v2.py`), so those stand in front.
  mutating func loop(
    _ start: [OutValue], _ label: String = "while",
    while condition: (inout NodeWriter, [OutValue]) throws -> OutValue,
    do body: (inout NodeWriter, [OutValue]) throws -> [OutValue]
  ) throws -> [OutValue] {
    guard dialect == .tensorFlow else { return try plainLoop(start, label, while: condition, do: body) }
    let zero = try int32(0)
    let ends = try countingLoop([zero] + start, label) { w, variables in
      try condition(&w, Array(variables.dropFirst()))
    } do: { w, variables in
      let next = try body(&w, Array(variables.dropFirst())), one = try w.int32(1)
      return [try w.emit("AddV2", [variables[0], one], as: zero.type)] + next
    }
    return Array(ends.dropFirst())
  }

  /// A loop whose first variable counts its turns from 0 (int32).
  private mutating func countingLoop(
    _ start: [OutValue], _ label: String = "while",
    while condition: (inout NodeWriter, [OutValue]) throws -> OutValue,
    do body: (inout NodeWriter, [OutValue]) throws -> [OutValue]
  ) throws -> [OutValue] {
    guard dialect == .tensorFlow, let counter = start.first else { return try plainLoop(start, label, while: condition, do: body) }
    let unlimited = try int32(-1)
    func own(_ variables: [OutValue]) -> [OutValue] { Array(variables.prefix(1) + variables.dropFirst(2)) }
    let ends = try plainLoop([counter, unlimited] + start.dropFirst(), label) { w, variables in
      try condition(&w, own(variables))
    } do: { w, variables in
      let next = try body(&w, own(variables))
      return Array(next.prefix(1)) + [variables[1]] + next.dropFirst()
    }
    return own(ends)
  }

  private mutating func plainLoop(
    _ start: [OutValue], _ label: String,
    while condition: (inout NodeWriter, [OutValue]) throws -> OutValue,
    do body: (inout NodeWriter, [OutValue]) throws -> [OutValue]
  ) throws -> [OutValue] {
    // What one turn may change is not known of the variables.
    func variables(_ frame: Frame) throws -> [OutValue] {
      try start.enumerated().map { try frame.addArgument("arg_\($0)", Fact($1.type)) }
    }
    var test = nested("cond"), step = nested("body")
    let testInputs = try variables(test.frame), goesOn = try test.frame.localize(try condition(&test, testInputs))
    let stepInputs = try variables(step.frame), next = try body(&step, stepInputs).map { try step.frame.localize($0) }
    guard next.count == start.count else { throw GraphError(.invalidStructure, "a loop of \(start.count) variables") }
    let captures = try Self.share([test.frame, step.frame])
    let passed = try captures.map { try step.frame.localize($0) }
    let testName = try add(try test.function("", giving: [goesOn], captures: captures), "\(nodeName)_\(label)_cond")
    let stepName = try add(try step.function("", giving: next + passed, captures: captures), "\(nodeName)_\(label)_body")
    let types = zip(start, next).map { TensorType($0.type.dtype, Shape.common($0.type.shape, $1.type.shape)) } + captures.map(\.type)
    let results = try emit(
      "StatelessWhile", start + captures,
      [
        "cond": .function(testName), "body": .function(stepName), "output_shapes": .shapes(types.map(\.shape)),
        "parallel_iterations": .int(10),
      ], types: types)
    return Array(results.prefix(start.count))
  }

  /// One of two functions.
  mutating func branch(
    _ condition: OutValue, then: (inout NodeWriter) throws -> [OutValue], otherwise: (inout NodeWriter) throws -> [OutValue]
  ) throws -> [OutValue] {
    var first = nested("then"), second = nested("else")
    // A result that is a value from outside is captured, too.
    let one = try then(&first).map { try first.frame.localize($0) }, other = try otherwise(&second).map { try second.frame.localize($0) }
    guard one.count == other.count else { throw GraphError(.invalidStructure, "branches with \(one.count) and \(other.count) results") }
    let captures = try Self.share([first.frame, second.frame])
    let firstName = try add(try first.function("", giving: one, captures: captures), "\(nodeName)_then")
    let secondName = try add(try second.function("", giving: other, captures: captures), "\(nodeName)_else")
    let types = zip(one, other).map { TensorType($0.type.dtype, Shape.common($0.type.shape, $1.type.shape)) }
    let outputTypes = try types.map { type in
      guard let dataType = DataType(type.dtype) else { throw UnsupportedError("TensorFlow has no dtype \(type.dtype)") }
      return dataType
    }
    return try emit(
      "StatelessIf", [condition] + captures,
      [
        "then_branch": .function(firstName), "else_branch": .function(secondName), "Tout": .types(outputTypes),
        "output_shapes": .shapes(types.map(\.shape)),
      ], types: types)
  }

  /// Puts a function into the library. Its name ends with a fingerprint of what it does: TensorFlow keeps the functions of all graphs
  /// that a process imports under their names, and refuses a second one that is another.
  private func add(_ function: FunctionDef, _ base: String) throws -> String {
    var function = function, name = base
    if try function.encodedSize() <= 1 << 20 {
      let print = try function.encoded().reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
      let digits = String(print, radix: 16)
      name += "_" + String(repeating: "0", count: 8 - digits.count) + digits
    }
    name = library.uniqueName(name)
    function.signature?.name = name
    library.add(function)
    return name
  }

  /// Lets all frames capture what one of them does, in one order.
  private static func share(_ frames: [Frame]) throws -> [OutValue] {
    var captures: [OutValue] = [], seen: Set<Frame.CaptureKey> = []
    for frame in frames { for (outer, _) in frame.captures where seen.insert(outer.key).inserted { captures.append(outer) } }
    for frame in frames { for value in captures { _ = try frame.localize(value) } }
    return captures
  }

  /// What has been written as a function: the arguments first, then the captures in the given order.
  mutating func function(_ name: String, giving results: [OutValue], captures: [OutValue] = []) throws -> FunctionDef {
    var function = FunctionDef(), signature = OpDef()
    signature.name = name
    var returns: [StringEntry] = []
    let ports = NameTable()
    for result in results {
      // What a function gives must be made by a node of its own.
      var value = try frame.localize(result)
      if value.argument == nil { value = try emit("Identity", [value]) }
      guard let type = DataType(value.type.dtype) else { throw UnsupportedError("TensorFlow has no dtype \(value.type.dtype)") }
      var port = OpDef.ArgDef()
      let portName = ports.unique("identity")
      port.name = portName
      port.type = type
      signature.outputArg.append(port)
      returns.append(StringEntry(portName, value.functionReference))
    }
    let captured = Set(frame.captures.map(\.inner.node))
    let byName = Dictionary(frame.arguments.map { ($0.name ?? "", $0) }, uniquingKeysWith: { first, _ in first })
    signature.inputArg = frame.arguments.filter { !captured.contains($0.name ?? "") }
    for value in captures { if let argument = byName[try frame.localize(value).node] { signature.inputArg.append(argument) } }
    function.signature = signature
    function.nodeDef = NodeOrder.used(nodes, by: returns.map { $0.value ?? "" })
    function.ret = returns
    return function
  }
}

extension NodeWriter: TensorFlowFamilyWriter {
  /// A loop over slices: lists of tensors hold what is scanned and what is collected.
  mutating func scan(
    _ initial: [OutValue], over tensors: [OutValue], axis: Int, backward: Bool,
    step: (inout NodeWriter, _ states: [OutValue], _ slices: [OutValue]) throws -> (states: [OutValue], results: [OutValue])
  ) throws -> (states: [OutValue], results: [OutValue]) {
    guard let first = tensors.first else { throw UnsupportedError("a loop over nothing") }
    let rank = try rank(of: first), along = try normalizeAxis(axis, rank: rank)
    let turned = try tensors.map { along == 0 ? $0 : try transpose($0, AxisOrder.front(along, rank)) }
    let count = try emit(
      "StridedSlice",
      [
        try emit("Shape", [turned[0]], ["out_type": try .dtype(.int32)], as: TensorType(.int32, [rank])), try int32s([0]), try int32s([1]),
        try int32s([1]),
      ],
      ["shrink_axis_mask": .int(1)], as: TensorType(.int32, []))
    let lists = try turned.map { tensor in
      let slice = TensorType(tensor.type.dtype, .ranked(Array((tensor.type.shape.dims ?? []).dropFirst())))
      let shape = try elementShape(slice.shape)
      return (list: try emit("TensorListFromTensor", [tensor, shape], as: Self.listType), slice: slice)
    }
    // The types of the results are known when the step has been written once.
    var made: [TensorType] = []
    var trial = nested("trial")
    func slices(_ w: inout NodeWriter, _ index: OutValue) throws -> [OutValue] {
      try lists.map { list, slice in
        let shape = try w.elementShape(slice.shape)
        return try w.emit("TensorListGetItem", [list, index, shape], ["element_dtype": try .dtype(slice.dtype)], as: slice)
      }
    }
    let start = try trial.frame.addArgument("start", Fact(TensorType(.int32, [])))
    let probes = try initial.map { try trial.frame.addArgument("state", Fact($0.type)) }
    made = try step(&trial, probes, try slices(&trial, start)).results.map(\.type)
    let collectors = try made.map { type in
      let shape = try elementShape(type.shape)
      return try emit("TensorListReserve", [shape, count], ["element_dtype": try .dtype(type.dtype)], as: Self.listType)
    }
    let zero = try int32(0)
    let ends = try countingLoop([zero] + initial + collectors) { w, variables in
      try w.emit("Less", [variables[0], count], as: TensorType(.bool, []))
    } do: { w, variables in
      let one = try w.int32(1)
      var at = variables[0]
      if backward { at = try w.emit("Sub", [try w.emit("Sub", [count, one], as: at.type), at], as: at.type) }
      let states = Array(variables[1..<(1 + initial.count)])
      let (next, results) = try step(&w, states, try slices(&w, at))
      let lists = try zip(results, variables[(1 + initial.count)...]).map { result, list in
        try w.emit("TensorListSetItem", [list, at, result], as: Self.listType)
      }
      return [try w.emit("AddV2", [variables[0], one], as: at.type)] + next + lists
    }
    let states = Array(ends[1..<(1 + initial.count)])
    let extent = along < rank ? (first.type.shape.dims?[along] ?? .unknown) : .unknown
    let results = try zip(made, ends[(1 + initial.count)...]).map { type, list in
      let shape = try elementShape(type.shape)
      let stacked = TensorType(type.dtype, type.shape.dims.map { .ranked([extent] + $0) } ?? .unranked)
      let result = try emit(
        "TensorListStack", [list, shape], ["element_dtype": try .dtype(type.dtype)], as: stacked)
      let rank = try self.rank(of: result), back = try normalizeAxis(axis, rank: rank)
      return back == 0 ? result : try transpose(result, AxisOrder.behind(back, rank))
    }
    return (states, results)
  }

  /// A shape as the list ops take it: -1 for what is not known.
  mutating func elementShape(_ shape: Shape) throws -> OutValue {
    guard let dims = shape.dims else { return try int32(-1) }
    return try int32s(dims.map { $0.value ?? -1 })
  }

  /// A list of tensors.
  mutating func emptyCollection(_ type: TensorType) throws -> OutValue {
    let shape = try elementShape(type.shape), unbounded = try int32(-1)
    return try emit("EmptyTensorList", [shape, unbounded], ["element_dtype": try .dtype(type.dtype)], as: Self.listType)
  }

  mutating func appended(_ value: OutValue, to collection: OutValue) throws -> OutValue {
    try emit("TensorListPushBack", [collection, value], as: Self.listType)
  }

  mutating func stacked(_ collection: OutValue, _ type: TensorType) throws -> OutValue {
    let shape = try elementShape(type.shape)
    let result = TensorType(type.dtype, type.shape.dims.map { .ranked([.unknown] + $0) } ?? .unranked)
    return try emit("TensorListStack", [collection, shape], ["element_dtype": try .dtype(type.dtype)], as: result)
  }
}
