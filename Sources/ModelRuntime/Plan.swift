import ModelGraph
import ModelPasses
import ModelTensor

/// The programs of an entry point and of every body it reaches, with the weights once they are loaded.
final class Plan {
  private(set) var programs: [GraphID: Program] = [:]
  let entry: GraphID
  /// What the weights and constants of all programs take.
  private(set) var constantBytes = 0
  private var arrays: [GraphID: [NDArray?]] = [:]
  /// Slots of runs that are over, with nothing but the constants in them.
  private var spare: [GraphID: [NDArray?]] = [:]

  /// The model as it would be run fastest: constants folded, images with their channels last, and epilogues fused. Ports and
  /// results stay the same; a model that these steps can't take is run as it is.
  convenience init(fusing model: Model, entry: GraphID) throws {
    var better = model
    do {
      try FoldConstants().run(&better)
      let layout = ConvertLayout(to: .channelsLast)
      if layout.isNeeded(better) {
        try layout.run(&better)
        try FoldConstants().run(&better)
      }
      try FuseEpilogues().run(&better)
      try FuseBiases().run(&better)
      try self.init(better, entry: entry)
    } catch is GraphError {
      try self.init(model, entry: entry)
    }
  }

  init(_ model: Model, entry: GraphID) throws {
    self.entry = entry
    var waiting = [entry]
    while let id = waiting.popLast() {
      guard programs[id] == nil else { continue }
      let program = try Program(id, of: model)
      programs[id] = program
      for (_, tensor) in program.constants {
        let count = tensor.type.shape.elementCount.flatMap { tensor.type.dtype.byteCount(of: $0) } ?? 0
        constantBytes = constantBytes.saturatingAdd(count)
      }
      for step in program.steps { waiting += step.bodies }
    }
  }

  /// The slots of a graph as a run starts: constants filled in.
  func slots(_ program: Program) throws -> [NDArray?] {
    if let index = spare.index(forKey: program.graph), !spare.values[index].isEmpty {
      // Taken out while they are used: a graph that calls itself has others.
      var slots: [NDArray?] = []
      swap(&slots, &spare.values[index])
      return slots
    }
    if let known = arrays[program.graph] { return known }
    var slots = [NDArray?](repeating: nil, count: program.slotCount)
    for (slot, tensor) in program.constants { slots[slot] = try tensor.array() }
    arrays[program.graph] = slots
    return slots
  }

  /// Keeps the slots of a run that has ended for the next one.
  func keep(_ slots: inout [NDArray?], of program: Program) {
    for slot in program.leftovers { slots[slot] = nil }
    if let index = spare.index(forKey: program.graph) {
      swap(&slots, &spare.values[index])
    } else {
      spare[program.graph] = slots
    }
  }
}

extension Int {
  /// The sum, or the greatest number there is.
  func saturatingAdd(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
