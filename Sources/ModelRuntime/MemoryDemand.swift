import ModelTensor

/// The bytes that a run needs: its inputs, and at each step what was computed and will still be read.
struct MemoryDemand {
  private(set) var inputBytes = 0
  private(set) var mostBytes = 0
  /// Of the inputs, what is not memory of the pool: variables are what a step before computed.
  private(set) var foreignBytes = 0

  /// - Parameters:
  ///   - slots: what is there after a step.
  ///   - fixed: slots of constants.
  mutating func note(_ slots: [NDArray?], inputs: [Int], fixed: Set<Int>, pool: BufferPool) {
    var seen: Set<UnsafeRawPointer> = []
    func bytes(_ indices: some Sequence<Int>) -> Int {
      indices.reduce(0) { sum, index in
        guard let array = slots[index], let address = array.withBytes({ $0.baseAddress }), seen.insert(address).inserted else { return sum }
        return sum + array.byteCount
      }
    }
    let given = bytes(inputs)
    inputBytes = max(inputBytes, given)
    seen = []
    foreignBytes = max(foreignBytes, bytes(inputs.filter { slots[$0].map { !pool.owns($0) } ?? false }))
    seen = []
    _ = bytes(inputs)
    let own = Set(inputs)
    mostBytes = max(mostBytes, bytes(slots.indices.filter { !own.contains($0) && !fixed.contains($0) }))
  }
}
