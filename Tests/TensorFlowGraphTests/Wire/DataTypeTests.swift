import ModelTensor
import TensorFlowGraph
import Testing

@Suite struct DataTypeTests {
  @Test func numbersAndDTypesAgreeBothWays() throws {
    #expect(DataType(rawValue: 1).dtype == .float32)
    #expect(DataType(rawValue: 101).dtype == .float32)
    #expect(DataType(rawValue: 101).isReference)
    #expect(DataType(.int64)?.rawValue == 9)
    #expect(DataType(.float16)?.name == "DT_HALF")
    #expect(DataType(.float8e8m0fnu) == nil)
  }
}
