import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelPasses

@Suite struct DropNeutralTermsTests {
  private static func constant(_ c: inout GraphContext, _ values: [Float], _ shape: [Int]) throws -> ValueID {
    try c.constant(NDArray(values, shape))
  }

  @Test func zerosAndOnesGo() throws {
    var model = try makeModel { c in
      let x = c.input("x", [.named("batch"), 4, 3])
      var y = try c.add(x, try Self.constant(&c, [0], []))
      y = try c.sub(y, try Self.constant(&c, [0, -0.0, 0], [1, 1, 3]))
      y = try c.mul(try Self.constant(&c, [1, 1, 1], [3]), y)
      y = try c.apply(TanhOp(), y)
      return [try c.div(y, try Self.constant(&c, [1], [1]))]
    }
    try DropNeutralTerms().run(&model)
    try model.validate()
    #expect(model.opNames == ["Tanh"])
  }

  @Test func whatChangesSomethingStays() throws {
    var model = try makeModel { c in
      let x = c.input("x", [1, 3])
      let differs = try c.add(x, try Self.constant(&c, [0, 0, 1e-30], [3]))
      // The other way round they are no terms that do nothing; a constant may also make the result larger, or be trained.
      let turned = try c.sub(try Self.constant(&c, [0], []), differs)
      let inverse = try c.div(try Self.constant(&c, [1], []), turned)
      let larger = try c.add(inverse, try Self.constant(&c, [0, 0], [2, 1]))
      return [try c.add(larger, c.weight("bias", NDArray([0, 0, 0] as [Float], [3])))]
    }
    let trained = model
    try DropNeutralTerms().run(&model)
    #expect(model.opNames == ["Add", "Sub", "Div", "Add", "Add"])
    var all = trained
    try DropNeutralTerms(includesTrainable: true).run(&all)
    #expect(all.opNames == ["Add", "Sub", "Div", "Add"])
  }
}
