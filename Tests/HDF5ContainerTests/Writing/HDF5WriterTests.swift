import Foundation
import HDF5Container
import ModelSupport
import ModelTensor
import Testing

@Suite struct HDF5WriterTests {
  func sample(_ dtype: DType) -> Tensor {
    let array = NDArray(zeros: dtype, [2, 3])
    array.withMutableBytes { bytes in for i in 0..<bytes.count { bytes[i] = dtype == .bool ? UInt8(i % 2) : UInt8(i + 1) } }
    return Tensor(array)
  }

  static let dtypes: [DType] = [
    .bool, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .float16, .float32, .float64, .complex64,
    .complex128,
  ]

  func write(to path: String) throws {
    let writer = try HDF5Writer()
    for dtype in Self.dtypes { try writer.root.dataset("types/\(dtype)", sample(dtype)) }
    let opaque = try writer.root.dataset("bfloat16", sample(.bfloat16))
    try opaque.write(.text("bfloat16"), as: "dtype")
    try writer.root.dataset("big", Tensor(NDArray((0..<5000).map(Float.init), [50, 100])))
    try writer.root.dataset("scalar", Tensor(NDArray(scalar: Int64(-5))))
    try writer.root.dataset("none", Tensor(NDArray(zeros: .float32, [0, 3])))
    try writer.root.dataset("strings", Tensor(NDArray(strings: [Array("é".utf8), []], [2])))
    try writer.root.write(.text("grüße"), as: "text")
    try writer.root.write(.bytes(Array(String(repeating: "y", count: 200_000).utf8)), as: "long")
    let group = try writer.root.group("a/b")
    try group.write(.byteStrings([Array("conv/kernel:0".utf8), Array("x".utf8)]), as: "weight_names")
    try group.write(.texts(["p", "qr"]), as: "texts")
    try group.write(.array(NDArray(zeros: .float64, [0])), as: "nothing")
    try group.write(.array(NDArray([Float(1), 2], [2])), as: "floats")
    try group.write(.empty, as: "empty")
    try writer.write(to: path)
  }

  @Test func readsWhatItWrote() throws {
    let file = TemporaryFile()
    try write(to: file.path)
    let root = try HDF5File(path: file.path).root
    for dtype in Self.dtypes {
      let tensor = try root.dataset("types/\(dtype)").tensor
      #expect(tensor.type == sample(dtype).type)
      #expect(try tensor.source.bytes() == sample(dtype).source.bytes(), "\(dtype)")
      #expect(tensor.source.extent != nil)
    }
    #expect(try root.dataset("bfloat16").tensor(as: .bfloat16).source.bytes() == sample(.bfloat16).source.bytes())
    let big = try root.dataset("big").tensor
    #expect(try big.array().doubles() == (0..<5000).map(Double.init))
    #expect((big.source.extent?.range.lowerBound ?? 1) % HDF5Writer.alignment == 0)
    #expect(try root.dataset("scalar").tensor.array().integers() == [-5])
    #expect(try root.dataset("none").tensor.extents == [0, 3])
    #expect(try root.dataset("strings").tensor.array().strings == [Array("é".utf8), []])
    #expect(try root.attribute("text")?.string == "grüße")
    #expect(try root.attribute("long")?.string?.count == 200_000)
    let group = try root.group("a/b")
    #expect(try group.attribute("weight_names")?.strings == ["conv/kernel:0", "x"])
    #expect(try group.attribute("texts")?.strings == ["p", "qr"])
    #expect(try group.attribute("nothing")?.array?.shape == [0])
    #expect(try group.attribute("floats")?.array?.doubles() == [1, 2])
    #expect(try group.attribute("empty")?.isEmpty == true)
  }

  @Test func writesTheSameBytesAgain() throws {
    let first = TemporaryFile(), second = TemporaryFile()
    try write(to: first.path)
    try write(to: second.path)
    #expect(try Data(contentsOf: URL(fileURLWithPath: first.path)) == Data(contentsOf: URL(fileURLWithPath: second.path)))
  }

  @Test func refusesWhatHDF5CannotHold() throws {
    let writer = try HDF5Writer()
    try writer.root.dataset("x", sample(.float32))
    #expect(throws: FormatError.self) { try writer.root.dataset("x", sample(.float32)) }
    #expect(throws: FormatError.self) { try writer.root.dataset("x/y", sample(.float32)) }
    #expect(throws: FormatError.self) { try writer.root.dataset("i4", Tensor(NDArray(zeros: .int4, [2]))) }
    #expect { try writer.root.write(.array(NDArray(zeros: .float64, [9000])), as: "large") } throws: {
      hasCode(.limitExceeded)($0)
    }
  }
}
