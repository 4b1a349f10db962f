import ModelGraph
import ModelTensor

/// State as variables of LiteRT: read when a run begins, assigned when it ends, and filled once by a subgraph of their own.
extension OperatorWriter {
  /// Writes the subgraph that gives variables their initial values.
  /// - Returns: its place in the model; `nil` where nothing is remembered.
  static func initialisation(of graphs: [Graph], _ library: WrittenSubgraphs) throws -> Int? {
    var writer = OperatorWriter(frame: SubgraphFrame(), library: library, nodeName: "initialisation")
    var known: Set<String> = []
    for state in graphs.flatMap(\.states) where known.insert(state.name).inserted {
      try writer.assign(try writer.constant(state.initial), to: try writer.handle(state))
    }
    guard !known.isEmpty else { return nil }
    return library.add(WrittenSubgraphs.Finished(name: "initialisation", frame: writer.frame, inputs: [], outputs: []))
  }

  /// Runs the initialisation before anything else, in the first run alone.
  mutating func callOnce(_ subgraph: Int) throws {
    var options = CallOnceOptions()
    options.initSubgraphIndex = Int32(clamping: subgraph)
    _ = try emit(.callOnce, [], .callOnceOptions(options), types: [])
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
