import ModelTensor

/// What the kernel of a node worked out for inputs of certain types: extents, steps, plans. A node that is run again with inputs of these types
/// finds it there, and puts nothing on the heap for it.
public final class KernelMemo {
  /// An input that the content is for.
  private struct Port {
    var dtype: DType
    var shape: [Int]
    /// Of an input whose elements say where things go.
    var elements: [UInt8]?
  }
  private var ports: [Port?] = []
  private var content: AnyObject?

  public init() {}

  /// Vectors that are longer are not kept to compare with.
  private static let longestVector = 1024

  /// What is remembered for these inputs, if it is a `Content`.
  @usableFromInline
  func find(_ inputs: [NDArray?], _ vectors: Range<Int>) -> AnyObject? {
    guard let content, inputs.count == ports.count else { return nil }
    for index in inputs.indices {
      guard let port = ports[index] else {
        if inputs[index] != nil { return nil }
        continue
      }
      guard let input = inputs[index], input.dtype == port.dtype, input.shape == port.shape else { return nil }
      if let elements = port.elements {
        let isSame = input.withBytes { bytes in
          elements.withUnsafeBytes { known in bytes.count == known.count && bytes.elementsEqual(known) }
        }
        guard isSame else { return nil }
      } else if vectors.contains(index) {
        return nil
      }
    }
    return content
  }

  @usableFromInline
  func keep(_ content: AnyObject, _ inputs: [NDArray?], _ vectors: Range<Int>) {
    for index in vectors where index < inputs.count {
      guard let input = inputs[index] else { continue }
      guard input.dtype != .string, input.byteCount <= Self.longestVector else { return }
    }
    ports = inputs.enumerated().map { index, input in
      input.map { Port(dtype: $0.dtype, shape: $0.shape, elements: vectors.contains(index) ? $0.withBytes(Array.init) : nil) }
    }
    self.content = content
  }

  @usableFromInline
  final class Box<Content> {
    @usableFromInline let content: Content
    @usableFromInline init(_ content: Content) { self.content = content }
  }
}

extension KernelMemo? {
  /// What `make` gives, which depends on the types of the inputs and the elements of `vectors` alone: from the run before, if they were the same.
  /// Without a memo it is made each time.
  @inlinable
  public func prepared<Content>(_ inputs: [NDArray?], vectors: Range<Int> = 0..<0, _ make: () throws -> Content) rethrows -> Content {
    guard let memo = self else { return try make() }
    if let known = memo.find(inputs, vectors) as? KernelMemo.Box<Content> { return known.content }
    let made = try make()
    memo.keep(KernelMemo.Box(made), inputs, vectors)
    return made
  }
}
