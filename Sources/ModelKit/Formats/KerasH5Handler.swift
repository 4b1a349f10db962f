/// Keras's HDF5 file: a whole model, or weights only.
struct KerasH5Handler: FormatHandler {
  let format = ModelFormat.h5
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  /// HDF5 allows a user block of 512 bytes, or any power of two above, in front.
  func matches(_ candidate: FormatCandidate) -> Bool {
    if candidate.isDirectory { return false }
    return candidate.has(Self.signature, at: 0)
      || (9...16).contains { candidate.has(Self.signature, at: 1 << $0) }
  }
}
