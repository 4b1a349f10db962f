import ModelGraph
import ModelSupport
import ModelTensor

/// State as variables of LiteRT: read when a run begins, assigned when it ends, and filled once by a subgraph of their own.
extension OperatorWriter {
  /// Writes the subgraph that gives variables their initial values and tables their contents.
  /// - Returns: its place in the model; `nil` where nothing is remembered.
  static func initialisation(of graphs: [Graph], _ library: WrittenSubgraphs) throws -> Int? {
    var writer = OperatorWriter(frame: SubgraphFrame(), library: library, nodeName: "initialisation")
    var known: Set<String> = []
    for state in graphs.flatMap(\.states) where known.insert(state.name).inserted {
      try writer.assign(try writer.constant(state.initial), to: try writer.handle(state))
    }
    for (index, table) in library.tables.enumerated() {
      let handle = try writer.table(index + 1, table.keys.dtype, table.values.dtype)
      let contents = [handle, try writer.constant(table.keys), try writer.constant(table.values)]
      _ = try writer.emit(.hashtableImport, contents, .hashtableImportOptions(HashtableImportOptions()), types: [])
    }
    guard !known.isEmpty || !library.tables.isEmpty else { return nil }
    return library.add(WrittenSubgraphs.Finished(name: "initialisation", frame: writer.frame, inputs: [], outputs: []))
  }

  /// Runs the initialisation before anything else, in the first run alone.
  static func callOnce(_ subgraph: Int) -> SubgraphFrame.Step {
    var options = CallOnceOptions()
    options.initSubgraphIndex = Int32(clamping: subgraph)
    return SubgraphFrame.Step(builtin: .callOnce, inputs: [], outputs: [], options: .callOnceOptions(options))
  }

  /// A table by its number.
  mutating func table(_ number: Int, _ keys: DType, _ values: DType) throws -> OutValue {
    guard let key = TFLiteDTypes.wire(keys), let value = TFLiteDTypes.wire(values) else { throw UnsupportedError("a table of \(keys)") }
    let options = HashtableOptions(tableId: Int32(clamping: number), keyDtype: key, valueDtype: value)
    let handle = try emit(.hashtable, [], .hashtableOptions(options), as: TensorType(.int32, [1]))
    frame.entries[handle.index].wireType = .resource
    return handle
  }

  mutating func handle(_ state: StateVariable) throws -> OutValue {
    var options = VarHandleOptions()
    options.container = ""
    options.sharedName = state.name
    let handle = try emit(.varHandle, [], .varHandleOptions(options), as: TensorType(.int32, []))
    frame.entries[handle.index].wireType = .resource
    return handle
  }

  mutating func read(_ handle: OutValue, _ type: TensorType) throws -> OutValue {
    try emit(.readVariable, [handle], .readVariableOptions(ReadVariableOptions()), as: type)
  }

  mutating func assign(_ value: OutValue, to handle: OutValue) throws {
    _ = try emit(.assignVariable, [handle, value], .assignVariableOptions(AssignVariableOptions()), types: [])
  }
}
