import ModelGraph
import ModelOps
import ModelTensor
import Testing

/// Casts go over long arrays in parts: no element is lost between them.
@Test(arguments: [DType.int16, .float32, .uint8]) func castsLongArrays(_ dtype: DType) throws {
  let context = ExecutionContext(primitives: ReferencePrimitives()), count = 3 * 65_536 + 5
  let numbers = NDArray((0..<count).map { Int64($0 % 251) }, [count])
  let narrow = try numbers.cast(to: dtype, in: context)
  #expect(narrow.shape == [count] && narrow.doubles() == numbers.doubles())
  #expect(try narrow.cast(to: .float64, in: context).doubles() == numbers.doubles())
  #expect(try narrow.cast(to: .int32, in: context).integers() == numbers.integers())
}
