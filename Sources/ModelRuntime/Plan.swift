import ModelGraph
import ModelTensor

/// The programs of an entry point and of every body it reaches, with the weights once they are loaded.
final class Plan {
  private(set) var programs: [GraphID: Program] = [:]
  let entry: GraphID
  private var arrays: [GraphID: [NDArray?]] = [:]

  init(_ model: Model, entry: GraphID) throws {
    self.entry = entry
    var waiting = [entry]
    while let id = waiting.popLast() {
      guard programs[id] == nil else { continue }
      let program = try Program(id, of: model)
      programs[id] = program
      for step in program.steps { waiting += step.bodies }
    }
  }

  /// The slots of a graph as a run starts: constants filled in.
  func slots(_ program: Program) throws -> [NDArray?] {
    if let known = arrays[program.graph] { return known }
    var slots = [NDArray?](repeating: nil, count: program.slotCount)
    for (slot, tensor) in program.constants { slots[slot] = try tensor.array() }
    arrays[program.graph] = slots
    return slots
  }
}
