import Foundation
import ModelSupport
import ModelTensor
import NumPyFormat
import Testing

@Suite struct NumPyWriterTests {
  @Test func writesWhatNumpyWrites() throws {
    let file = TemporaryFile()
    try NumPyWriter.write(NDArray([Float(1), 4, 7, 10, 13, 16], [2, 3]), to: file.path)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file.path))
    let archive = try NumPyArchive(path: Fixtures.path("numpy/arrays.npz"))
    let original = try #require(try archive.archive.source("z_float32.npy")).bytes()
    #expect([UInt8](bytes) == original)
  }

  @Test(arguments: [false, true]) func readsWhatItWrote(_ isCompressed: Bool) throws {
    let file = TemporaryFile()
    let writer = try NumPyArchiveWriter(path: file.path, isCompressed: isCompressed)
    try writer.add("z", NDArray((0..<10_000).map(Int32.init), [100, 100]))
    try writer.add("text", NDArray(strings: [Array("é".utf8), Array("abc".utf8)], [2]))
    try writer.add("raw", NDArray(strings: [[0xFF, 0xFE], [1]], [2]))
    try writer.add("half", NDArray(zeros: .bfloat16, [3]))
    try writer.add("nibbles", NDArray([Int8(-8), 7, 1], [3]).reinterpreted(as: .int4))
    try writer.add("scalar", NDArray(scalar: true))
    try writer.finish()
    let archive = try NumPyArchive(path: file.path)
    #expect(archive.keys == ["z", "text", "raw", "half", "nibbles", "scalar"])
    #expect(try archive.tensor("z")?.array().integers() == Array(0..<10_000))
    #expect(try archive.tensor("text")?.array().strings == [Array("é".utf8), Array("abc".utf8)])
    #expect(try archive.tensor("raw")?.array().strings == [[0xFF, 0xFE], [1]])
    #expect(try archive.tensor("half")?.dtype == .bfloat16)
    #expect(try archive.tensor("nibbles")?.array().integers() == [-8, 7, 1])
    #expect(try archive.tensor("scalar")?.array().integers() == [1])
  }
}
